"""The peak memory of a command, as far as it can be known (docs/adr/0031).

The kernel's figure for a child starts at the peak of the process that spawned it, so it says
something about the command only where it is clearly above our own peak.
"""

import os
from collections.abc import Iterable

from vibeguard.system.process import exits, proc


class OwnPeak:
    """Our own peak, read only when a figure might be above it."""

    def __init__(self) -> None:
        self._bytes = 0

    def is_exceeded_by(self, peak_bytes: int) -> bool:
        """Whether a child's figure cannot come from this process.

        The kernel counts pages in batches per CPU: an eighth is allowed for that.
        """
        if peak_bytes <= self._bytes + self._bytes // 8:
            return False
        own = proc.peak_memory_bytes(os.getpid()) or exits.own_peak_bytes()
        self._bytes = max(self._bytes, own)
        return peak_bytes > self._bytes + self._bytes // 8


def largest_peak_bytes(pids: Iterable[int]) -> int:
    """The largest peak among these processes at this moment; 0 where nothing tells."""
    return max((proc.peak_memory_bytes(pid) or 0 for pid in pids), default=0)
