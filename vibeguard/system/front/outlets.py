"""What the front writes, without ever being held up by who reads it.

Texts wait in memory until their reader takes them; the caller stops reading the log meanwhile, so
the log itself is the buffer. A reader that has gone is written to no more, and changes nothing.
Where there is no room for what is written, a run goes on, and is told in the end (docs/adr/0062).
"""

import errno
import os
import select
import stat
from collections.abc import Callable

from vibeguard.core.formats.base import Stream
from vibeguard.core.wording.sanitise import break_commands
from vibeguard.core.wording.terminal import is_ci

HIGH_WATER_BYTES = 1 << 16
CHUNK_BYTES = 1 << 16
# Where a descriptor cannot be made non-blocking for us alone: what a pipe that polls as writable
# takes without blocking (POSIX: PIPE_BUF is at least 512).
BLOCKING_CHUNK_BYTES = 512
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO, errno.ECONNRESET, errno.EBADF})

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Write = Callable[[bytes], int]


class Outlet:
    """One stream: its bytes that nobody has taken yet."""

    def __init__(self, descriptor: int, *, may_be_lost: bool = False) -> None:
        """`descriptor` is 1 or 2, whatever is behind it.

        `lost` is the error number with which the room for it ended; with `may_be_lost` that is
        remembered and not raised.
        """
        self.descriptor = descriptor
        self.gone = False
        self.lost = 0
        self._may_be_lost = may_be_lost
        self._pending = bytearray()
        self._write, self._chunk = _writer(descriptor)

    @property
    def pending(self) -> int:
        """How many bytes wait for the reader."""
        return len(self._pending)

    def put(self, data: bytes) -> None:
        """Queue bytes, and hand over what the reader takes at once."""
        if not self.gone:
            self._pending += data
            self.hand_over()

    def hand_over(self) -> None:
        """Write as much as the reader takes without waiting."""
        while self._pending:
            try:
                written = self._write(bytes(self._pending[: self._chunk]))
            except BlockingIOError:
                return
            except OSError as error:
                if self._may_be_lost and error.errno in _NO_ROOM:
                    self.lost = error.errno or errno.ENOSPC
                elif error.errno not in _GONE:
                    raise
                self.discard()
                return
            del self._pending[:written]
            if self._chunk == BLOCKING_CHUNK_BYTES:
                return

    def discard(self) -> None:
        """The reader has gone: nothing is written any more."""
        self.gone = True
        self._pending.clear()


class Output:
    """Both streams of the front; with `may_be_lost` for one that has more to do than to write."""

    def __init__(self, *, may_be_lost: bool = False) -> None:
        self._ci = is_ci(os.environ)
        self._outlets = {
            Stream.MACHINE: Outlet(1, may_be_lost=may_be_lost),
            Stream.HUMAN: Outlet(2, may_be_lost=may_be_lost),
        }

    def write(self, stream: Stream, text: str, *, exact: bool = False) -> None:
        """Queue whole lines for a stream; what a CI service would take for a command is broken.

        Text that is `exact` goes out as it is: whoever made it has seen to that.
        """
        if text:
            shown = break_commands(text) if self._ci and not exact else text
            self._outlets[stream].put(shown.encode("utf-8", "backslashreplace"))

    def is_full(self) -> bool:
        """Whether a reader is so far behind that no more should be put."""
        return any(outlet.pending > HIGH_WATER_BYTES for outlet in self._outlets.values())

    def waiting(self) -> dict[int, Outlet]:
        """The outlets that wait for their readers, by the descriptor to poll for writing."""
        return {o.descriptor: o for o in self._outlets.values() if o.pending}

    def lost(self) -> str:
        """Why part of the output could not be written; empty if all of it was."""
        numbers = [outlet.lost for outlet in self._outlets.values() if outlet.lost]
        return os.strerror(numbers[0]) if numbers else ""

    def discard(self) -> None:
        """Drop what readers have not taken yet, and write nothing more to them."""
        for outlet in self._outlets.values():
            if outlet.pending:
                outlet.discard()


def _writer(descriptor: int) -> tuple[Write, int]:
    """How to write to a descriptor without blocking, and how much at a time.

    O_NONBLOCK belongs to the open file, which others share: a pipe or a terminal is opened again
    for us alone (proc(5), /proc/self/fd), a socket is asked per call.
    """
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return _refuse, CHUNK_BYTES
    if stat.S_ISREG(mode):
        return (lambda data: os.write(descriptor, data)), CHUNK_BYTES
    if stat.S_ISSOCK(mode):
        return _socket_writer(descriptor), CHUNK_BYTES
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        own = os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return _refuse, CHUNK_BYTES
        return _polled_writer(descriptor), BLOCKING_CHUNK_BYTES
    return (lambda data: os.write(own, data)), CHUNK_BYTES


def _socket_writer(descriptor: int) -> Write:
    import socket  # noqa: PLC0415 - only where a stream is a socket

    own = socket.socket(fileno=os.dup(descriptor))
    return lambda data: own.send(data, socket.MSG_DONTWAIT)


def _polled_writer(descriptor: int) -> Write:
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)

    def write(data: bytes) -> int:
        if not poller.poll(0):
            raise BlockingIOError
        return os.write(descriptor, data)

    return write


def _refuse(_: bytes) -> int:
    raise OSError(errno.EPIPE, "nobody reads this")
