"""Which attempt held which slot, and when: the picture of a run, gathered event by event."""

from msgspec import Struct

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckStarted,
    CheckTerminationRequested,
    Event,
)
from vibeguard.core.names import Pool


class Span(Struct):
    """One attempt. Times are nanoseconds of the run; `end_t` None: it still runs.

    `slot` counts from 1 in each pool. `cut_t` is when it was first told to end.
    """

    check: str
    attempt: int
    pool: Pool
    slot: int
    start_t: int
    end_t: int | None = None
    cut_t: int | None = None


class Timeline:
    """The attempts in the order of their starts; no two overlap on one slot of a pool."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.slots = dict.fromkeys(Pool, 0)
        self._free: dict[Pool, list[int]] = {pool: [] for pool in Pool}
        self._open: dict[str, Span] = {}

    def feed(self, event: Event) -> None:
        """Remember what the picture needs of one event."""
        match event:
            case CheckStarted():
                span = Span(event.check, event.attempt, event.pool, self._take(event.pool), event.t)
                self._open[event.check] = span
                self.spans.append(span)
            case CheckTerminationRequested(check=check) if check in self._open:
                span = self._open[check]
                span.cut_t = event.t if span.cut_t is None else span.cut_t
            case CheckAttemptFinished(check=check) if check in self._open:
                # A start that was refused is not there: it took no slot.
                span = self._open.pop(check)
                span.end_t = event.t
                self._free[span.pool].append(span.slot)
            case _:
                pass

    def _take(self, pool: Pool) -> int:
        free = self._free[pool]
        if not free:
            self.slots[pool] += 1
            return self.slots[pool]
        slot = min(free)
        free.remove(slot)
        return slot
