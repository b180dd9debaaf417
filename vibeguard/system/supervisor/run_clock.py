"""Trio's clock for a run, which can stand still: a pause stops every limit at once."""

import math
from collections.abc import Callable
from typing import Final, Protocol

import trio

from vibeguard.system.clock import monotonic_ns

# A machine under load keeps a process waiting for tenths of a second, and that is ordinary time.
LARGEST_GAP_NS: Final = 1_000_000_000


class RunClock(Protocol):
    """What a run asks of Trio's clock."""

    def pause(self) -> None:
        """Stop Trio's time: no deadline strikes until `resume`."""

    def resume(self) -> int:
        """Let Trio's time go on; returns the nanoseconds that it stood still."""


class PausingClock(trio.abc.Clock):
    """Monotonic time without pauses. Deadlines of checks are Trio deadlines on this clock.

    Time in which this process itself did not run counts as a pause as well: a SIGSTOP, a frozen
    container, a virtual machine that stood still. Nothing announces these beforehand, but Trio says
    here how long it is going to sleep, and a supervisor at work never sleeps longer than its next
    look at the control folder. Whatever is missing beyond that, by more than `LARGEST_GAP_NS`, was
    not lived through, and no limit of a check may strike for it (docs/adr/0074).
    """

    def __init__(self, start_ns: int, now_ns: Callable[[], int] = monotonic_ns) -> None:
        """Of a run that began at `start_ns` of the monotonic clock `now_ns`."""
        self._now_ns = now_ns
        self.start_ns = start_ns
        self._paused_at_ns: int | None = None
        self._paused_ns = 0
        self._looked_ns = self.start_ns
        self._may_sleep_ns = 0.0

    def start_clock(self) -> None:
        """Begin to watch for gaps: what passed since the creation was preparation."""
        self._looked_ns = self._now_ns()

    def current_time(self) -> float:
        """Seconds of active time. Trio asks ten times a check."""
        now = self._now_ns()
        if now - self._looked_ns > LARGEST_GAP_NS:
            self._set_gap_aside(now)
        self._looked_ns = now
        self._may_sleep_ns = 0.0
        if self._paused_at_ns is not None:
            now = self._paused_at_ns
        return (now - self.start_ns - self._paused_ns) / 1e9

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """How long Trio may sleep; for ever while paused, since only an event ends a pause."""
        seconds = deadline - self.current_time()
        if self._paused_at_ns is not None:
            seconds = math.inf
        self._may_sleep_ns = max(seconds, 0.0) * 1e9
        return seconds

    def elapsed_ns(self) -> int:
        """Nanoseconds since the start, pauses included."""
        return self._now_ns() - self.start_ns

    def pause(self) -> None:
        """Stop the clock; stopping it twice is stopping it once."""
        if self._paused_at_ns is None:
            self.current_time()
            self._paused_at_ns = self._looked_ns

    def resume(self) -> int:
        """Let the clock go on; returns the nanoseconds that it stood still."""
        if self._paused_at_ns is None:
            return 0
        pause_ns = self._now_ns() - self._paused_at_ns
        self._paused_ns += pause_ns
        self._paused_at_ns = None
        self._looked_ns = self._now_ns()
        return pause_ns

    def _set_gap_aside(self, now: int) -> None:
        """Count as a pause what passed since the last look, beyond what Trio meant to sleep."""
        gap_ns = now - self._looked_ns - self._may_sleep_ns
        if gap_ns > LARGEST_GAP_NS and self._paused_at_ns is None:
            self._paused_ns += int(gap_ns)
