"""Time since a start, with and without pauses."""

from vibeguard.system import clock


class Stopwatch:
    """Runs from its creation. All times are nanoseconds."""

    def __init__(self) -> None:
        self._start_s = clock.monotonic_s()
        self._paused_at_s: float | None = None
        self._paused_s = 0.0

    def pause(self) -> None:
        """Stop counting active time; a second call does nothing."""
        if self._paused_at_s is None:
            self._paused_at_s = clock.monotonic_s()

    def resume(self) -> None:
        """Count active time again."""
        if self._paused_at_s is not None:
            self._paused_s += clock.monotonic_s() - self._paused_at_s
            self._paused_at_s = None

    def elapsed_ns(self) -> int:
        """Since the start, pauses included."""
        return round((clock.monotonic_s() - self._start_s) * 1e9)

    def active_ns(self) -> int:
        """Since the start, pauses left out."""
        now_s = clock.monotonic_s() if self._paused_at_s is None else self._paused_at_s
        return round((now_s - self._start_s - self._paused_s) * 1e9)
