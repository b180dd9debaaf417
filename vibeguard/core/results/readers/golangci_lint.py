"""`golangci-lint run --output.json.path stdout` (or `--out-format json` before version 2)."""

from msgspec import Struct, field

from vibeguard.core.names import Level
from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Position(Struct):
    file: str = field(name="Filename", default="")
    line: int = field(name="Line", default=0)
    column: int = field(name="Column", default=0)


class _Issue(Struct):
    text: str = field(name="Text")
    linter: str = field(name="FromLinter", default="")
    severity: str = field(name="Severity", default="")
    position: _Position = field(name="Pos", default_factory=_Position)


class _Outcome(Struct):
    error: str = field(name="Error", default="")


class _Report(Struct):
    issues: list[_Issue] | None = field(name="Issues")
    report: _Outcome = field(name="Report", default_factory=_Outcome)


class GolangciLintReader(DocumentReader[_Report]):
    """One report; without a severity of its own an issue is an error, as its exit code has it."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the issues; a linter that has failed may have kept some back."""
        for issue in document.issues or []:
            level = level_of(issue.severity, Level.INFO if issue.severity else Level.ERROR)
            at = issue.position
            self.sink(diagnostic(level, at.file, at.line, at.column, issue.linter, issue.text))
        if document.report.error:
            raise UnreadableReport(
                f"golangci-lint did not get through: {document.report.error}"[:300]
            )
