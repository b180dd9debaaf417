"""`jest --json`, and vitest's reporter of that name."""

from msgspec import Struct, field

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultKind, ResultOutcome
from vibeguard.core.results.document_reports import DocumentReader
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.texts import message_of, nanoseconds

_OUTCOMES = {
    "passed": ResultOutcome.PASSED,
    "failed": ResultOutcome.FAILED,
    "pending": ResultOutcome.SKIPPED,
    "skipped": ResultOutcome.SKIPPED,
    "disabled": ResultOutcome.SKIPPED,
    "todo": ResultOutcome.SKIPPED,
}


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


class JestReader(DocumentReader[_Report]):
    """Tests, and files that could not be run."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the tests."""
        for file in document.files:
            for test in file.results:
                self.sink(_result(file, test), file.name)
            if file.status == "failed" and not file.results:
                place = place_in(file.message)
                self.sink(
                    Result(
                        ResultKind.TEST,
                        name=file.name,
                        outcome=ResultOutcome.ERROR,
                        file=place.file or file.name,
                        line=place.line,
                        column=place.column,
                        message=message_of(file.message),
                    )
                )
        if document.success is False:
            self.refuse_unless_named("it says that the tests did not succeed")


def _result(file: _File, test: _Assertion) -> Result:
    outcome = _OUTCOMES.get(test.status, ResultOutcome.ERROR)
    text = "\n".join(test.messages or [])
    place = place_in(text) if outcome is ResultOutcome.FAILED else Place()
    return Result(
        ResultKind.TEST,
        name=test.name,
        outcome=outcome,
        file=place.file or file.name,
        line=place.line,
        column=place.column,
        message=message_of(text),
        duration_ns=None if test.duration is None else nanoseconds(str(test.duration), 1_000_000),
    )
