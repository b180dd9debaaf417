"""How long the rest of a run may take: the scheduler itself, fed a future in which all checks pass.

The estimate of each check comes from the log (`expected_ns` of the plan): a replay gives the same.
"""

from collections.abc import Iterable
from copy import copy
from heapq import heappop, heappush

from msgspec.structs import force_setattr

from vibeguard.core.fold.fold import apply
from vibeguard.core.history import median_of
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckStarted,
    Event,
    RunForegroundSettled,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.model.status import Forecast
from vibeguard.core.names import AttemptEnd, CheckState, Outcome
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Start
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import settled

# A check that takes longer than expected is assumed to need this part of its time so far once more;
# a check without an estimate, as long again as it has taken.
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
    rehearsal = _Rehearsal(state, now_t, typical)
    end_ns = rehearsal.play()
    return Forecast(end_ns, rehearsal.foreground_ns, guessed)


def _typical_ns(records: Iterable[CheckRecord]) -> int | None:
    """The duration to assume for a check without an estimate; None if nothing is known of any."""
    known = []
    for record in records:
        if record.planned.expected_ns is not None:
            known.append(record.planned.expected_ns)
        elif record.outcome is Outcome.PASSED and record.finished is not None:
            known.append(record.finished.active_ns)
    return median_of(sorted(known)) if known else None


class _Rehearsal:
    """A copy of a run's State, with a scheduler that plays it on to the end."""

    def __init__(self, state: State, now_t: int, typical_ns: int) -> None:
        self._state = _copy(state)
        self._now_t = max(now_t, state.last_t)
        self._typical_ns = typical_ns
        self._scheduler = Scheduler(self._state)
        self._ends: list[tuple[int, str]] = []
        self._at_ns = 0
        self.foreground_ns = 0

    def play(self) -> int:
        """Let every attempt take as long as expected, and pass; how many nanoseconds that takes."""
        for check, record in self._state.checks.items():
            if record.state is CheckState.RUNNING:
                heappush(self._ends, (self._left_ns(record), check))
            elif record.state is CheckState.BACKOFF:
                self._record(self._scheduler.next_attempt(check))
        self._carry_out_moves()
        while self._ends:
            self._at_ns, check = heappop(self._ends)
            self._pass(self._state.checks[check])
            self._carry_out_moves()
        return self._at_ns

    def _carry_out_moves(self) -> None:
        while (move := self._scheduler.next_move()) is not None:
            if isinstance(move, Start):
                record = self._state.checks[move.check]
                started = CheckStarted(check=move.check, attempt=record.attempt, pool=record.pool)
                self._record(started)
                expected_ns = self._queue_ns(record) + self._expected_ns(record.planned)
                heappush(self._ends, (self._at_ns + expected_ns, move.check))
            elif not isinstance(move, EnterGroup | LeaveGroup | LookUp):  # other runs are left out
                self._record(move)

    def _record(self, event: Event) -> None:
        """Stamp, fold and feed one event of the future: nothing is written."""
        force_setattr(event, "seq", self._state.next_seq)
        force_setattr(event, "t", self._now_t + self._at_ns)
        apply(self._state, event)
        self._scheduler.feed(event)
        if isinstance(event, RunForegroundSettled):
            self.foreground_ns = self._at_ns

    def _pass(self, record: CheckRecord) -> None:
        check, attempt, assertion = record.planned.id, record.attempt, record.planned.assertion
        if not record.attempt_over:
            self._record(_ended_well(record))
        if assertion:
            self._record(
                CheckExtracted(
                    check=check, attempt=attempt, assertion=assertion, assertion_result=True
                )
            )
        self._record(settled(record, Outcome.PASSED))

    def _left_ns(self, record: CheckRecord) -> int:
        expected = self._expected_ns(record.planned)
        lasted = max(self._now_t - (record.running_t or 0), 0)
        known = record.planned.expected_ns is not None
        return max(expected - lasted, lasted // _OVERDUE_PART if known else lasted)

    def _queue_ns(self, record: CheckRecord) -> int:
        """What is left of the expected wait for a worker."""
        submitted, expected = record.submitted, record.planned.expected_queue_ns
        if submitted is None or submitted.attempt != record.attempt:
            return expected
        return max(expected - (self._now_t - submitted.t), 0)

    def _expected_ns(self, planned: PlannedCheck) -> int:
        return self._typical_ns if planned.expected_ns is None else planned.expected_ns


def _copy(state: State) -> State:
    """The State of the same run on its way to a pass: what has gone wrong so far is left out."""
    checks = {}
    for check, record in state.checks.items():
        checks[check] = copied = copy(record)
        copied.waived = dict(record.waived)
        if record.state is CheckState.RUNNING:
            copied.termination = copied.extracted = None
            copied.finished = _ended_well(record) if record.attempt_over else None
        else:
            copied.attempt_over = False
    whole = copy(state)
    whole.paused_since = None  # the forecast is of a run that goes on
    whole.checks, whole.counts, whole.groups = checks, dict(state.counts), dict(state.groups)
    whole.slots, whole.used = dict(state.slots), dict(state.used)
    return whole


def _ended_well(record: CheckRecord) -> CheckAttemptFinished:
    return CheckAttemptFinished(
        check=record.planned.id, attempt=record.attempt, end=AttemptEnd.EXITED, exit_code=0
    )
