"""Starts in one folder come one after the other, and no run that goes on holds up the next."""

import fcntl
import os
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from tests.helpers.held import release
from tests.helpers.running import running
from vibeguard.system.front.gate import NAME, StartGate
from vibeguard.system.journal.live_runs import live_runs

CONFIG = "checks: [{id: held, run: 'read line < fifo', async: true, timeout: 10m}]\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A check that the test holds."""
    os.mkfifo(tmp_path / "fifo")
    return project(tmp_path, CONFIG)


@pytest.mark.parametrize(
    ("flags", "code"),
    [(("--detach",), 0), (("--max-wait", "1ms"), 5), (("--supersede", "--detach"), 0)],
)
def test_a_run_that_goes_on_holds_up_no_other_start(folder, flags, code):
    """Its start was over when it was recorded."""
    assert vibeguard("run", *flags, cwd=folder).returncode == code
    assert len(live_runs(str(folder / ".vibeguard"))) == 1
    assert is_free(folder)
    release(folder)
    assert vibeguard("wait", cwd=folder).returncode == 0


def test_a_command_that_stays_holds_up_no_other_start(folder):
    """Whether it has started the run that it waits for, or joined it."""
    with running(folder, "run", "--max-wait", "10m") as first:
        first.wait_until_running()
        assert is_free(folder)
        with running(folder, "run", "--max-wait", "10m") as second:
            assert "joined" in second.process.stderr.readline()
            assert is_free(folder)
            release(folder)
            assert (first.end()[0], second.end()[0]) == (0, 0)


def is_free(folder: Path) -> bool:
    """Whether a start gets through before anything but a hang would have kept it so long."""
    gate = StartGate(str(folder / ".vibeguard"))
    closed = gate.close(20)
    gate.open()
    return closed


def test_a_start_that_never_ends_keeps_nobody_out_for_ever(folder):
    """Its process may be stopped; the next one gives up waiting for it, and runs."""
    state = folder / ".vibeguard"
    state.mkdir(mode=0o700)
    with open(state / NAME, "w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        done = vibeguard("run", "--detach", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert live_runs(str(state)) == [done.stdout.strip()]
        release(folder)
        assert vibeguard("wait", cwd=folder).returncode == 0
