"""DESIGN section 7, `wait`: for what, how long, of which run, and how it ends."""

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from tests.helpers.held import release
from tests.helpers.processes import catches, opened_by
from tests.helpers.running import running
from tests.helpers.waiting import wait_until
from vibeguard.core.model.events import CheckSettled, Event, RunForegroundSettled
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids

CONFIG = """\
checks:
  - {id: quick, run: ':'}
  - {id: held, run: 'read line < fifo', async: true, timeout: 10m}
  - {id: after, run: ':', requires: [held]}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A quick check, one in the background that the test holds, and one that waits for it."""
    os.mkfifo(tmp_path / "fifo")
    return project(tmp_path, CONFIG)


def detach(folder: Path, *ids: str) -> str:
    """Start a run and return its id."""
    done = vibeguard("run", *ids, "--detach", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait(folder: Path, *words: str) -> int:
    return vibeguard("wait", *words, cwd=folder).returncode


def events_until(folder: Path, run: str, kind: type[Event]) -> None:
    """Until the log of the run holds such an event."""
    with contextlib.closing(Follower(run_folder(str(folder / ".vibeguard"), run))) as follower:
        while not any(isinstance(event, kind) for event in follower.read()):
            assert not follower.finished, f"the run ended without {kind}"
            follower.wait(60)


# How long, and for what.


@pytest.mark.parametrize("words", [("--max-wait", "1ms"), ("--max-wait=0s",)])
def test_when_the_time_is_over_it_is_5_and_the_run_goes_on(folder, words):
    run = detach(folder)
    assert wait(folder, run, *words) == 5
    release(folder)
    assert wait(folder, run) == 0


@pytest.mark.parametrize(
    "until",
    [("--until", "check", "quick"), ("--until", "check", "--check", "quick"), ("--check", "quick")],
)
def test_a_check_that_has_settled_ends_it_in_every_form(folder, until):
    """The run goes on, so the answer is 5."""
    run = detach(folder)
    assert wait(folder, run, *until) == 5
    recorded, _ = open_state(run_folder(str(folder / ".vibeguard"), run))
    assert recorded.checks["quick"].outcome is not None
    assert recorded.finished is None
    release(folder)
    assert wait(folder, run) == 0


def test_a_check_that_is_held_is_waited_for(folder):
    """Neither the quick check nor the foreground ends the wait; that the check settles does."""
    run = detach(folder)
    with running(folder, "wait", run, "--check", "held") as waiting:
        events_until(folder, run, CheckSettled)
        until_it_listens(waiting.pid)
        assert wait(folder, run, "--check", "quick") == 5
        assert waiting.process.poll() is None
        release(folder)
        assert waiting.end()[0] in (0, 5)  # `after` may have ended by then
    assert wait(folder, run) == 0


def test_a_foreground_that_has_settled_ends_it(folder):
    """What waits for the background is left, and so is the background."""
    run = detach(folder)
    assert wait(folder, run, "--until", "foreground") == 5
    recorded, _ = open_state(run_folder(str(folder / ".vibeguard"), run))
    assert recorded.foreground_settled.pending == ("held", "after")
    release(folder)
    assert wait(folder, run) == 0
    assert wait(folder, run, "--until", "foreground") == 0


def test_a_foreground_that_is_held_is_waited_for(folder):
    """And when it is also the end of the run, the answer is the verdict."""
    project(folder, CONFIG.replace("async: true", "async: false"))
    run = detach(folder)
    with running(folder, "wait", run, "--until", "foreground") as waiting:
        events_until(folder, run, CheckSettled)
        until_it_listens(waiting.pid)
        assert wait(folder, run, "--check", "quick") == 5
        assert waiting.process.poll() is None
        release(folder)
        assert waiting.end()[0] in (0, 5)  # the seal comes after the foreground
    assert wait(folder, run) == 0


def test_the_end_is_what_is_waited_for_when_nothing_else_is_said(folder):
    run = detach(folder)
    with (
        running(folder, "wait", run) as plain,
        running(folder, "wait", run, "--until", "end") as said,
    ):
        events_until(folder, run, RunForegroundSettled)
        assert wait(folder, run, "--until", "foreground") == 5
        assert (plain.process.poll(), said.process.poll()) == (None, None)
        release(folder)
        assert (plain.end()[0], said.end()[0]) == (0, 0)


def test_a_failure_in_the_foreground_is_1_before_the_end(folder):
    """It decides the verdict, and it is said that this is not the end."""
    project(folder, CONFIG.replace("run: ':'}\n  - {id: held", "run: 'exit 4'}\n  - {id: held"))
    run = detach(folder)
    for words in (("--until", "foreground"), ("--check", "quick")):
        done = vibeguard("wait", run, *words, cwd=folder)
        assert done.returncode == 1
        assert "not the end" in done.stderr
    release(folder)
    assert wait(folder, run) == 1


# Of which run.


def test_of_the_latest_run_unless_another_is_named(folder):
    first = detach(folder, "quick")
    assert wait(folder) == 0
    second = detach(folder)
    assert wait(folder, "--max-wait", "1ms") == 5
    for name in (first, first[:-1], "latest~1"):
        assert wait(folder, name) == 0
    release(folder)
    assert wait(folder, second) == 0


# How it ends.


@pytest.mark.parametrize("words", [(), ("--until", "foreground"), ("--check", "quick")])
@pytest.mark.parametrize(("command", "code"), [(":", 0), ("exit 9", 1)])
def test_a_run_that_is_over_answers_at_once_with_its_verdict(tmp_path, words, command, code):
    project(tmp_path, f"checks: [{{id: quick, run: '{command}'}}]\n")
    assert vibeguard("run", cwd=tmp_path).returncode == code
    assert wait(tmp_path, *words) == code


def test_of_a_cancelled_run_it_is_143(folder):
    run = detach(folder)
    with running(folder, "wait", run) as waiting:
        events_until(folder, run, RunForegroundSettled)
        assert vibeguard("cancel", run, cwd=folder).returncode == 0
        assert waiting.end()[0] == 143
    assert wait(folder, run) == 143


def test_a_cancelled_check_is_1_and_the_rest_goes_on(folder):
    """An error-severity check that was cancelled has not passed; what needs it is skipped."""
    run = detach(folder)
    events_until(folder, run, RunForegroundSettled)
    assert vibeguard("cancel", run, "--check", "held", cwd=folder).returncode == 0
    assert wait(folder, run, "--check", "held") == 1
    assert wait(folder, run) == 1


def test_when_the_supervisor_is_killed_who_waits_ends_with_3(folder):
    run = detach(folder)
    with running(folder, "wait", run) as waiting:
        events_until(folder, run, RunForegroundSettled)
        recorded, _ = open_state(run_folder(str(folder / ".vibeguard"), run))
        os.kill(recorded.started.pid, signal.SIGKILL)
        assert waiting.end()[0] == 3
    assert wait(folder, run, "--check", "quick") == 3


@pytest.mark.parametrize("flags", [(), ("--notify",)])
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_waiting_and_not_the_run(folder, sent, code, flags):
    """Nor is it an answer: nobody knows yet whether the background fails."""
    run = detach(folder)
    with running(folder, "wait", run, *flags) as waiting:
        until_it_listens(waiting.pid)
        waiting.process.send_signal(sent)
        assert waiting.end()[0] == code
    release(folder)
    assert wait(folder, run) == 0


def until_it_listens(pid: int) -> None:
    """Until the process hears signals itself: from then on it watches the log, too."""
    wait_until(
        lambda: "anon_inode:inotify" in opened_by(pid) and catches(pid, signal.SIGHUP),
        "the command never listened",
    )


def test_as_json_it_is_the_document_of_the_run(folder):
    """Of a live one as far as it has come, of one that is over the whole."""
    run = detach(folder)
    pending = vibeguard("wait", run, "--check", "quick", "--json", cwd=folder)
    document = json.loads(pending.stdout)
    assert (pending.returncode, document["exit_code"], document["verdict"]) == (5, 5, None)
    release(folder)
    over = vibeguard("wait", run, "--json", cwd=folder)
    document = json.loads(over.stdout)
    assert (over.returncode, document["exit_code"], document["verdict"]) == (0, 0, "passed")
    assert document["run_id"] == run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--until", "check"), "--until check needs a check"),
        (("--until", "dinner"), "dinner"),
        (("--max-wait", "soon"), "soon"),
        (("19990101-000000",), "19990101"),
    ],
)
def test_what_cannot_be_waited_for_is_a_usage_error_and_leaves_the_run_alone(tmp_path, words, said):
    project(tmp_path, "checks: [{id: quick, run: ':'}]\n")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    done = vibeguard("wait", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(run_ids(str(tmp_path / ".vibeguard"))) == 1


@pytest.mark.parametrize("words", [("--check", "absent"), ("--until", "check", "absent")])
def test_a_check_that_a_live_run_does_not_have_is_a_usage_error_and_not_waited_for(folder, words):
    run = detach(folder)
    done = vibeguard("wait", run, *words, cwd=folder)
    assert done.returncode == 2
    assert "no check absent" in done.stderr
    release(folder)
    assert wait(folder, run) == 0


@pytest.mark.parametrize(
    "words", [("--check", "absent"), ("--max-wait", "0s", "--check", "absent")]
)
def test_a_check_that_a_finished_run_did_not_have_is_a_usage_error_too(tmp_path, words):
    project(tmp_path, "checks: [{id: quick, run: ':'}]\n")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    done = vibeguard("wait", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no check absent" in done.stderr


def test_without_any_run_it_is_a_usage_error(folder):
    done = vibeguard("wait", cwd=folder)
    assert done.returncode == 2
    assert "vibeguard run" in done.stderr
