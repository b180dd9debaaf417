"""Every run that ends tidies up behind it, and no run that goes on is touched by that."""

import contextlib
import os
import select
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from tests.helpers.held import release
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.live_runs import live_runs
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.rundir.latest import read_latest

# Each of these alone leaves the newest run, at most.
LIMITS = ["keep_runs: 1", "keep_bytes: 1B", "keep_age: 1ns"]


def config(limit: str, other: str = "':'") -> str:
    """A check that its test holds, and one that just ends."""
    return (
        f"settings: {{{limit}}}\n"
        "checks:\n"
        "  - {id: held, run: 'read line < fifo', async: true, timeout: 10m}\n"
        f"  - {{id: other, run: {other}}}\n"
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def state(folder: Path) -> str:
    return str(folder / ".vibeguard")


def supervisor(folder: Path, run: str) -> int:
    """The process that keeps the log, and tidies up when it has sealed it."""
    return open_state(run_folder(state(folder), run))[0].started.pid


def until_gone(pid: int) -> None:
    """Until the process has ended; one that is left behind fails the test instead of hanging it."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        ended, _, _ = select.select([descriptor], [], [], 60)
        os.close(descriptor)
        assert ended, "the supervisor has not ended"


def run_other(folder: Path) -> int:
    """A run of `other` from its start until it has tidied up; the exit code of the command.

    Its supervisor may outlive the command, so that no bound of the command cuts the tidying short.
    """
    before = run_ids(state(folder))[-1:]
    code = vibeguard("run", "other", "--max-wait", "10m", cwd=folder).returncode
    after = run_ids(state(folder))[-1:]
    if after != before:
        until_gone(supervisor(folder, after[0]))
    return code


def detach(folder: Path) -> str:
    done = vibeguard("run", "held", "--detach", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("limit", LIMITS)
def test_a_live_run_beyond_every_limit_stays_while_others_come_and_go(folder, limit):
    project(folder, config(limit))
    live = detach(folder)
    pid = supervisor(folder, live)
    before = log_of(folder, live)
    finished = []
    for _ in range(3):
        assert run_other(folder) == 0
        finished.append(run_ids(state(folder))[-1])
    # A run does not take away its own folder, which it still holds; the next one does.
    assert run_ids(state(folder)) == [live, finished[-1]]
    assert live_runs(state(folder)) == [live]
    assert log_of(folder, live).startswith(before)
    release(folder)
    until_gone(pid)
    assert vibeguard("report", live, cwd=folder).returncode == 0
    recorded, reading = open_state(run_folder(state(folder), live))
    assert reading.status is LogStatus.COMPLETE
    assert recorded.settled == 1


def log_of(folder: Path, run: str) -> bytes:
    return Path(run_folder(state(folder), run), "events.jsonl").read_bytes()


def test_a_run_that_was_spared_for_being_live_goes_with_the_next_that_ends(folder):
    project(folder, config("keep_runs: 1"))
    live = detach(folder)
    pid = supervisor(folder, live)
    assert run_other(folder) == 0
    release(folder)
    until_gone(pid)
    assert live in run_ids(state(folder))
    assert run_other(folder) == 0
    assert len(run_ids(state(folder))) == 1
    assert live not in run_ids(state(folder))


def test_a_detached_run_tidies_up_by_itself(folder):
    """Nobody waits for it, and nobody else is going to."""
    project(folder, config("keep_runs: 1"))
    assert run_other(folder) == 0
    live = detach(folder)
    pid = supervisor(folder, live)
    assert len(run_ids(state(folder))) == 2
    release(folder)
    until_gone(pid)
    assert run_ids(state(folder)) == [live]
    assert read_latest(state(folder)) == live


@pytest.mark.parametrize(("command", "code"), [("exit 3", 1), ("kill -9 $$", 1)])
def test_a_run_that_fails_tidies_up_too_and_keeps_its_exit_code(folder, command, code):
    project(folder, config("keep_runs: 1", f"'{command}'"))
    for _ in range(2):
        assert run_other(folder) == code
    assert len(run_ids(state(folder))) == 1


def test_a_run_that_is_refused_removes_nothing(folder):
    """What is wrong with the config may be its limits."""
    project(folder, config("keep_runs: 9"))
    assert run_other(folder) == 0
    assert run_other(folder) == 0
    before = run_ids(state(folder))
    project(folder, config("keep_runs: 1, keep_age: soon"))
    assert run_other(folder) == 2
    assert run_ids(state(folder)) == before


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_cannot_be_remembered_changes_no_verdict_and_stops_no_tidying(folder, make):
    """Here what stands where the history belongs is no file."""
    project(folder, config("keep_runs: 1"))
    assert run_other(folder) == 0
    (folder / ".vibeguard" / "history").unlink()
    make(folder / ".vibeguard" / "history")
    assert run_other(folder) == 0
    assert len(run_ids(state(folder))) == 1


def test_only_folders_of_runs_are_removed(folder):
    """What else somebody keeps beside them is not ours."""
    project(folder, config("keep_runs: 1"))
    assert run_other(folder) == 0
    runs = folder / ".vibeguard" / "runs"
    (runs / "notes.txt").write_text("mine\n")
    (runs / "kept").mkdir()
    (runs / "kept" / "file").write_text("mine\n")
    assert run_other(folder) == 0
    assert len(run_ids(state(folder))) == 1
    assert (runs / "notes.txt").read_text() == "mine\n"
    assert (runs / "kept" / "file").read_text() == "mine\n"


def test_a_run_notes_its_own_size_so_that_nobody_need_count_its_files(tmp_path):
    """Retries and all: what the next runs add up is what is on the disk."""
    checks = (
        "{id: a, run: 'echo one; exit 1', retries: 1}, {id: b, run: seq 9999}, {id: c, run: ':'}"
    )
    project(tmp_path, f"checks: [{checks}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 1
    (run,) = (tmp_path / ".vibeguard" / "runs").iterdir()
    stored = [run / "events.jsonl", *(run / "output").iterdir()]
    assert len(stored) == 5
    assert int((run / "bytes").read_text()) == sum(file.stat().st_size for file in stored)
