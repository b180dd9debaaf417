"""pytest-json-report: a test's outcome, and the crash of the phase that failed."""

from msgspec import Struct

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.building import one_test, outcome_of
from vibeguard.core.results.document_reports import DocumentReader
from vibeguard.core.results.frames import Place
from vibeguard.core.results.texts import nanoseconds

_WORDS = ("passed", "xpassed", "failed", "skipped", "xfailed", "rerun")


class _Crash(Struct):
    path: str
    lineno: int
    message: str = ""


class _Phase(Struct):
    outcome: str = ""
    duration: float = 0.0
    crash: _Crash | None = None
    longrepr: str = ""


class _Test(Struct):
    nodeid: str
    outcome: str
    lineno: int | None = None
    setup: _Phase | None = None
    call: _Phase | None = None
    teardown: _Phase | None = None


class _Collector(Struct):
    nodeid: str
    outcome: str
    longrepr: str = ""


class _Report(Struct):
    exitcode: int
    tests: list[_Test] | None = None
    collectors: list[_Collector] = []


class PytestJsonReader(DocumentReader[_Report]):
    """Tests, and modules that could not be collected."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the tests."""
        for test in document.tests or []:
            self.sink(_result(test))
        for collector in document.collectors:
            if collector.outcome == "failed":
                place = Place(collector.nodeid.partition("::")[0])
                message = collector.longrepr.strip().rpartition("\n")[2]
                self.sink(one_test(collector.nodeid, ResultOutcome.ERROR, place, message))
        if document.exitcode:
            self.refuse_unless_named(f"it says that pytest ended with {document.exitcode}")


def _result(test: _Test) -> Result:
    outcome = outcome_of(test.outcome, _WORDS)
    phases = [phase for phase in (test.setup, test.call, test.teardown) if phase]
    told = outcome not in (ResultOutcome.PASSED, ResultOutcome.XFAILED)
    failed = next((phase for phase in phases if phase.outcome not in ("passed", "")), None)
    if test.outcome == "rerun" and failed is None:  # its phases are those of the last try
        outcome = ResultOutcome.PASSED
    crash = failed.crash if failed and told else None
    place = Place(test.nodeid.partition("::")[0], -1 if test.lineno is None else test.lineno)
    place = Place(crash.path, crash.lineno) if crash else place._replace(line=place.line + 1)
    message = (crash.message if crash else "") or (failed.longrepr if failed and told else "")
    took_ns = nanoseconds(sum(phase.duration for phase in phases))
    return one_test(test.nodeid, outcome, place, message, duration_ns=took_ns)
