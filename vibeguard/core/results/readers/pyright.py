"""`pyright --outputjson`, and basedpyright's; lines and columns count from 0."""

from msgspec import Struct, field

from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Position(Struct):
    line: int
    character: int


class _Range(Struct):
    start: _Position


class _Diagnostic(Struct):
    message: str
    severity: str
    file: str | None = None
    range: _Range | None = None
    rule: str | None = None


class _Report(Struct):
    diagnostics: list[_Diagnostic] = field(name="generalDiagnostics")


class PyrightReader(DocumentReader[_Report]):
    """One report."""

    kind = _Report

    def read(self, document: _Report) -> None:
        """Report the diagnostics."""
        for found in document.diagnostics:
            start = found.range.start if found.range else _Position(-1, -1)
            level = level_of(found.severity)
            line, column = start.line + 1, start.character + 1
            self.sink(diagnostic(level, found.file, line, column, found.rule, found.message))
