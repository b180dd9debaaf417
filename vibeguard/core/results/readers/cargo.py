"""`cargo build`, `check` and `clippy` with `--message-format=json`; paths are the crate's."""

from msgspec import Struct, field

from vibeguard.core.names import Level
from vibeguard.core.results.base import Sink, UnreadableReport
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import decode_line
from vibeguard.core.results.line_reports import LineReader


class _Span(Struct):
    file: str = field(name="file_name")
    line: int = field(name="line_start")
    column: int = field(name="column_start")
    primary: bool = field(name="is_primary", default=False)


class _Code(Struct):
    code: str


class _Message(Struct):
    message: str
    level: str
    code: _Code | None = None
    spans: list[_Span] = []


class _Line(Struct):
    reason: str = ""
    success: bool = True
    message: _Message | None = None
    manifest: str = field(name="manifest_path", default="")


class CargoReader(LineReader):
    """Errors and warnings that have a place; a summary or a note is no finding."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._lines = 0
        self._has_ended = False  # the build whose messages came last
        self._failed = self._names_errors = False

    def line(self, line: str) -> None:
        """One message of the compiler, or of cargo itself."""
        found = decode_line(line, _Line)
        if found is None:
            return
        self._lines += 1
        if found.reason:
            self._has_ended = found.reason == "build-finished"
        self._failed |= not found.success
        message = found.message
        if found.reason != "compiler-message" or message is None:
            return
        span = next((span for span in message.spans if span.primary), None)
        if span is None or message.level not in ("error", "warning"):
            return
        file = span.file
        if not file.startswith(("/", "<")) and found.manifest:
            file = f"{found.manifest.rpartition('/')[0]}/{file}"
        rule = message.code.code if message.code else ""
        level = level_of(message.level)
        self._names_errors |= level is Level.ERROR
        self.sink(diagnostic(level, file, span.line, span.column, rule, message.message))

    def end(self) -> None:
        """Cargo writes at least how the build ended; what was cut off may miss errors."""
        if not self._has_ended:
            what = (
                "it ends before the build does"
                if self._lines
                else "there is no message of cargo in it"
            )
            raise UnreadableReport(what)
        if self._failed and not self._names_errors:  # a linker's have no place
            raise UnreadableReport("it says that the build failed, and names no error")
