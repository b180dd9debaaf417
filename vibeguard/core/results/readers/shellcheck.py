"""`shellcheck -f json1`, and the older `-f json`, which counts a tab as eight columns."""

from msgspec import Struct

from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Comment(Struct):
    file: str
    line: int
    column: int
    level: str
    code: int
    message: str


class _Report(Struct):
    comments: list[_Comment]


class ShellcheckReader(DocumentReader[list[_Comment] | _Report]):
    """A list of comments, or a report that holds one."""

    kind = list[_Comment] | _Report

    def read(self, document: list[_Comment] | _Report) -> None:
        """Report the comments."""
        for said in document.comments if isinstance(document, _Report) else document:
            level = level_of(said.level)
            rule = f"SC{said.code}"
            self.sink(diagnostic(level, said.file, said.line, said.column, rule, said.message))
