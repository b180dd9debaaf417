"""Collects results: counts all of them, keeps a bounded number, the worst first."""

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.results import Result
from vibeguard.core.names import FAILED_RESULTS, Level, ResultKind, ResultOutcome
from vibeguard.core.results.base import Sink
from vibeguard.core.results.paths import Places
from vibeguard.core.results.texts import MOST_MESSAGE, MOST_NAME, cut
from vibeguard.core.wording.sanitise import well_formed

MOST_RESULTS = 5_000
MOST_BYTES = 1 << 20  # of the log, for each attempt
MOST_LINES = 999_999_999  # of a file
MOST_TRACKED = 100_000  # failures whose names are remembered
_OVERHEAD_BYTES = 80


class Gathered(Struct, frozen=True):
    """What the reports of an attempt amount to.

    `tests` and `diagnostics` count all of them, by outcome and by level, without zeros. `results`
    are those that are kept, worst first; `left_out` counts the others. `failed` names the tests
    that failed, `recovered` those of them that passed when they were run again; None where there
    were too many to remember.
    """

    tests: dict[str, int] = {}
    diagnostics: dict[str, int] = {}
    results: tuple[Result, ...] = ()
    left_out: int = 0
    failed: frozenset[str] | None = frozenset()
    recovered: frozenset[str] = frozenset()


class Collector:
    """The sink of an attempt's readers."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._tests: dict[str, int] = {}
        self._diagnostics: dict[str, int] = {}
        self._kept: tuple[list[Result], ...] = ([], [], [], [])
        self._bytes = [0, 0, 0, 0]
        self._failed: set[tuple[str, str]] = set()
        self._recovered: set[tuple[str, str]] = set()
        self._lost_track = False

    def add(self, result: Result, among: str = "", /) -> None:
        """Take one result; `among` tells tests of one name apart."""
        rank = _rank(result)
        kept = self._kept[rank]
        full = len(kept) >= MOST_RESULTS or self._bytes[rank] >= MOST_BYTES
        small = result if full else _small(result)
        if result.outcome is not None:
            outcome = result.outcome.value
            self._tests[outcome] = self._tests.get(outcome, 0) + 1
            self._track(among, result.name, result.outcome)
        elif result.severity is not None:
            if small in kept[-50:]:
                return  # compilers repeat themselves for each target
            level = result.severity.value
            self._diagnostics[level] = self._diagnostics.get(level, 0) + 1
        if not full:
            kept.append(small)
            self._bytes[rank] += _size(small)

    def apart(self, name: str) -> Sink:
        """The sink of one report of many, where no pass in another is a second try of its tests."""
        return lambda result, among="", /: self.add(result, f"{name}\0{among}")

    def gathered(self) -> Gathered:
        """All that has come in so far."""
        results: list[Result] = []
        room = MOST_BYTES
        for result in (one for kept in self._kept for one in kept):
            room -= _size(result)
            if room < 0 or len(results) >= MOST_RESULTS:
                break
            results.append(self._placed(result))
        failed = frozenset(name for _, name in self._failed)
        total = sum(self._tests.values()) + sum(self._diagnostics.values())
        return Gathered(
            tests=dict(sorted(self._tests.items())),
            diagnostics=dict(sorted(self._diagnostics.items())),
            results=tuple(results),
            left_out=total - len(results),
            failed=None if self._lost_track else failed,
            recovered=failed - {name for _, name in self._failed - self._recovered},
        )

    def _track(self, among: str, name: str, outcome: ResultOutcome) -> None:
        """Remember what failed; a later pass of the same test is a second try that passed."""
        if outcome in FAILED_RESULTS:
            test = (among, _name(name))
            if len(self._failed) >= MOST_TRACKED:
                self._lost_track = True
                return
            self._failed.add(test)
            self._recovered.discard(test)
        elif (
            self._failed
            and outcome is ResultOutcome.PASSED
            and (test := (among, _name(name))) in self._failed
        ):
            self._recovered.add(test)

    def _placed(self, result: Result) -> Result:
        if not result.file:
            return result
        file = self._places.relative(result.file)
        if file == result.file:
            return result
        if file:
            return replace(result, file=file)
        numbers = "".join(f":{number}" for number in (result.line, result.column) if number)
        message = cut(f"{result.file}{numbers}: {result.message}", MOST_MESSAGE)
        return replace(result, file="", line=0, column=0, message=message)


def _rank(result: Result) -> int:
    if result.kind is ResultKind.DIAGNOSTIC:
        return {Level.ERROR: 0, Level.WARNING: 1}.get(result.severity or Level.INFO, 2)
    if result.outcome in FAILED_RESULTS:
        return 0
    return 3 if result.outcome is ResultOutcome.PASSED else 2


def _name(name: str) -> str:
    return cut(well_formed(name), MOST_NAME)


def _small(result: Result) -> Result:
    """The result with texts and numbers that can be stored, and are not too long to be."""
    return replace(
        result,
        name=_name(result.name),
        file=cut(well_formed(result.file), MOST_NAME),
        rule=cut(well_formed(result.rule), MOST_NAME),
        message=cut(well_formed(result.message), MOST_MESSAGE),
        line=_place_number(result.line),
        column=_place_number(result.column),
    )


def _place_number(number: int) -> int:
    """A line or column that a file can have, else 0: the numbers of JSON have any size and sign."""
    return number if 0 < number <= MOST_LINES else 0


def _size(result: Result) -> int:
    """About how many bytes of the log it takes."""
    texts = (result.name, result.file, result.rule, result.message)
    return _OVERHEAD_BYTES + sum(len(text.encode()) for text in texts)
