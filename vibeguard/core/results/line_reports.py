"""Readers of reports that are lines: text, or one JSON value a line."""

import re

from vibeguard.core.results.base import Sink

MOST_LINE_BYTES = 4 << 20
_ESCAPES = rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"


class LineReader:
    """Cuts bytes into lines; a longer line than 4 MiB is given as far as that."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._rest = b""
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            if not self._dropping:
                self._take(self._rest + line)
            self._rest, self._dropping = b"", False
        if self._dropping:
            return
        self._rest += rest
        if len(self._rest) > MOST_LINE_BYTES:
            self._take(self._rest)
            self._rest, self._dropping = b"", True

    def finish(self) -> None:
        """Take what is left as the last line."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""
        self.end()

    def _take(self, line: bytes) -> None:
        line = line[:MOST_LINE_BYTES]
        if b"\x1b" in line:
            line = re.sub(_ESCAPES, b"", line)
        self.line(line.decode("utf-8", "replace").rstrip("\r"))

    def line(self, line: str) -> None:
        """One line, without its end and without colours."""
        raise NotImplementedError

    def end(self) -> None:
        """There are no more lines."""
