"""Trio's clock for a run, which can stand still: a pause stops every limit at once."""

import math
from typing import Protocol

import trio

from vibeguard.system.clock import monotonic_ns


class RunClock(Protocol):
    """Where the supervisor reads the time."""

    def elapsed_ns(self) -> int:
        """Nanoseconds since the run's start, pauses included: the `t` of an event."""

    def pause(self) -> None:
        """Stop Trio's time: no deadline strikes until `resume`."""

    def resume(self) -> int:
        """Let Trio's time go on; returns the nanoseconds that it stood still."""


class PausingClock(trio.abc.Clock):
    """Monotonic time without pauses. Deadlines of checks are Trio deadlines on this clock."""

    def __init__(self) -> None:
        self._start_ns = monotonic_ns()
        self._paused_at_ns: int | None = None
        self._paused_ns = 0

    def start_clock(self) -> None:
        """Nothing to prepare: the clock runs from its creation."""

    def current_time(self) -> float:
        """Seconds of active time."""
        now = monotonic_ns() if self._paused_at_ns is None else self._paused_at_ns
        return (now - self._start_ns - self._paused_ns) / 1e9

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """How long Trio may sleep; for ever while paused, since only an event ends a pause."""
        if self._paused_at_ns is not None:
            return math.inf
        return deadline - self.current_time()

    def elapsed_ns(self) -> int:
        """Nanoseconds since the clock was made, pauses included."""
        return monotonic_ns() - self._start_ns

    def pause(self) -> None:
        """Stop the clock; stopping it twice is stopping it once."""
        if self._paused_at_ns is None:
            self._paused_at_ns = monotonic_ns()

    def resume(self) -> int:
        """Let the clock go on; returns the nanoseconds that it stood still."""
        if self._paused_at_ns is None:
            return 0
        pause_ns = monotonic_ns() - self._paused_at_ns
        self._paused_ns += pause_ns
        self._paused_at_ns = None
        return pause_ns


class VirtualRunClock:
    """A run clock on whatever clock Trio has: virtual time in tests."""

    def __init__(self) -> None:
        self._paused_at_ns: int | None = None

    def elapsed_ns(self) -> int:
        """Nanoseconds of Trio's time."""
        return round(trio.current_time() * 1e9)

    def pause(self) -> None:
        """Remember when; virtual time itself goes on."""
        self._paused_at_ns = self.elapsed_ns()

    def resume(self) -> int:
        """The nanoseconds since the pause."""
        since = self._paused_at_ns
        self._paused_at_ns = None
        return 0 if since is None else self.elapsed_ns() - since
