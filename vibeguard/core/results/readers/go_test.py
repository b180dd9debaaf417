"""`go test -json`: a stream of events, of which a failed test's output says the place."""

import re

from msgspec import Struct, field

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import Sink, UnreadableReport
from vibeguard.core.results.building import one_test, outcome_of
from vibeguard.core.results.document_reports import decode_line
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.line_reports import LineReader
from vibeguard.core.results.texts import BoundedText, message_of, nanoseconds

MOST_OPEN = 10_000  # tests that run at a time
_WORDS = ("pass", "fail", "skip")
_UNBUILT = re.compile(r"^FAIL\t(\S+) \[((?:build|setup) failed)\]$")
_NOISE = ("=== ", "--- ", "FAIL", "PASS", "ok  \t", "exit status", "?   \t")


class _Event(Struct):
    action: str = field(name="Action", default="")
    package: str = field(name="Package", default="")
    test: str = field(name="Test", default="")
    output: str = field(name="Output", default="")
    elapsed: float | None = field(name="Elapsed", default=None)
    import_path: str = field(name="ImportPath", default="")


class GoTestReader(LineReader):
    """A test that failed in a subtest is told by the subtest, a package by its tests.

    Not by those that passed later (`-count`): a package that failed all the same is told, and a
    later pass of it (`--rerun-fails`) is as well.
    """

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._outputs: dict[tuple[str, str], BoundedText] = {}
        self._parents: dict[str, set[str]] = {}  # of each package: tests whose subtests failed
        self._failed: dict[str, set[str]] = {}  # of each package: tests that did not pass later
        self._told: set[str] = set()  # packages that failed without one of these
        self._going_on: set[str] = set()  # packages whose end has not been said
        self._unbuilt: dict[str, str] = {}  # packages that older versions tell of in text alone
        self._events = 0
        self._text = BoundedText()

    def line(self, line: str) -> None:
        """One event; other lines are what a build says."""
        event = decode_line(line, _Event)
        if event is None or not event.action:
            self._text.add(line + "\n")
            if (match := _UNBUILT.match(line)) and len(self._unbuilt) < MOST_OPEN:
                self._unbuilt[match[1]] = match[2]
            return
        self._events += 1
        if event.package and len(self._going_on) < MOST_OPEN:
            self._going_on.add(event.package)
        if event.action in ("output", "build-output"):
            self._output(event)
        elif event.action in _WORDS:
            self._over(event)

    def end(self) -> None:
        """The stream is over. A build that failed writes no events in older versions of Go.

        One that was cut off does not say what failed after that, or passed in the end.
        """
        if not self._events:
            said = message_of(str(self._text))
            what = f"no event of go test: {said}" if said else "it is empty"
            raise UnreadableReport(what[:300])
        for package, what in self._unbuilt.items():
            said = str(self._text).partition(f"# {package}")[2]
            self.sink(one_test(package, ResultOutcome.ERROR, place_in(said), what))
        if self._going_on:
            what = f"it ends in the middle of package {min(self._going_on)}"
            raise UnreadableReport(what[:300])

    def _output(self, event: _Event) -> None:
        key = (event.package or event.import_path.partition(" ")[0], event.test)
        if key not in self._outputs and len(self._outputs) >= MOST_OPEN:
            return
        self._outputs.setdefault(key, BoundedText(2 << 10, 6 << 10)).add(event.output)

    def _over(self, event: _Event) -> None:
        """A test or a package is over; what its subtests or tests have told is not told again."""
        output = str(self._outputs.pop((event.package, event.test), ""))
        parents = self._parents.setdefault(event.package, set())
        failed = self._failed.setdefault(event.package, set())
        if not event.test:
            self._going_on.discard(event.package)
            del self._parents[event.package], self._failed[event.package]
        if event.action == "fail":
            if event.test in parents or (failed and not event.test):
                return
            failed.add(event.test)
            parts = event.test.split("/")
            parents.update("/".join(parts[:n]) for n in range(1, len(parts)))
            if not event.test:
                self._told.add(event.package)
        elif event.test:
            failed.discard(event.test)
        elif event.package not in self._told:
            return  # a package without failures or without tests is no test
        self.sink(_result(event, output))


def _result(event: _Event, output: str) -> Result:
    outcome = outcome_of(event.action, _WORDS)
    if not event.test and outcome is ResultOutcome.FAILED:
        outcome = ResultOutcome.ERROR  # the package itself: no build, a panic outside of tests
    place = place_in(output) if outcome is not ResultOutcome.PASSED else Place()
    if place.file.endswith(".go") and "/" not in place.file:
        place = place._replace(file=f"{event.package}/{place.file}")
    name = f"{event.package}::{event.test}" if event.test else event.package
    message = "" if outcome is ResultOutcome.PASSED else _message(output, place)
    return one_test(name, outcome, place, message, duration_ns=nanoseconds(event.elapsed))


def _message(output: str, place: Place) -> str:
    lines = [line for line in output.split("\n") if not line.lstrip().startswith(_NOISE)]
    name = place.file.rpartition("/")[2]
    text = "\n".join(line.strip() for line in lines).strip()
    return text.removeprefix(f"{name}:{place.line}: ") if name else text
