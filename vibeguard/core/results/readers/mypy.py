"""`mypy -O json`: one finding a line; its columns count from 0. Nothing found is no line."""

from msgspec import Struct

from vibeguard.core.results.base import Sink, UnreadableReport
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import decode_line
from vibeguard.core.results.line_reports import LineReader


class _Finding(Struct):
    file: str
    line: int
    column: int
    message: str
    code: str | None = None
    severity: str = "error"


class MypyReader(LineReader):
    """Notes belong to the error before them and are no findings."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._other = ""

    def line(self, line: str) -> None:
        """One finding."""
        found = decode_line(line, _Finding)
        if found is None:
            self._other = self._other or line.strip()
        elif found.severity != "note":
            level, column = level_of(found.severity), found.column + 1
            self.sink(diagnostic(level, found.file, found.line, column, found.code, found.message))

    def end(self) -> None:
        """Text that is no JSON: mypy was told to write another format, or has crashed."""
        if self._other:
            raise UnreadableReport(f"this is not JSON of mypy: {self._other[:200]}")
