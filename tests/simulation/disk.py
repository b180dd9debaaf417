"""The simulated disk: real files in memory, of which the supervisor's writes can fail.

What stays of the log after a crash is what was synchronised, and any part of the rest.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.processes import refuse
from vibeguard.system.journal.creation import LOG_NAME

WAYS = (
    "log full",  # no room until the reserve is given up
    "log short",  # the same, found out by half a line
    "log full for good",
    "log broken",  # EIO
    "log sync broken",
    "output full",
    "output broken",
    "output short",  # no trouble at all: writes may be short
    "output not made",
)


@dataclass(frozen=True)
class Trouble:
    """From the `first` write (or sync, or file) on, counted from 0, the disk fails in this way."""

    way: str
    first: int


class Disk:
    """What the supervisor writes, and what of it is safe.

    `written` is the log as the supervisor believes it to be, `durable` how much of it was
    synchronised. `struck_ns` is when the trouble came.
    """

    def __init__(self, trouble: Trouble | None) -> None:
        self.trouble = trouble
        self.written = bytearray()
        self.durable = 0
        self.struck_ns: int | None = None
        self.now_ns: Callable[[], int] = lambda: 0
        self.on_line: Callable[[bytes], None] = lambda _: None
        self.reached: Counter[str] = Counter()
        self._has_room = False
        self._log = -1
        self._outputs: set[int] = set()
        self._locks: set[int] = set()
        self._count = 0

    def opened(self, path: str, descriptor: int, flags: int) -> None:
        """A file was opened by the supervisor."""
        if flags & os.O_CREAT and os.path.basename(path) == LOG_NAME:
            self._log = descriptor
        elif flags & os.O_CREAT and "/output/" in path:
            self._outputs.add(descriptor)
        elif flags & os.O_CREAT and "/groups/" in path:
            self._locks.add(descriptor)

    def create(self, path: str, flags: int) -> None:
        """A file is about to be made."""
        if flags & os.O_CREAT and "/output/" in path and self._strikes("output not made"):
            raise refuse(errno.ENOSPC, path)

    def closed(self, descriptor: int) -> None:
        """A descriptor is given up."""
        self._outputs.discard(descriptor)
        self._locks.discard(descriptor)

    def release(self) -> None:
        """The supervisor's process is over: what it had locked is free."""
        for descriptor in self._locks:
            os.close(descriptor)

    def unlinked(self, path: str) -> None:
        """A name is removed: room, if it is that of the reserve."""
        self._has_room = self._has_room or path == "reserve"

    def write(self, descriptor: int, data: Any) -> int:
        """Write, as far as the disk lets us."""
        if descriptor == self._log:
            return self._write_log(bytes(data))
        if descriptor in self._outputs:
            if self._strikes("output full"):
                raise refuse(errno.ENOSPC)
            if self._strikes("output broken"):
                raise refuse(errno.EIO)
            if len(data) > 1 and self._strikes("output short"):
                data = data[: len(data) // 2]
        return os.write(descriptor, data)

    def _write_log(self, line: bytes) -> int:
        before = self._count
        self.on_line(line)
        if self._strikes("log broken"):
            raise refuse(errno.EIO)
        if self._strikes("log full for good") or (self._strikes("log full") and not self._has_room):
            raise refuse(errno.ENOSPC)
        if self._strikes("log short") and not self._has_room:
            if self.trouble is not None and before == self.trouble.first:
                line = line[: len(line) // 2]
            else:
                raise refuse(errno.ENOSPC)
        self.written += line
        return os.write(self._log, line)

    def sync(self, descriptor: int) -> None:
        """Make durable: all that was written of the log."""
        if descriptor == self._log:
            if self._strikes("log sync broken"):
                raise refuse(errno.EIO)
            self.durable = len(self.written)

    def _strikes(self, way: str) -> bool:
        """Whether this is the trouble, and its moment has come."""
        if self.trouble is None or self.trouble.way != way:
            return False
        self._count += 1
        come = self._count > self.trouble.first
        if come:
            self.reached[f"disk: {way}"] += 1
        if come and self.struck_ns is None:
            self.struck_ns = self.now_ns()
        return come
