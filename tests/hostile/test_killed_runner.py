"""Whenever the runner is SIGKILLed: never exit 0 afterwards unless sealed, always readable."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import project, vibeguard
from tests.helpers.processes import is_running
from tests.helpers.running import running
from tests.helpers.waiting import wait_until
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import open_state
from vibeguard.system.process import proc
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.rundir.order import read_order

QUICK, NIGHTLY, BATCH = 20, 1000, 10
VICTIMS = ("front", "supervisor", "both")
# Half of the kills come while the checks run, half about the seal.
CONFIG = """version: "1"
checks:
  - {id: first, run: "true"}
  - {id: second, run: "sleep 0.1", requires: [first]}
  - {id: third, run: "sleep 0.1; exit CODE", requires: [second]}
  - {id: slow, run: "sleep 0.15", async: true}
"""


def batches(kills: int, *marks: pytest.MarkDecorator) -> list[object]:
    """Numbers of batches that together are so many kills."""
    return [pytest.param(number, marks=marks) for number in range(kills // BATCH)]


@pytest.mark.parametrize(
    "batch",
    [
        *batches(QUICK, pytest.mark.slow),
        *(
            pytest.param(QUICK // BATCH + n, marks=pytest.mark.nightly)
            for n in range((NIGHTLY - QUICK) // BATCH)
        ),
    ],
)
def test_a_killed_runner_never_leaves_a_pass_that_was_not(tmp_path: Path, batch: int) -> None:
    """The true verdict if the log is sealed, else incomplete; whoever was killed, whenever."""
    chance = random.Random(batch)
    for number in range(BATCH):
        true_code = chance.choice([0, 1])
        folder = project(tmp_path / str(number), CONFIG.replace("CODE", str(true_code)))
        kill_at_random(folder, chance)
        check_what_is_left(folder, true_code)


def test_a_front_that_is_killed_before_it_has_launched_anything_leaves_nothing(
    tmp_path: Path,
) -> None:
    """Its run may outlive it: then a guardian holds the other end of the pipe for orders."""
    die = "from vibeguard.system.front import early; early.prepare(sys.argv[1:])"
    program = f"import os, sys; {die}; os.kill(os.getpid(), 9)"
    for flag in ("--detach", "--max-wait=1s", "--fail-fast"):
        with (
            nothing_left_behind(reap_adopted=True),
            running(tmp_path, "run", flag, program=program, fresh=True) as run,
        ):
            run.process.wait(timeout=60)


def kill_at_random(folder: Path, chance: random.Random) -> None:
    """Start a run, kill front, supervisor or both, and wait for the end of both."""
    victim = chance.choice(VICTIMS)
    with running(folder, "run") as run:
        time.sleep(chance.uniform(0, 0.8))
        below = [pid for pid in proc.children_of(run.pid) if run.process.poll() is None]
        targets = {"front": [run.pid], "supervisor": below[:1], "both": [run.pid, *below[:1]]}
        for pid in targets[victim]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        run.process.wait(timeout=60)
        # This process may be the one who adopted it and never reaped it.
        wait_until(
            lambda: not any(is_running(pid) for pid in below),
            "the supervisor outlives its front",
        )


def check_what_is_left(folder: Path, true_code: int) -> None:
    """What `report` says of the folder, which may not even have a run yet.

    A run whose supervisor is killed before its line is in the order record has not begun.
    """
    state_dir = str(folder / ".vibeguard")
    ids = [run.run_id for run in read_order(state_dir)]
    code = vibeguard("report", cwd=folder).returncode
    if not ids:
        assert code == 2
        return
    state, reading = open_state(run_folder(state_dir, ids[-1]))
    assert reading.problem is None
    if reading.status is LogStatus.COMPLETE:
        assert state.finished is not None
        cancelled = state.cancel is not None
        assert code == (143 if cancelled else true_code)
    else:
        assert reading.status is LogStatus.INCOMPLETE
        assert code == 3
