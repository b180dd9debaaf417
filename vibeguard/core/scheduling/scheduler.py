"""The scheduler of a run: it is fed every event and says what comes next. No task, no clock.

    while (move := scheduler.next_move()) is not None:
        carry it out: an event is recorded, folded and fed; EnterGroup, LeaveGroup, Start are done

`next_move` is a list of rules, the first that is due wins; read it to know how a run goes. The
facts are in the State that the events fold to, which the scheduler reads and never writes. What it
keeps beside that are indexes, which `Scheduler(state)` makes anew from any State, and one thing
that the log does not say: who has been offered a slot and has not started yet (`Slots`).
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any

from vibeguard.core.fold.settling import root_cause
from vibeguard.core.fold.verdict import fails_the_run, outcome_counts
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckQueued,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSettled,
    CheckStarted,
    Event,
    FrontierAdvanced,
    RunCancelRequested,
    RunDegraded,
    RunForegroundSettled,
)
from vibeguard.core.model.plan import stands_alone
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    UNPASSED,
    AttemptEnd,
    CancelReason,
    CheckState,
    Outcome,
    Reason,
    Severity,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Move, Start
from vibeguard.core.scheduling.requirements import Requirements
from vibeguard.core.scheduling.settlement import settled
from vibeguard.core.scheduling.slots import Slots


class Scheduler:
    """Says the next move of a run whose plan is in `state`. Every method is one synchronous step.

    A check settles as whoever feeds says, from whatever state it is in: after an attempt, or
    without one. All costs are those of what changes, O((V + E) log V) for a whole run.
    """

    def __init__(self, state: State, looked_up: Collection[str] = ()) -> None:
        """`looked_up` are the checks that are not queued before a `LookUp` has its answer."""
        if state.planned is None:
            raise ValueError("a run that is not planned has nothing to schedule")
        self.state = state
        self.settings = state.planned.settings
        self._requirements = Requirements(state)
        self._slots = Slots(state)
        self._turn: Iterator[Move] = iter(())  # of the check that has just been offered a slot
        self._left_groups: deque[str] = deque()
        self._to_skip: deque[tuple[CheckRecord, CheckRecord]] = deque()  # with what did not pass
        self._ready: list[CheckRecord] = []
        self._looked_up = frozenset(looked_up)
        self._to_look_up: list[str] = []
        self._unqueued: deque[CheckRecord] = deque()
        self._deferred: dict[str, CheckRecord] = {}
        self._freed: deque[CheckRecord] = deque()
        self._failed_first: CheckRecord | None = None
        self._to_cancel: Iterator[CheckRecord] = iter(())
        self._notices: dict[type, Callable[[Any], None]] = {
            FrontierAdvanced: self._advanced,
            CheckQueued: self._queued,
            CheckStarted: self._started,
            CheckAttemptFinished: self._attempt_finished,
            CheckRetryScheduled: self._retry_scheduled,
            CheckSettled: self._settled,
            RunCancelRequested: self._cancel_requested,
        }
        self._make_indexes()

    def feed(self, event: Event) -> None:
        """Take note of an event, which the State has been folded from already."""
        notice = self._notices.get(type(event))
        if notice is not None:
            notice(event)

    def next_move(self) -> Move | None:
        """What comes next: the first of these rules that is due. None: wait for the next event."""
        if self._left_groups:
            return LeaveGroup(self._left_groups.popleft())
        if self.state.cancel is not None:
            return self._foreground_settled() or self._cancel_what_does_not_run()
        return (
            next(self._turn, None)
            or self._skip_dependents()
            or self._fail_fast()
            or self._advance_frontier()
            or self._look_up()
            or self._enqueue()
            or self._foreground_settled()
            or self._enqueue_deferred()
            or self._offer_slot()
        )

    # What is not an event.

    def block(self, check: str) -> None:
        """Another run has the group: the check waits for it without slots, until `unblock`."""
        self._turn = iter(())
        self._slots.block(self.state.checks[check])

    def unblock(self, check: str) -> None:
        """The group may be free: the check competes for a slot again."""
        self._slots.unblock(self.state.checks[check])

    def nothing_stands_for(self, check: str) -> None:
        """No earlier pass stands for a check that was looked up: it has to run."""
        self._unqueued.append(self.state.checks[check])

    def next_attempt(self, check: str) -> CheckQueued:
        """A check that became ready, or whose delay is over, wants a slot."""
        record = self.state.checks[check]
        return CheckQueued(check=check, attempt=record.attempt + 1, pool=record.pool)

    def cancelled(self, check: str, termination: TerminationReason | None = None) -> CheckSettled:
        """How a check settles that was ended, or kept from starting.

        `termination` is why its attempt was ended; without one: with the run, or by itself.
        """
        if termination is None:
            cancel = self.state.cancel
            termination = TerminationReason(cancel.reason if cancel else CancelReason.CANCEL)
        failed = self._failed_first
        for_failure = termination is TerminationReason.FAIL_FAST and failed is not None
        return settled(
            self.state.checks[check],
            Outcome.CANCELLED,
            CANCELLED_FOR[termination],
            cause=failed.planned.id if failed and for_failure else "",
        )

    def degraded(self, reason: str) -> RunDegraded | None:
        """The machine refuses more: as many slots as are used now. None if that is no step down."""
        state = self.state
        parallel = max(1, min(state.parallel, state.used_foreground))
        async_parallel = max(1, min(state.async_parallel, state.used_background))
        if (parallel, async_parallel) == (state.parallel, state.async_parallel):
            return None
        return RunDegraded(parallel=parallel, async_parallel=async_parallel, reason=reason)

    @property
    def jitter_seed(self) -> int:
        """The recorded seed of the retries' delays."""
        return self.settings.jitter_seed

    # The rules.

    def _turn_of(self, record: CheckRecord) -> Iterator[Move]:
        """A slot has been offered: the group, what `while_pending` says, and the start.

        The choice is recorded, so that a replay need not make it again. If one of several pending
        requirements says skip, skip wins: it is the choice that starts nothing.
        """
        check = record.planned.id
        if record.group:
            yield EnterGroup(check, record.group)
            if record.attempt_over:  # its lock cannot be had at all: the start was refused
                return
        skip_for = ""
        if record.attempt == 1:  # a retry has had its turn
            for requirement in record.planned.requires:
                choice, required = requirement.while_pending, self.state.checks[requirement.check]
                if choice is WhilePending.WAIT or required.state is CheckState.SETTLED:
                    continue
                yield CheckRequirementWaived(
                    check=check,
                    requirement=requirement.check,
                    choice=choice,
                    state=required.state,
                )
                if choice is WhilePending.SKIP:
                    skip_for = skip_for or requirement.check
        if skip_for:
            reason = Reason.DEPENDENCY_PENDING
            yield settled(record, Outcome.SKIPPED, reason, cause=skip_for, waived=True)
        else:
            yield Start(check)

    def _skip_dependents(self) -> CheckSettled | None:
        """Whatever required a check that did not pass is skipped, nearest first."""
        while self._to_skip:
            dependent, required = self._to_skip.popleft()
            if dependent.state is not CheckState.SETTLED and required.settled is not None:
                return settled(
                    dependent,
                    Outcome.SKIPPED,
                    Reason.REQUIREMENT,
                    cause=root_cause(required),
                    waived=required.settled.waived,
                )
        return None

    def _fail_fast(self) -> RunCancelRequested | None:
        """The first failure cancels the rest, if the settings say so."""
        state = self.state
        if not self.settings.fail_fast or self._failed_first is None:
            return None
        if state.settled == len(state.checks):
            return None  # there is no rest
        by = self._failed_first.planned.id
        return RunCancelRequested(reason=CancelReason.FAIL_FAST, by=by)

    def _advance_frontier(self) -> FrontierAdvanced | None:
        """Checks are ready: everything that they wait for has passed."""
        if not self._ready:
            return None
        ready, self._ready = self._ready, []
        names = tuple(r.planned.id for r in ready if r.state is CheckState.PENDING)
        return FrontierAdvanced(number=self.state.frontiers, checks=names) if names else None

    def _look_up(self) -> LookUp | None:
        """Ready checks for which an earlier pass may stand."""
        if not self._to_look_up:
            return None
        checks, self._to_look_up = self._to_look_up, []
        return LookUp(tuple(checks))

    def _enqueue(self) -> CheckQueued | CheckSettled | None:
        """A ready check wants a slot, unless it lets others go first, or has nothing to confirm."""
        while self._unqueued:
            record = self._unqueued.popleft()
            check = record.planned.id
            confirmed = self.state.checks.get(record.planned.confirms)
            if record.state is CheckState.READY and confirmed and confirmed.reused is None:
                reason, cause = Reason.NOTHING_TO_CONFIRM, record.planned.confirms
                return settled(record, Outcome.SKIPPED, reason, cause=cause, waived=True)
            if record.state is CheckState.READY and self._requirements.defer(check):
                self._deferred[check] = record
            elif record.state is CheckState.READY:
                return self.next_attempt(check)
        return None

    def _enqueue_deferred(self) -> CheckQueued | None:
        """A deferred check's turn: its requirements, or all that goes before it, have settled."""
        if self._deferred and self._requirements.all_others_settled:
            self._freed.extend(self._deferred.values())
            self._deferred.clear()
        while self._freed:
            record = self._freed.popleft()
            if record.state is CheckState.READY:
                return self.next_attempt(record.planned.id)
        return None

    def _foreground_settled(self) -> RunForegroundSettled | None:
        """Only background checks, and what waits for them, are left."""
        state = self.state
        if state.unsettled_foreground or state.foreground_settled is not None:
            return None
        pending = tuple(c for c, r in state.checks.items() if r.state is not CheckState.SETTLED)
        return RunForegroundSettled(counts=outcome_counts(state), pending=pending)

    def _cancel_what_does_not_run(self) -> CheckSettled | None:
        """The run is cancelled. What runs settles when its processes have been ended."""
        for record in self._to_cancel:
            if record.state not in (CheckState.RUNNING, CheckState.SETTLED):
                return self.cancelled(record.planned.id)
        return None

    def _offer_slot(self) -> Move | None:
        """The next free slot goes to the best claim."""
        record = self._slots.offer()
        if record is None:
            return None
        self._turn = self._turn_of(record)
        return next(self._turn)

    # What events change in the indexes.

    def _make_indexes(self) -> None:
        """Bring the indexes to where the State is: at the plan, or later, as in a forecast."""
        for check, record in self.state.checks.items():
            match record.state:
                case CheckState.PENDING if self._requirements.are_met(check):
                    self._ready.append(record)
                case CheckState.READY:
                    self._unqueued.append(record)
                case CheckState.QUEUED:
                    self._slots.push(record)
                case CheckState.RUNNING if record.attempt_over:
                    self._attempt_over(record)
                case CheckState.SETTLED if record.outcome is not Outcome.PASSED:
                    self._failed(record)
        self._to_cancel = iter(self.state.checks.values())

    def _advanced(self, event: FrontierAdvanced) -> None:
        for check in event.checks:
            if check in self._looked_up:
                self._to_look_up.append(check)
            else:
                self._unqueued.append(self.state.checks[check])

    def _queued(self, event: CheckQueued) -> None:
        self._slots.push(self.state.checks[event.check])

    def _started(self, event: CheckStarted) -> None:
        self._slots.started(self.state.checks[event.check])

    def _attempt_finished(self, event: CheckAttemptFinished) -> None:
        record = self.state.checks[event.check]
        if event.end is AttemptEnd.REFUSED and record.state is CheckState.QUEUED:
            self._release(record)
        else:
            self._attempt_over(record)

    def _retry_scheduled(self, event: CheckRetryScheduled) -> None:
        self._release_what_is_offered(self.state.checks[event.check])

    def _settled(self, event: CheckSettled) -> None:
        record = self.state.checks[event.check]
        self._release_what_is_offered(record)
        self._slots.settled(record)
        self._requirements.settled(record)
        if record.outcome is Outcome.PASSED:
            self._passed(record)
        else:
            self._failed(record)

    def _passed(self, record: CheckRecord) -> None:
        for dependent, is_ready in self._requirements.passed(record.planned.id):
            if is_ready:
                self._ready.append(self.state.checks[dependent])
            elif dependent in self._deferred:
                self._freed.append(self._deferred.pop(dependent))

    def _failed(self, record: CheckRecord) -> None:
        for dependent in self._requirements.concerned(record.planned.id):
            self._to_skip.append((dependent, record))
        if fails_the_run(record) and record.outcome in UNPASSED:
            present = self._failed_first
            if present is None or _settled_seq(record) < _settled_seq(present):
                self._failed_first = record

    def _cancel_requested(self, _: RunCancelRequested) -> None:
        self._turn = iter(())
        self._to_cancel = iter(self.state.checks.values())

    def _attempt_over(self, record: CheckRecord) -> None:
        """With fail-fast nothing starts in the slot of a check whose outcome may end the run.

        Nor while it is being found out what a check has changed that nothing may run beside.
        """
        ends_the_run = self.settings.fail_fast and record.planned.severity is Severity.ERROR
        if ends_the_run or stands_alone(record.planned):
            self._slots.hold(record)
        else:
            self._release(record)

    def _release_what_is_offered(self, record: CheckRecord) -> None:
        if self._slots.is_offered(record):
            self._release(record)

    def _release(self, record: CheckRecord) -> None:
        blocked = self._slots.is_blocked(record)
        if self._slots.release(record) and not blocked:
            self._left_groups.append(record.group)


def _settled_seq(record: CheckRecord) -> int:
    return -1 if record.settled is None else record.settled.seq
