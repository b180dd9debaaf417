"""CTRF, the common test report format, in its versions 0.0 and 1.0."""

from itertools import count

from msgspec import Raw, Struct, field
from msgspec.json import decode

from vibeguard.core.model.results import Result
from vibeguard.core.names import FAILED_RESULTS, ResultOutcome
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.results.base import Sink
from vibeguard.core.results.building import one_test, outcome_of
from vibeguard.core.results.document_reports import DocumentReader
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.texts import nanoseconds

_WORDS = ("passed", "failed", "skipped", "pending", "other")
_ERRORS = ("setup_failed", "teardown_failed", "error", "broken")


class _Test(Struct):
    name: str
    status: str
    duration: float | None = None
    message: str | None = None
    trace: str | None = None
    file: str | None = field(name="filePath", default=None)
    line: int | None = None
    raw_status: str | None = field(name="rawStatus", default=None)
    extra: Raw = Raw()


class _Annotation(Struct):
    type: str = ""


class _OfPlaywright(Struct):
    """What it says beside a test: `fail` is one that is expected to."""

    annotations: list[_Annotation]


class _Summary(Struct):
    failed: float | None = None


class _Results(Struct):
    tests: list[_Test]
    summary: _Summary | None = None


class _Report(Struct):
    results: _Results


class CtrfReader(DocumentReader[_Report]):
    """Every test. Its tries are in one entry, with the status of the last: two are two tests."""

    kind = _Report

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._entries = count()

    def read(self, document: _Report) -> None:
        """Report the results of a document."""
        for test in document.results.tests:
            self.sink(_result(test), str(next(self._entries)))
        summary = document.results.summary
        if summary is not None and (summary.failed or 0) > 0:
            self.refuse_unless_named(f"it counts {summary.failed:g} failed tests")


def _result(test: _Test) -> Result:
    outcome = outcome_of(test.status, _WORDS)
    if test.raw_status in ("xfailed", "call_xfailed"):
        outcome = ResultOutcome.XFAILED
    elif outcome is ResultOutcome.PASSED and _is_expected_to_fail(test):
        did = test.raw_status != "passed"
        outcome = ResultOutcome.XFAILED if did else ResultOutcome.FAILED
    elif outcome is ResultOutcome.FAILED and test.raw_status in _ERRORS:
        outcome = ResultOutcome.ERROR
    failed = outcome in FAILED_RESULTS
    place = place_in(test.trace or test.message or "") if failed else Place()
    if not place.file:
        place = Place(test.file or "", test.line or 0)
    took_ns = nanoseconds(test.duration, 1_000_000)
    return one_test(
        test.name, outcome, place, test.message or test.trace or "", duration_ns=took_ns
    )


def _is_expected_to_fail(test: _Test) -> bool:
    """Playwright calls it passed whether it failed, as it should, or did not."""
    try:
        said = decode(test.extra, type=_OfPlaywright)
    except UNDECODABLE:
        return False
    return any(annotation.type == "fail" for annotation in said.annotations)
