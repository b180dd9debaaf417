"""What is said of a log's end beside its events."""

import subprocess

import pytest
from msgspec.structs import replace

from tests.helpers.command import project, vibeguard
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import LogReading, open_state
from vibeguard.system.process import proc
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.vouching import endings
from vibeguard.system.vouching.endings import ending_of


@pytest.mark.parametrize(
    ("writer_alive", "words"),
    [(False, "its writer is gone"), (None, "whether its writer lives is unknown")],
)
def test_an_incomplete_log_always_says_what_is_wrong_with_it(tmp_path, writer_alive, words):
    """Formats for machines have no other place where people could see it."""
    status = LogStatus.INCOMPLETE
    reading = LogReading(status, events=3, bytes=900, lines=3, writer_alive=writer_alive)
    ending = ending_of(reading, str(tmp_path), State())
    assert (ending.log_status, ending.exit_code) == (LogStatus.INCOMPLETE, 3)
    assert ending.problem == f"the run has no verdict: its log has no seal, and {words}"


def test_a_verdict_is_not_taken_back_while_its_supervisor_is_on_its_way_out(tmp_path, monkeypatch):
    """It has vouched and is silent, and takes some milliseconds to end; one that stays does not."""
    folder = project(tmp_path, "checks:\n  - {id: a, run: 'true'}\n")
    assert vibeguard("run", cwd=folder).returncode == 0
    runs = str(folder / ".vibeguard")
    run = run_folder(runs, *run_ids(runs))
    state, reading = open_state(run)
    child = subprocess.Popen(["sleep", "1000"])
    start = proc.stat_of(child.pid).identity.start
    state.started = replace(state.started, pid=child.pid, pid_start=start)
    monkeypatch.setattr(endings, "sleep_s", lambda _: None)
    assert ending_of(reading, run, state).log_status is LogStatus.LIVE

    def exits_meanwhile(_):
        child.kill()
        child.wait()

    monkeypatch.setattr(endings, "sleep_s", exits_meanwhile)
    assert ending_of(reading, run, state).log_status is LogStatus.COMPLETE
