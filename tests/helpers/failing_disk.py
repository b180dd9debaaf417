"""The real command, on a disk that fails: `vibeguard(..., before=(MODULE, WAY, ERROR, N))`.

From the Nth write to the log on (counted from 0) the disk answers with the error number, as WAY
says:

reserve  until the room that was kept free is given up
torn     the same, but the first write that fails stores half of its line
lasting  for good
sync     it is the Nth synchronisation of the log that fails, not a write
"""

import os
from typing import Any

from vibeguard.system.journal import writer


class FailingDisk:
    """Stands for `os` below the writer of the log; everything but its trouble is the real one."""

    def __init__(self, way: str, error: int, first: int) -> None:
        self._way = way
        self._error = OSError(error, os.strerror(error))
        self._left = first

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, descriptor: int, data: bytes) -> int:
        """One write to the log."""
        if self._way == "sync" or not self._fails() or self._has_room(descriptor):
            return os.write(descriptor, data)
        if self._way == "torn" and self._left == -1:
            return os.write(descriptor, data[: len(data) // 2])
        raise self._error

    def synchronise(self, descriptor: int) -> None:
        """One synchronisation of the log."""
        if self._way == "sync" and self._fails():
            raise self._error
        os.fdatasync(descriptor)

    def _fails(self) -> bool:
        self._left -= 1
        return self._left < 0

    def _has_room(self, descriptor: int) -> bool:
        if self._way == "lasting":
            return False
        folder = os.path.dirname(os.readlink(f"/proc/self/fd/{descriptor}"))
        return not os.path.exists(os.path.join(folder, "reserve"))


def prepare(way: str, error: str, first: str) -> None:
    """Put the disk below the writer, which the supervisor inherits."""
    disk = FailingDisk(way, int(error), int(first))
    vars(writer).update(os=disk, _synchronise=disk.synchronise)
