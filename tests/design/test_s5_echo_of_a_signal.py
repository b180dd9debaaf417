"""DESIGN section 5: signals within 250 ms of the first are the same one; wrappers send it twice."""

import os
import signal
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import project
from tests.helpers.running import Running, running
from tests.helpers.waiting import wait_until
from vibeguard.core.model.events import RunCancelRequested
from vibeguard.system.journal.reader import open_state

STEPS_WITHIN_AN_ECHO = 5  # of 50 ms
DEAF = """
settings: {grace: 10m}
checks:
  - {id: a, run: "trap '' TERM; while :; do echo x >>ticks; sleep 0.05; done", timeout: 10m}
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@needs_proc
def test_two_signals_in_one_moment_are_one_and_a_later_one_kills_at_once_and_seals(tmp_path):
    project(tmp_path, DEAF)
    with nothing_left_behind(reap_adopted=True), running(tmp_path, "run") as run:
        see_steps(run, 1)
        deliver_together(run.pid, signal.SIGINT, signal.SIGTERM)
        requested = run.wait_for(RunCancelRequested)
        see_steps(run, 3 * STEPS_WITHIN_AN_ECHO)  # an echo taken for a second signal kills it
        run.process.send_signal(signal.SIGINT)
        exit_code, _, err = run.end()
        state, reading = open_state(str(run.run_folder()))
    assert exit_code == {"SIGINT": 130, "SIGTERM": 143}[requested.by], err
    assert reading.status == "complete"
    assert state.counts == {"cancelled": 1}


def deliver_together(pid: int, *numbers: signal.Signals) -> None:
    """All of them at the moment at which the process goes on, however busy the machine is.

    They differ, since the kernel makes one of two equal signals that nobody has taken yet.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid) == "T")
    for number in numbers:
        os.kill(pid, number)
    os.kill(pid, signal.SIGCONT)


def state_of(pid: int) -> str:
    """The letter of the process's state (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def see_steps(run: Running, more: int) -> None:
    """Until the check has made that many more steps."""
    ticks = run.folder / "ticks"

    def count() -> int:
        return ticks.stat().st_size // 2 if ticks.exists() else 0

    goal = count() + more
    wait_until(lambda: count() >= goal or run.process.poll() is not None)
    assert count() >= goal, "the check was ended"
