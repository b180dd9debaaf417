"""fold(events) -> State: pure, strict, one event at a time (DESIGN section 6).

No clock, no environment, no file system: the same events give the same State, anywhere, for ever.
The life of a check, as `MOVES` has it (DESIGN section 3):

pending --frontier.advanced--> ready --check.queued--> queued --check.started--> running
running --check.attempt_finished--> running (over) --check.settled--> settled
running (over) --check.retry_scheduled--> backoff --check.queued--> queued
ready --check.reused--> ready --check.settled (passed)--> settled
pending, ready, queued, backoff --check.settled (skipped, cancelled, refused)--> settled
"""

from collections.abc import Callable, Iterable
from typing import Any

from vibeguard.core.fold import checks, whole_run
from vibeguard.core.fold.states import BACKOFF, PENDING, QUEUED, READY, RUNNING, SETTLED
from vibeguard.core.model import events
from vibeguard.core.model.state import State
from vibeguard.core.names import CheckState
from vibeguard.core.problems import LogCorrupt

Move = Callable[..., None]
Moves = dict[CheckState, dict[type, Move]]
# Of each state of a check the events that are legal in it, and what they do.
MOVES: Moves = {
    PENDING: {events.CheckSettled: checks.check_settled},
    READY: {
        events.CheckQueued: checks.check_queued,
        events.CheckReused: checks.check_reused,
        events.CheckSettled: checks.check_settled,
    },
    QUEUED: {
        events.CheckRequirementWaived: checks.requirement_waived,
        events.CheckSubmitted: checks.check_submitted,
        events.CheckStarted: checks.check_started,
        events.CheckAttemptFinished: checks.attempt_finished,
        events.CheckSettled: checks.check_settled,
    },
    RUNNING: {
        events.CheckSlow: checks.check_observed,
        events.CheckIdle: checks.check_observed,
        events.CheckHang: checks.check_observed,
        events.CheckTerminationRequested: checks.termination_requested,
        events.CheckAttemptFinished: checks.attempt_finished,
        events.CheckExtracted: checks.check_extracted,
        events.CheckResults: checks.check_results,
        events.CheckRetryScheduled: checks.retry_scheduled,
        events.CheckSettled: checks.check_settled,
    },
    BACKOFF: {
        events.CheckQueued: checks.check_queued,
        events.CheckSettled: checks.check_settled,
    },
    SETTLED: {},
}
# What moves a check towards a start: once the run is cancelled, none of it is legal in any state.
_TOWARDS_A_START = (
    events.CheckQueued,
    events.CheckRequirementWaived,
    events.CheckReused,
    events.CheckStarted,
    events.CheckRetryScheduled,
)
_MOVES_AFTER_CANCEL: Moves = {
    state: {event: move for event, move in moves.items() if event not in _TOWARDS_A_START}
    for state, moves in MOVES.items()
}
_MOVES_OF_THE_RUN: dict[type, Move] = {
    events.RunStarted: whole_run.run_started,
    events.RunPlanned: whole_run.run_planned,
    events.FrontierAdvanced: whole_run.frontier_advanced,
    events.RunForegroundSettled: whole_run.foreground_settled,
    events.RunPaused: whole_run.run_paused,
    events.RunResumed: whole_run.run_resumed,
    events.RunDegraded: whole_run.run_degraded,
    events.RunWeakened: whole_run.run_weakened,
    events.RunCancelRequested: whole_run.cancel_requested,
    events.RunFinished: whole_run.run_finished,
    events.LogSealed: whole_run.log_sealed,
    events.UnknownEvent: whole_run.unknown_event,
}


def apply(state: State, event: events.Event) -> None:
    """Move `state` by one event. Raises LogCorrupt when it cannot follow what came before."""
    apply_each(state, (event,))


def apply_each(state: State, log: Iterable[Any]) -> None:
    """Move `state` by every event in turn; `state.next_seq` counts those that it took.

    Raises LogCorrupt at the first event that cannot follow what came before.
    """
    seq, t, records = state.next_seq, state.last_t, state.checks
    moves = MOVES if state.cancel is None else _MOVES_AFTER_CANCEL
    try:
        for event in log:
            if event.seq != seq:
                raise LogCorrupt(f"event number {event.seq} where {seq} must follow")
            now = event.t
            if now < t:
                raise LogCorrupt(f"event {seq} is dated before the one that precedes it")
            try:
                record = records[event.check]
                move = moves[record.state][type(event)]
            except (AttributeError, KeyError):
                _move_the_run(state, event)
                moves = MOVES if state.cancel is None else _MOVES_AFTER_CANCEL
            else:
                # These need no look at the ends: before the plan there are no checks, and once
                # the run has finished every check has settled.
                move(state, record, event)
            seq += 1
            t = now
    finally:
        state.next_seq, state.last_t = seq, t


def fold(log: Iterable[events.Event]) -> State:
    """The State that a whole sequence of events gives; raises LogCorrupt like `apply`."""
    state = State()
    apply_each(state, log)
    return state


def _move_the_run(state: State, event: Any) -> None:
    """Move `state` by an event of the run; anything else is no legal event of its check."""
    move = _MOVES_OF_THE_RUN.get(type(event))
    if move is None:
        raise _illegal(state, event) from None
    _check_ends(state, event)
    move(state, event)


def _check_ends(state: State, event: events.Event | events.UnknownEvent) -> None:
    """Start, plan and end have fixed places; an unknown event may stand between them."""
    first = event.seq == 0
    if first and not isinstance(event, events.RunStarted):
        raise LogCorrupt("the log does not begin with run.started")
    if state.sealed is not None:
        raise LogCorrupt("an event follows the seal")
    if isinstance(event, events.UnknownEvent):
        return
    if not first and state.planned is None and not isinstance(event, events.RunPlanned):
        raise LogCorrupt("run.started is not followed by run.planned")
    if state.finished is not None and not isinstance(event, events.LogSealed):
        raise LogCorrupt("only the seal may follow run.finished")


def _illegal(state: State, event: Any) -> LogCorrupt:
    record = state.checks.get(event.check)
    if record is None:
        return LogCorrupt(f"{event.check} is not a planned check")
    if type(event) in MOVES[record.state]:
        return LogCorrupt(f"{event.check} was moved towards a start after the run was cancelled")
    name = type(event).__struct_config__.tag
    return LogCorrupt(f"{name} of {event.check} while it is {record.state.value}")
