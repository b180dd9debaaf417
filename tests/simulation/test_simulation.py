"""A sample of simulated histories, and the seeds of defects that they have found.

More of them: `python -m tests.simulation --count 10000` (docs/contributing.md).
"""

import subprocess
import sys

import pytest

from tests.simulation.__main__ import check
from tests.simulation.history import history_of
from tests.simulation.world import Outcome, run_history

SAMPLE = 100
NIGHTLY = 10_000

# What histories have found, so that it stays mended: `mutants.py` has each of them as a mutant.
DEFECTS = {
    70: "a command that could not be killed made the fold refuse the end of its attempt",
    207278: "the simulator wanted a process stopped that nothing tells of",
    209655: "the simulated clock ran on before Trio had been woken",
}


def test_a_sample_of_histories_holds_to_every_oracle() -> None:
    wrong = {seed: found for seed in range(SAMPLE) if (found := check(seed))}
    assert wrong == {}


@pytest.mark.parametrize("seed", DEFECTS, ids=str)
def test_a_defect_of_the_past_stays_mended(seed: int) -> None:
    assert check(seed) == []


def _what_was_done(outcome: Outcome) -> list[tuple[bytes, int, int]]:
    return [(outcome.log, outcome.kernel.calls, outcome.kernel.now_ns)]


def test_the_same_number_gives_the_same_bytes() -> None:
    for seed in range(0, SAMPLE, 10):
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
def test_ten_thousand_histories_hold_to_every_oracle() -> None:
    wrong = {seed: found for seed in range(SAMPLE, NIGHTLY) if (found := check(seed))}
    assert wrong == {}
