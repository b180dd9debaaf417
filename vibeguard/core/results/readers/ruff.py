"""`ruff check --output-format json`; all that it reports is an error, in its own word."""

from msgspec import Struct

from vibeguard.core.names import Level
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Place(Struct):
    row: int
    column: int


class _Finding(Struct):
    message: str
    filename: str
    code: str | None = None
    location: _Place | None = None
    severity: str = "error"


class RuffReader(DocumentReader[list[_Finding]]):
    """A list of findings."""

    kind = list[_Finding]

    def read(self, document: list[_Finding]) -> None:
        """Report the findings."""
        for finding in document:
            row, column = (
                (finding.location.row, finding.location.column) if finding.location else (0, 0)
            )
            level = level_of(finding.severity, Level.ERROR)
            self.sink(
                diagnostic(level, finding.filename, row, column, finding.code, finding.message)
            )
