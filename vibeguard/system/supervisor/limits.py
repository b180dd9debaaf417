"""The limits of one attempt as deadlines: timeout, idle timeout, and the news of slowness."""

import math

from vibeguard.core.model.events import CheckIdle, CheckSlow
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import TerminationReason
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.executors.base import Attempt


class Limits:
    """When something is due for attempt `number`, which started at `started` (Trio seconds).

    Time limits of an attempt on another machine are measured there (`Attempt.struck`).
    """

    def __init__(self, planned: PlannedCheck, number: int, started: float) -> None:
        self._check = planned.id
        self._number = number
        self._started = started
        self._is_here = planned.where is None
        self._timeout = started + (planned.timeout_ns / SECOND_NS if self._is_here else math.inf)
        self._slow_period = _seconds(planned.slow_after_ns)
        self._slow = started + self._slow_period
        self._idle_period = _seconds(planned.idle_timeout_ns)
        self._warned_of: float | None = None

    def next_deadline(self, attempt: Attempt) -> float:
        """The Trio time at which to look again."""
        deadline = min(self._timeout, self._slow)
        if self._idle_period != math.inf:
            last = attempt.last_output
            warned = self._warned_of == last
            if self._is_here or not warned:
                deadline = min(deadline, last + self._idle_period / (1 if warned else 2))
        return deadline

    def due(self, attempt: Attempt, now: float) -> TerminationReason | CheckSlow | CheckIdle | None:
        """The limit that is broken now, else the news; that is told once a period."""
        last = attempt.last_output
        if now >= self._timeout:
            return TerminationReason.TIMEOUT
        if self._is_here and now >= last + self._idle_period:
            return TerminationReason.IDLE
        check, number = self._check, self._number
        elapsed_ns = round((now - self._started) * SECOND_NS)
        if now >= self._slow:
            self._slow += self._slow_period
            return CheckSlow(check=check, attempt=number, elapsed_ns=elapsed_ns)
        if now >= last + self._idle_period / 2 and self._warned_of != last:
            self._warned_of = last
            idle_ns = round((now - last) * SECOND_NS)
            return CheckIdle(check=check, attempt=number, elapsed_ns=elapsed_ns, idle_ns=idle_ns)
        return None


def _seconds(nanoseconds: int | None) -> float:
    return math.inf if nanoseconds is None else nanoseconds / SECOND_NS
