"""The output of one attempt: from the pipe to a file in bounded chunks, hashed and counted.

A file that cannot be written never ends an attempt: the error is kept for the result and the
output goes on being read, so that the command is not held up by our trouble.
"""

import fcntl
import hashlib
import os
import struct
import termios
from contextlib import suppress

from msgspec import Struct

from vibeguard.system.rundir.files import FileIdentity, create_file, identity_of, write_all

CHUNK_BYTES = 1 << 18
LARGE_PIPE_BYTES = 1 << 20
TAIL_BYTES = 8192
TAIL_LINES = 10
TAIL_LINE_CHARACTERS = 500
HELD_BYTES = 1 << 16

# One buffer for all: a chunk is stored before the next one is read.
_buffer = memoryview(bytearray(CHUNK_BYTES))


class StoredOutput(Struct, frozen=True):
    """What is known of an output once nothing more is stored of it, and of the file that holds it.

    `identity` is None when the system did not tell it.
    """

    sha256: str
    identity: FileIdentity | None


class OutputFile:
    """What is stored of an attempt's output: `stored_bytes` of it, with their digest.

    Created for its owner alone, and only where nothing of that name exists. `exceeded` means that
    there was more than `limit_bytes`; the file ends at the limit. `error` is the first trouble.
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._digest = hashlib.sha256()
        self._descriptor = self._open()
        self.stored_bytes = 0
        self.exceeded = False
        self.error = ""
        self._closed = False

    def write(self, data: memoryview) -> None:
        """Store as much of `data` as the limit leaves room for; nothing once it is closed."""
        if self._closed:
            return
        room = self._limit_bytes - self.stored_bytes
        if len(data) > room:
            self.exceeded = True
            data = data[:room]
        while data and not self.error:
            try:
                written = self._store(data)
            except OSError as error:
                self.error = f"could not be stored: {error.strerror}"
                return
            self._digest.update(data[:written])
            self.stored_bytes += written
            data = data[written:]

    def last_lines(self) -> tuple[str, ...]:
        """The last ten lines so far, each cut at 500 characters; none once it is closed."""
        if self._closed:
            return ()
        start = max(0, self.stored_bytes - TAIL_BYTES)
        try:
            tail = self._tail(start)
        except OSError:
            return ()
        lines = tail.decode("utf-8", "replace").splitlines()
        return tuple(line[:TAIL_LINE_CHARACTERS] for line in lines[-TAIL_LINES:])

    def close(self) -> StoredOutput:
        """Close the file and return what it should hold, and which one it is.

        Sees whether the file at the path is still this one and of the size that was written.
        """
        identity = None
        try:
            held = os.fstat(self._descriptor)
            identity = identity_of(held)
            found = os.stat(self._path, follow_symlinks=False)
            same = (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)
            if not same or held.st_size != self.stored_bytes:
                self._fail("was changed by another process")
        except OSError as error:
            self._fail(f"is gone: {error.strerror}")
        os.close(self._descriptor)
        self._closed = True
        return StoredOutput(self._digest.hexdigest(), identity)

    def discard(self) -> None:
        """Remove a file that was created for an attempt which then did not start."""
        os.close(self._descriptor)
        with suppress(OSError):
            os.unlink(self._path)

    def _open(self) -> int:
        return create_file(self._path, flags=os.O_RDWR)

    def _store(self, data: memoryview) -> int:
        return os.write(self._descriptor, data)

    def _tail(self, start: int) -> bytes:
        return os.pread(self._descriptor, TAIL_BYTES, start)

    def _fail(self, error: str) -> None:
        self.error = self.error or error


class HeldOutput(OutputFile):
    """An output that is `held` in memory for as long as it is short, and None from then on.

    What is sent elsewhere and thrown away needs no file: to make, look at and remove one takes a
    fifth of what an attempt costs a worker, on a disk in use more than all else.
    """

    def _open(self) -> int:
        self.held: bytearray | None = bytearray()
        return -1

    def _store(self, data: memoryview) -> int:
        if self.held is not None:
            if len(self.held) + len(data) <= HELD_BYTES:
                self.held += data
                return len(data)
            self._descriptor = super()._open()
            held, self.held = bytes(self.held), None
            write_all(self._descriptor, held)
        return super()._store(data)

    def _tail(self, start: int) -> bytes:
        return super()._tail(start) if self.held is None else bytes(self.held[start:])

    def close(self) -> StoredOutput:
        """As the other's; what is held stays."""
        if self.held is None:
            return super().close()
        self._closed = True
        return StoredOutput(self._digest.hexdigest(), None)

    def discard(self) -> None:
        """As the other's."""
        if self.held is None:
            super().discard()


def move_chunk(pipe: int, output: OutputFile) -> int | None:
    """Move one chunk; how many bytes, 0 at the end of the output, None when nothing is there."""
    try:
        count = os.readv(pipe, [_buffer])
    except BlockingIOError:
        return None
    output.write(_buffer[:count])
    return count


def drain(pipe: int, output: OutputFile) -> None:
    """Move what is in the pipe at this moment, and no more, however much is still being written."""
    remaining = waiting_bytes(pipe)
    while remaining > 0:
        moved = move_chunk(pipe, output)
        if not moved:
            return
        remaining -= moved


def waiting_bytes(pipe: int) -> int:
    """How many bytes are in the pipe."""
    answer = fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0")
    return int(struct.unpack("i", answer)[0])


def enlarge(pipe: int) -> None:
    """Give a pipe that is being flooded more room, where the system allows."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, LARGE_PIPE_BYTES)
