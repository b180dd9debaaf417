"""`tail` beside a real run: where it begins, how it ends, and what it takes while nothing happens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.processes import opened_by
from tests.helpers.running import PATIENCE_S, Running, running
from tests.helpers.waiting import wait_until
from vibeguard.core.model.events import CheckStarted
from vibeguard.system.journal.follow import POLL_S

pytestmark = pytest.mark.slow

# One check that ends when it may, and fails.
GATED = """version: "1"
checks:
  - {id: quick, run: "true"}
  - {id: gated, run: "until test -e go; do sleep 0.02; done; exit 3", requires: [quick]}
"""
# The command on a file system that announces no changes.
UNANNOUNCED = (
    "from vibeguard.cli import command; from vibeguard.system.journal import follow;"
    "follow.watch = lambda descriptor: None; command()"
)


def events_of(output: str) -> list[dict[str, object]]:
    """The events that a `tail --format jsonl` has printed."""
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def tail_and_run(folder: Path, *argv: str) -> Iterator[tuple[Running, Running]]:
    """A run whose last check waits for a file `go`, and a `tail` of it."""
    project(folder, GATED)
    with running(folder, "run") as run:
        run.wait_for(CheckStarted, count=2)
        with running(folder, "tail", "--format", "jsonl", *argv) as tail:
            yield tail, run


@pytest.mark.parametrize("since", [-1, 0, 4, 7])
def test_tail_shows_what_follows_an_event_and_ends_with_seal_and_exit_code(
    tmp_path: Path, since: int
) -> None:
    """Joined in the middle: no event before, none left out, none twice; the code is the run's."""
    options = () if since < 0 else ("--since", str(since))
    with tail_and_run(tmp_path, *options) as (tail, run):
        assert tail.process.stdout is not None
        first = tail.process.stdout.readline()
        (tmp_path / "go").touch()
        out = tail.process.stdout.read()
        code, _, err = tail.end()
        assert run.end()[0] == code == 1, err
    events = events_of(first + out)
    assert [event["seq"] for event in events] == list(range(since + 1, since + 1 + len(events)))
    assert events[-1]["type"] == "log.sealed"


def test_tail_of_a_run_that_has_ended_gives_the_rest_at_once(tmp_path: Path) -> None:
    """Seal and exit code are those of the run, also when nothing is left to show."""
    (project(tmp_path, GATED) / "go").touch()
    assert vibeguard("run", cwd=tmp_path).returncode == 1
    whole = vibeguard("tail", "--format", "jsonl", cwd=tmp_path)
    assert whole.returncode == 1
    last = events_of(whole.stdout)[-1]
    assert last["type"] == "log.sealed"
    nothing = vibeguard("tail", "--format", "jsonl", "--since", str(last["seq"]), cwd=tmp_path)
    assert (nothing.returncode, nothing.stdout) == (1, "")


def test_tail_says_incomplete_when_the_writer_dies(tmp_path: Path) -> None:
    """Exit 3, after every event that there was."""
    with tail_and_run(tmp_path) as (tail, run):
        assert tail.process.stdout is not None
        tail.process.stdout.readline()
        os.kill(run.supervisor(), signal.SIGKILL)
        out = tail.process.stdout.read()
        code, _, err = tail.end()
        assert code == 3, err
        assert "seal" not in out
        assert run.end()[0] == 3
    report = vibeguard("tail", "--format", "text", cwd=tmp_path)
    assert report.returncode == 3
    assert "INCOMPLETE" in report.stderr


def test_tail_where_no_change_is_announced(tmp_path: Path) -> None:
    """A network file system has no inotify: the log is looked at in intervals, to the seal."""
    project(tmp_path, GATED)
    with running(tmp_path, "run") as run:
        run.wait_for(CheckStarted, count=2)
        tail = subprocess.Popen(
            [sys.executable, "-c", UNANNOUNCED, "tail", "--format", "jsonl"],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert tail.stdout is not None
            first = tail.stdout.readline()
            (tmp_path / "go").touch()
            out = tail.stdout.read()
            err = tail.communicate(timeout=PATIENCE_S)[1]
        finally:
            tail.kill()
        assert tail.returncode == 1, err
    events = events_of(first + out)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "log.sealed"


def switches_of(pid: int) -> int:
    """How often a process has gone to sleep of its own accord."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counted in /proc")
@pytest.mark.parametrize("which", ["tail", "run"])
def test_who_follows_wakes_a_few_times_a_second_while_nothing_happens(
    tmp_path: Path, which: str
) -> None:
    """They look for a lock that was given up, which nobody announces: four times a second."""
    with tail_and_run(tmp_path) as (tail, run):
        assert tail.process.stdout is not None
        for _ in range(6):
            tail.process.stdout.readline()
        pid = tail.pid if which == "tail" else run.pid
        # A front has its log watched once the run is no short one.
        wait_until(lambda: any("inotify" in name for name in opened_by(pid)))
        began, before = time.monotonic(), switches_of(pid)
        time.sleep(2)  # the length of the measurement; nothing is waited for
        woken, took = switches_of(pid) - before, time.monotonic() - began
        (tmp_path / "go").touch()
        assert tail.end()[0] == 1
    assert woken <= took / POLL_S + 10, f"{woken} times in {took:.1f} s"
