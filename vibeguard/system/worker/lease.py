"""When everything must have ended: one number in memory that worker and guardian share.

A page and not a pipe: a worker that is stopped writes nothing, and a guardian that is stopped lets
nothing fill up. Seconds of the monotonic clock, which is one for all processes of a machine.
"""

import math
import mmap
import struct

_NUMBER = struct.Struct("d")


class LeasePage:
    """Shared by fork: made before it, written by the worker, read by the guardian."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self.set(None)

    def set(self, ends_s: float | None) -> None:
        """The first started attempt has to be gone by then; None: there is none."""
        _NUMBER.pack_into(self._page, 0, math.inf if ends_s is None else ends_s)

    def ends_s(self) -> float:
        """When everything has to be gone; infinity while nothing runs."""
        return float(_NUMBER.unpack_from(self._page, 0)[0])
