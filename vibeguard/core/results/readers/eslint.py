"""`eslint --format json` (and stylelint's, which has the same form but other names)."""

from msgspec import Struct, field

from vibeguard.core.names import Level
from vibeguard.core.results.building import diagnostic
from vibeguard.core.results.document_reports import DocumentReader


class _Message(Struct):
    message: str
    severity: int = 2  # 1 is a warning, 2 an error
    rule: str | None = field(name="ruleId", default=None)
    line: int | None = None
    column: int | None = None


class _File(Struct):
    path: str = field(name="filePath")
    messages: list[_Message]


class EslintReader(DocumentReader[list[_File]]):
    """A list of files with their messages."""

    kind = list[_File]

    def read(self, document: list[_File]) -> None:
        """Report the messages."""
        for file in document:
            for said in file.messages:
                level = Level.ERROR if said.severity == 2 else Level.WARNING
                self.sink(
                    diagnostic(level, file.path, said.line, said.column, said.rule, said.message)
                )
