"""Readers of reports that are lines: text, or one JSON value a line."""

import codecs
import re

from vibeguard.core.results.base import Sink

MOST_LINE_BYTES = 4 << 20
_ESCAPES = rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"


class LineReader:
    """Cuts bytes into lines; a longer line than 4 MiB is given as far as that.

    A byte order mark is no part of the first line, and UTF-16 of Windows' shell is read, too.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._rest = b""
        self._dropping = False
        self._begun = False
        self._utf_16: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if not self._begun:
            self._begun = True
            if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                self._utf_16 = codecs.getincrementaldecoder("utf-16")("replace")
            data = data.removeprefix(codecs.BOM_UTF8)
        if self._utf_16 is not None:
            data = self._utf_16.decode(data).encode()
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
