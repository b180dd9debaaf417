"""`jest --json`, and vitest's reporter of that name."""

from collections import Counter

from msgspec import Struct, field

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.building import one_test, outcome_of
from vibeguard.core.results.document_reports import DocumentReader
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.texts import nanoseconds

_WORDS = ("passed", "failed", "pending", "skipped", "disabled", "todo")


class _Assertion(Struct):
    name: str = field(name="fullName")
    status: str
    messages: list[str] | None = field(name="failureMessages", default=None)
    duration: float | None = None


class _File(Struct):
    name: str
    results: list[_Assertion] = field(name="assertionResults", default_factory=list)
    status: str = ""
    message: str = ""


class _Report(Struct):
    files: list[_File] = field(name="testResults")
    success: bool | None = None
    interrupted: bool = field(name="wasInterrupted", default=False)


class JestReader(DocumentReader[_Report]):
    """Tests, and files that could not be run or have failed by themselves, as in a hook."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the tests."""
        told: Counter[tuple[str, str]] = Counter()
        for file in document.files:
            for test in file.results:
                # A retry has no entry of its own: these are two tests, or two projects of one.
                told[file.name, test.name] += 1
                self.sink(_result(file, test), f"{told[file.name, test.name]} {file.name}")
            if file.status == "failed" and all(one.status != "failed" for one in file.results):
                place = _place(file, file.message)
                self.sink(one_test(file.name, ResultOutcome.ERROR, place, file.message))
        if document.interrupted:
            raise UnreadableReport("it says that the tests were interrupted")
        if document.success is False:
            self.refuse_unless_named("it says that the tests did not succeed")


def _result(file: _File, test: _Assertion) -> Result:
    outcome = outcome_of(test.status, _WORDS)
    text = "\n".join(test.messages or [])
    place = _place(file, text if outcome is ResultOutcome.FAILED else "")
    took_ns = nanoseconds(test.duration, 1_000_000)
    return one_test(test.name, outcome, place, text, duration_ns=took_ns)


def _place(file: _File, text: str) -> Place:
    place = place_in(text)
    return place if place.file else Place(file.name)
