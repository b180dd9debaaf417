"""The scheduler of a run: it is fed every event and says what comes next. No task, no clock.

    while (move := scheduler.next_move()) is not None:
        carry it out: an event is recorded, folded and fed; EnterGroup, LeaveGroup, Start are done

`next_move` is a list of rules, the first that is due wins; read it to know how a run goes. The
facts are in the State that the events fold to, which the scheduler reads and never writes. What it
keeps beside that is an `Index`, made anew from any State but for one thing that the log does not
say: who has been offered a slot and has not started yet.
"""

from collections.abc import Collection, Iterator

from vibeguard.core.fold.ended_attempts import root_cause
from vibeguard.core.fold.verdict import outcome_counts
from vibeguard.core.model.events import (
    CheckQueued,
    CheckRequirementWaived,
    CheckSettled,
    Event,
    FrontierAdvanced,
    RunCancelRequested,
    RunDegraded,
    RunForegroundSettled,
)
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    Reason,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.scheduling.index import Index
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Move, Start
from vibeguard.core.scheduling.settlement import nothing_to_confirm, settled


class Scheduler:
    """Says the next move of a run whose plan is in `state`. Every method is one synchronous step.

    The event that is fed decides how a check settles: it can do so in any state, after an attempt
    or without one. A step costs what it changes, a whole run O((V + E) log V).
    """

    def __init__(self, state: State, reusable: Collection[str] = ()) -> None:
        """For the `reusable` checks earlier passes may stand: a `LookUp` comes before each."""
        if state.planned is None:
            raise ValueError("a run that is not planned has nothing to schedule")
        self.state = state
        self.settings = state.planned.settings
        self._index = Index(state, reusable)
        self._turn: Iterator[Move] = iter(())  # of the check that has just been offered a slot

    def feed(self, event: Event) -> None:
        """Take note of an event that has been folded into the State already."""
        self._index.feed(event)

    def next_move(self) -> Move | None:
        """What comes next: the first rule that has something to say; None until the next event."""
        if self._index.slots.left_groups:
            return LeaveGroup(self._index.slots.left_groups.popleft())
        if self.state.cancel is not None:
            return self._foreground_settled() or self._cancel_what_does_not_run()
        return (
            next(self._turn, None)
            or self._skip_dependents()
            or self._fail_fast()
            or self._advance_frontier()
            or self._enqueue()
            or self._look_up()
            or self._foreground_settled()
            or self._enqueue_deferred()
            or self._offer_slot()
        )

    # What the run tells the scheduler beside events, and asks it for.

    def block(self, check: str) -> None:
        """Another run has the group: the check waits for it without slots, until `unblock`."""
        self._turn = iter(())
        self._index.slots.block(self.state.checks[check])

    def unblock(self, check: str) -> None:
        """The group may be free: the check competes for a slot again."""
        self._index.slots.unblock(self.state.checks[check])

    def nothing_stands_for(self, check: str) -> None:
        """No earlier pass stands for a check that was looked up: it has to run."""
        self._index.unqueued.append(self.state.checks[check])

    def next_attempt(self, check: str) -> CheckQueued:
        """A check that became ready, or whose delay is over, wants a slot."""
        record = self.state.checks[check]
        return CheckQueued(check=check, attempt=record.attempt + 1, pool=record.pool)

    def cancelled(self, check: str, termination: TerminationReason | None = None) -> CheckSettled:
        """How a cancelled check settles.

        `termination` is why its attempt was ended. Without it the check is cancelled together with
        the run, or by itself.
        """
        if termination is None:
            cancel = self.state.cancel
            termination = TerminationReason(cancel.reason if cancel else CancelReason.CANCEL)
        failed = self._index.failed_first
        for_failure = termination is TerminationReason.FAIL_FAST and failed is not None
        return settled(
            self.state.checks[check],
            Outcome.CANCELLED,
            CANCELLED_FOR[termination],
            cause=failed.planned.id if failed and for_failure else "",
        )

    def degraded(self, reason: str) -> RunDegraded | None:
        """Only as many slots as are used now: the system refuses more. None if that is no fewer."""
        slots, used = self.state.slots, self.state.used
        pools = (Pool.FOREGROUND, Pool.BACKGROUND)
        parallel, async_parallel = (max(1, min(slots[pool], used[pool])) for pool in pools)
        if [parallel, async_parallel] == [slots[pool] for pool in pools]:
            return None
        return RunDegraded(parallel=parallel, async_parallel=async_parallel, reason=reason)

    # The rules.

    def _turn_of(self, record: CheckRecord) -> Iterator[Move]:
        """The moves of a check that has been offered a slot: group, `while_pending`, start.

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
        while self._index.to_skip:
            dependent, required = self._index.to_skip.popleft()
            if dependent.state is not CheckState.SETTLED and required.settled is not None:
                if dependent.planned.confirms:
                    return nothing_to_confirm(dependent)
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
        if not self.settings.fail_fast or self._index.failed_first is None:
            return None
        if state.settled == len(state.checks):
            return None  # there is no rest
        by = self._index.failed_first.planned.id
        return RunCancelRequested(reason=CancelReason.FAIL_FAST, by=by)

    def _advance_frontier(self) -> FrontierAdvanced | None:
        """Checks are ready: everything that they wait for has passed."""
        if not self._index.ready:
            return None
        ready, self._index.ready = self._index.ready, []
        names = tuple(r.planned.id for r in ready if r.state is CheckState.PENDING)
        return FrontierAdvanced(number=self.state.frontiers, checks=names) if names else None

    def _enqueue(self) -> CheckQueued | CheckSettled | None:
        """A ready check wants a slot, unless it lets others go first, or has nothing to confirm."""
        while self._index.unqueued:
            record = self._index.unqueued.popleft()
            if record.state is not CheckState.READY:
                continue  # it has settled meanwhile
            check = record.planned.id
            confirmed = self.state.checks.get(record.planned.confirms)
            if confirmed is not None and confirmed.reused is None:
                return nothing_to_confirm(record)
            if self._index.requirements.must_defer(check):
                self._index.deferred[check] = record
            elif self._index.may_be_reused(check):
                self._index.to_look_up.append(check)
            else:
                return self.next_attempt(check)
        return None

    def _enqueue_deferred(self) -> CheckQueued | CheckSettled | LookUp | None:
        """The turn of deferred checks: all that goes before them has settled."""
        if not self._index.deferred or not self._index.requirements.all_others_settled:
            return None
        self._index.unqueued.extend(self._index.deferred.values())
        self._index.deferred.clear()
        return self._enqueue() or self._look_up()

    def _look_up(self) -> LookUp | None:
        """Before ready checks are queued for which earlier passes may stand, that is asked."""
        if not self._index.to_look_up:
            return None
        checks, self._index.to_look_up = self._index.to_look_up, []
        self._index.unasked.difference_update(checks)
        return LookUp(tuple(checks))

    def _foreground_settled(self) -> RunForegroundSettled | None:
        """Only background checks, and what waits for them, are left."""
        state = self.state
        if state.unsettled_foreground or state.foreground_settled is not None:
            return None
        pending = tuple(c for c, r in state.checks.items() if r.state is not CheckState.SETTLED)
        return RunForegroundSettled(counts=outcome_counts(state), pending=pending)

    def _cancel_what_does_not_run(self) -> CheckSettled | None:
        """The run is cancelled. What runs settles when its processes have been ended."""
        for record in self._index.to_cancel:
            if record.state not in (CheckState.RUNNING, CheckState.SETTLED):
                return self.cancelled(record.planned.id)
        return None

    def _offer_slot(self) -> Move | None:
        """The next free slot goes to the best claim; nothing starts in a pause."""
        record = self._index.slots.offer() if self.state.paused_since is None else None
        if record is None:
            return None
        self._turn = self._turn_of(record)
        return next(self._turn)
