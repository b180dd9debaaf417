"""A sample of simulated histories, and the seeds of defects that they have found.

More of them: `python -m tests.simulation --count 10000` (docs/contributing.md).
"""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence

import pytest
import trio

from tests.simulation import watchdog
from tests.simulation.__main__ import check, check_many, what_was_done
from tests.simulation.drawing import history_of
from tests.simulation.mutants import __main__ as mutation
from tests.simulation.mutants import past
from tests.simulation.outcome import Outcome
from tests.simulation.seams import task_order
from tests.simulation.world import run_history

PRODUCT = mutation.ROOT / "vibeguard"
SAMPLE = 80
NIGHTLY = 10_000

# Defects of the past, by the history that each of them went wrong in.
DEFECTS = {mutant.history: mutant.what for mutant in past.MUTANTS if mutant.history is not None}
# What was wrong with the simulation itself.
FAULTS_OF_THE_SIMULATOR = {
    1223: "it asked a log that was cut what could not be killed",
    3035: "what was to happen to a run happened after its end",
    5076: "it called a pass stale whose input was changed before anybody had read it",
    300004: "it wanted a process ended that no signal reaches",
    300356: "a second run was taken for one of a check",
    207278: "it wanted a process stopped that nothing tells of",
    209655: "its clock ran on before Trio had been woken",
    21692: "a thread that answered another run let time pass",
    28575: "it let no time pass between a full disk and a start that was under way",
    22223: "it wanted one woken that had stopped since the look",
    43641: "it wanted one gone that the system let nobody end, and of which the check says so",
    23049: "it foretold that a number is left for every command",
    8838: "what stood for git was that of the copy in which the supervisor had died",
    13748: "it put a failure into quarantine that a limit had ended",
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
    "judging is cut short",
    "log: check.reused",
    "log: check.settled error file",
    "log: check.settled error results",
    "log: check.settled failed changed files",
    "log: check.settled failed expectation",
    "log: check.settled failed results contradict exit code",
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


def test_a_history_that_hangs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "HANG_S", 0.3)

    def hang(_: Outcome) -> list[str]:
        threading.Event().wait()
        return []

    (found,) = run_history(history_of(0), hang)
    assert "Hangs: it is not over after 0.3 s" in found


def test_what_goes_wrong_in_a_thread_is_reported() -> None:
    with watchdog.errors_of_threads() as found:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
    assert ["ZeroDivisionError" in each for each in found] == [True]


def _came_to(seeds: Sequence[int]) -> list[list[str]]:
    return [run_history(history_of(seed), what_was_done) for seed in seeds]


def test_the_same_number_gives_the_same_bytes() -> None:
    """Twenty has a pool, 52 a second run."""
    for seed in (*range(0, SAMPLE, 10), 52):
        assert _came_to([seed]) == _came_to([seed])


@pytest.mark.parametrize("hashes", ["1", "2"])
def test_another_process_that_hashes_otherwise_gives_the_same_bytes(hashes: str) -> None:
    command = [sys.executable, "-m", "tests.simulation", "--digests", "--seed", "36"]
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    done = subprocess.run(
        [*command, "--count", "6"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == list(map(str, _came_to(range(36, 42))))


def _turns(seed: int) -> list[int]:
    """In which order twenty tasks take their first turns."""
    order: list[int] = []

    async def take_turn(number: int) -> None:
        order.append(number)

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(take_turn, number)

    with task_order(seed):
        trio.run(run)
    return order


def test_the_number_decides_whose_turn_it_is_in_trio() -> None:
    """If Trio takes its order from elsewhere one day, `seams.task_order` pins nothing."""
    assert _turns(1) == _turns(1) != _turns(2)
    assert sorted(_turns(3)) == list(range(20))


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
    reached: Counter[str] = Counter()
    for wrong, counts in check_many(range(SAMPLE, NIGHTLY)):
        assert wrong == []
        reached.update(counts)
    assert [what for what in REACHED if not reached[what]] == []


def test_every_mutant_is_a_fault_in_the_product_as_it_is() -> None:
    """A text that has changed would make a mutant that nobody can notice."""
    product = "\0".join(path.read_text("utf-8") for path in PRODUCT.rglob("*.py"))
    mutants = [mutant for area in mutation.AREAS.values() for mutant in area]
    assert [mutant.what for mutant in mutants if product.count(mutant.old) != 1] == []
