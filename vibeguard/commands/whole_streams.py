"""Standard streams that take all of what is written to them, or say that they do not.

Where a parent has made its pipe or terminal non-blocking, a write takes a part or nothing, and
Python's own streams lose the rest; without a buffer (PYTHONUNBUFFERED) also that of one to a disk
that fills, in silence. Only these are replaced: what Ctrl-C interrupts might be written twice.
"""

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Whole(io.RawIOBase):
    """The descriptor of a stream, of which every write is a whole one, however long that takes."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__()
        self._stream = stream  # which would close its descriptor if nobody had it any more
        self._descriptor = stream.fileno()

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all of it. Raises OSError."""
        rest = whole = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                _wait_until_writable(self._descriptor)
        return whole.nbytes


def make_streams_safe() -> None:
    """Whole writes on both streams, in UTF-8 whatever the locale; what has none is escaped."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _safe(stream, descriptor))


def _safe(stream: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
    """The stream anew where it needs that, and no test has put another one in its place."""
    stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    with contextlib.suppress(OSError):
        needs_it = stream.write_through or not os.get_blocking(descriptor)
        if needs_it and stream.fileno() == descriptor:
            raw = _Whole(stream)
            return io.TextIOWrapper(
                raw if stream.write_through else io.BufferedWriter(raw),  # type: ignore[arg-type]
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
    return stream


def _wait_until_writable(descriptor: int) -> None:
    import select  # noqa: PLC0415 - seldom needed

    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    poller.poll()
