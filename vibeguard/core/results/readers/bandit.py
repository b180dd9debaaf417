"""`bandit -f json`; columns count from 0."""

from msgspec import Struct

from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Issue(Struct):
    filename: str
    issue_text: str
    issue_severity: str
    test_id: str
    line_number: int
    col_offset: int = -1


class _Skipped(Struct):
    filename: str = ""
    reason: str = ""


class _Report(Struct):
    results: list[_Issue]
    errors: list[_Skipped] = []


class BanditReader(DocumentReader[_Report]):
    """One report."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the issues; of a file that bandit could not read it knows none."""
        for issue in document.results:
            level, column = level_of(issue.issue_severity), issue.col_offset + 1
            self.sink(
                diagnostic(
                    level,
                    issue.filename,
                    issue.line_number,
                    column,
                    issue.test_id,
                    issue.issue_text,
                )
            )
        if document.errors:
            first = document.errors[0]
            raise UnreadableReport(f"bandit could not read {first.filename}: {first.reason}"[:300])
