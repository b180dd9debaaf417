"""`stylelint --formatter json`, which it writes to stderr."""

from msgspec import Struct

from vibeguard.core.names import Level
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Warning(Struct):
    text: str
    line: int | None = None
    column: int | None = None
    rule: str | None = None
    severity: str = "error"


class _File(Struct):
    source: str | None
    warnings: list[_Warning]


class StylelintReader(DocumentReader[list[_File]]):
    """A list of files with their warnings."""

    kind = list[_File]

    def read(self, document: list[_File]) -> None:
        """Report the warnings."""
        for file in document:
            for said in file.warnings:
                level = level_of(said.severity, Level.ERROR)
                self.sink(
                    diagnostic(level, file.source, said.line, said.column, said.rule, said.text)
                )
