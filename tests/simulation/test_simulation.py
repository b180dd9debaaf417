"""A sample of simulated histories, and the seeds of defects that they have found.

More of them: `python -m tests.simulation --count 10000` (docs/contributing.md).
"""

import subprocess
import sys

import pytest

from tests.simulation.__main__ import check, check_each
from tests.simulation.drawing import history_of
from tests.simulation.outcome import Outcome
from tests.simulation.world import run_history

SAMPLE = 80
NIGHTLY = 10_000

# What histories have found, so that it stays mended: `mutants/past.py` puts these in again.
DEFECTS = {
    70: "a command that could not be killed made the fold refuse the end of its attempt",
}
# What was wrong with the simulation itself.
FAULTS_OF_THE_SIMULATOR = {
    1223: "it asked a log that was cut what could not be killed",
    3035: "what was to happen to a run happened after its end",
    5076: "it called a pass stale whose input was changed before anybody had read it",
    300004: "it wanted a process ended that no signal reaches",
    300356: "a second run was taken for one of a check",
    207278: "it wanted a process stopped that nothing tells of",
    209655: "its clock ran on before Trio had been woken",
}
# Of every kind of fault one: that they are reached is what makes the rest worth anything.
REACHED = (
    "a call takes long",
    "a child goes away: setsid",
    "a long time between look and signal",
    "a number is given again",
    "a process cannot be killed for a while",
    "a process stops itself",
    "a reader lags",
    "a thread waits for a child",
    "cancel",
    "crash, at a checkpoint",
    "disk: log broken",
    "disk: log full",
    "disk: log short",
    "disk: log sync broken",
    "disk: output broken",
    "disk: output full",
    "edit",
    "front lost",
    "group taken",
    "log: check.reused",
    "orphans are adopted",
    "pause",
    "pidfd_open fails with ENOSYS",
    "pool: Go",
    "pool: a job is forgotten",
    "pool: a message comes twice",
    "pool: a message is lost",
    "pool: a worker dies",
    "pool: the broker is gone",
    "second run",
    "second run supersedes",
    "signal SIGTERM, at a checkpoint",
    "stall",
    "suspend",
    "tamper cut",
    "tamper output",
    "what was written is lost",
)


def test_a_sample_of_histories_holds_to_every_oracle() -> None:
    wrong = {seed: found for seed in range(SAMPLE) if (found := check(seed))}
    assert wrong == {}


@pytest.mark.parametrize("seed", [*DEFECTS, *FAULTS_OF_THE_SIMULATOR], ids=str)
def test_a_defect_of_the_past_stays_mended(seed: int) -> None:
    assert check(seed) == []


def _what_was_done(outcome: Outcome) -> list[tuple[bytes, int, int]]:
    return [(outcome.log, outcome.kernel.calls, outcome.kernel.now_ns)]


def test_the_same_number_gives_the_same_bytes() -> None:
    """Twenty has a pool, 52 a second run."""
    for seed in (*range(0, SAMPLE, 10), 52):
        first, again = (run_history(history_of(seed), _what_was_done) for _ in range(2))
        assert first == again


def test_linux_gives_the_same_types_of_events() -> None:
    assert _on_linux(5) == 0


@pytest.mark.nightly  # minutes
def test_linux_gives_the_same_types_of_events_two_hundred_times() -> None:
    assert _on_linux(200) == 0


def _on_linux(count: int) -> int:
    """In a process of its own, which becomes the parent of what it starts."""
    command = [sys.executable, "-m", "tests.simulation.on_linux", "--count", str(count)]
    return subprocess.run(command, check=False).returncode


@pytest.mark.nightly  # minutes
def test_ten_thousand_histories_hold_to_every_oracle_and_reach_every_fault() -> None:
    wrong, reached = check_each(range(SAMPLE, NIGHTLY))
    assert wrong == []
    assert [what for what in REACHED if not reached[what]] == []
