"""How long the rest of a run may take: the scheduler's own queues, run ahead on what is expected.

The estimate of each check comes from the log (`expected_ns` of the plan): a replay gives the same.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from statistics import median

from vibeguard.core.model.plan import Plan, PlannedCheck
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.model.status import Forecast
from vibeguard.core.names import CheckState, Outcome, Pool, WhilePending
from vibeguard.core.scheduling.frontier import Frontier
from vibeguard.core.scheduling.slots import Slots

# A check that takes longer than it used to is taken to need this part of its time so far once more;
# one of which nothing is known, as long as it has taken already.
_OVERDUE_PART = 10


def forecast(state: State, now_t: int) -> Forecast:
    """The forecast at `now_t` (nanoseconds since the run's start), if every check passes.

    O((V + E) log V), like the run itself.
    """
    unsettled = [r for r in state.checks.values() if r.state is not CheckState.SETTLED]
    if state.planned is None or not unsettled:
        return Forecast()
    typical = _typical_ns(state.checks.values())
    guessed = sum(record.planned.expected_ns is None for record in unsettled)
    if typical is None:
        return Forecast(guessed=guessed)
    return _RunAhead(state, now_t, typical).forecast(guessed)


def _typical_ns(records: Iterable[CheckRecord]) -> int | None:
    """What a check is taken to last of which nothing is known."""
    known = []
    for record in records:
        if record.planned.expected_ns is not None:
            known.append(record.planned.expected_ns)
        elif record.outcome is Outcome.PASSED and record.finished is not None:
            known.append(record.finished.active_ns)
    return int(median(known)) if known else None


class _RunAhead:
    """One run, played on from where it stands."""

    def __init__(self, state: State, now_t: int, typical_ns: int) -> None:
        planned = state.planned
        if planned is None:
            raise ValueError("a run that is not planned has no future yet")
        self._records = state.checks
        self._now_t = now_t
        self._typical_ns = typical_ns
        self._frontier = Frontier(planned.checks)
        self._slots = Slots(Plan(planned.settings, planned.checks))
        self._ends: list[tuple[int, str]] = []
        self._foreground_ns = 0
        self._settle_the_past()
        self._line_up(CheckState.RUNNING, at_ns=0)
        self._slots.degrade(parallel=state.parallel, async_parallel=state.async_parallel)
        self._line_up(CheckState.QUEUED, CheckState.BACKOFF, CheckState.READY, at_ns=0)

    def forecast(self, guessed: int) -> Forecast:
        """Let every check pass that runs, until none is left."""
        at_ns = 0
        while self._ends:
            at_ns, check = heappop(self._ends)
            planned = self._records[check].planned
            if planned.pool is Pool.FOREGROUND and not planned.after_background:
                self._foreground_ns = at_ns
            # As in a run: those who become ready by this settlement compete for its slot.
            self._slots.release(check)
            self._enqueue(self._frontier.passed(check))
            self._enqueue_free(self._frontier.freed())
            self._start(at_ns)
        return Forecast(at_ns, self._foreground_ns, guessed)

    def _settle_the_past(self) -> None:
        for check, record in self._records.items():
            if record.first_started_t is not None:
                self._frontier.started(check)
        for check, record in self._records.items():
            if record.outcome is Outcome.PASSED:
                self._frontier.passed(check)
            elif record.outcome is not None:
                # What is skipped because of it has been: nothing follows.
                self._frontier.cancelled(check)

    def _line_up(self, *states: CheckState, at_ns: int) -> None:
        checks = [check for check, record in self._records.items() if record.state in states]
        if states == (CheckState.RUNNING,):
            self._enqueue_free(checks)
        else:
            self._enqueue(checks)
            self._enqueue_free(self._frontier.freed())
        self._start(at_ns)

    def _enqueue(self, checks: Iterable[str]) -> None:
        self._enqueue_free([check for check in checks if not self._frontier.hold(check)])

    def _enqueue_free(self, checks: Iterable[str]) -> None:
        for check in checks:
            self._slots.enqueue(check)

    def _start(self, at_ns: int) -> None:
        while (check := self._slots.offer()) is not None:
            record = self._records[check]
            if self._gives_up(record):
                self._slots.release(check)
                self._frontier.not_passed(check, cause=check, waived=True)
                continue
            self._frontier.started(check)
            heappush(self._ends, (at_ns + self._left_ns(record), check))

    def _gives_up(self, record: CheckRecord) -> bool:
        """Whether the check skips itself, since a requirement is pending."""
        if record.first_started_t is not None:
            return False
        waivable = self._frontier.waivable(record.planned.id)
        return WhilePending.SKIP in waivable.values()

    def _left_ns(self, record: CheckRecord) -> int:
        expected = self._expected_ns(record.planned)
        if record.state is not CheckState.RUNNING or record.running_t is None:
            return expected
        lived = max(self._now_t - record.running_t, 0)
        known = record.planned.expected_ns is not None
        return max(expected - lived, lived // _OVERDUE_PART if known else lived)

    def _expected_ns(self, planned: PlannedCheck) -> int:
        return self._typical_ns if planned.expected_ns is None else planned.expected_ns
