"""fold(events) -> State: pure, strict, one event at a time (DESIGN section 6).

No clock, no environment, no file system: the same events give the same State, anywhere, for ever.
The life of a check, as `RULES` has it (DESIGN section 3):

pending --frontier.advanced--> ready --check.queued--> queued --check.started--> running
running --check.attempt_finished--> running (over) --check.settled--> settled
running (over) --check.retry_scheduled--> backoff --check.queued--> queued
ready --check.reused--> ready --check.settled (passed)--> settled
pending, ready, queued, backoff --check.settled (skipped, cancelled, refused)--> settled
"""

from collections.abc import Callable, Iterable
from typing import Any

from vibeguard.core.fold import checks, whole_run
from vibeguard.core.fold.states import BACKOFF, PENDING, QUEUED, READY, RUNNING
from vibeguard.core.model import events
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.problems import LogCorrupt

# Of each event the states of its check in which it is legal (None: it is the run's), and what it
# does.
Rule = tuple[tuple[CheckState, ...] | None, Callable[..., None]]
RULES: dict[type, Rule] = {
    events.CheckQueued: ((READY, BACKOFF), checks.check_queued),
    events.CheckRequirementWaived: ((QUEUED,), checks.requirement_waived),
    events.CheckReused: ((READY,), checks.check_reused),
    events.CheckSubmitted: ((QUEUED,), checks.check_submitted),
    events.CheckStarted: ((QUEUED,), checks.check_started),
    events.CheckSlow: ((RUNNING,), checks.check_observed),
    events.CheckIdle: ((RUNNING,), checks.check_observed),
    events.CheckHang: ((RUNNING,), checks.check_observed),
    events.CheckTerminationRequested: ((RUNNING,), checks.termination_requested),
    events.CheckAttemptFinished: ((RUNNING, QUEUED), checks.attempt_finished),
    events.CheckExtracted: ((RUNNING,), checks.check_extracted),
    events.CheckResults: ((RUNNING,), checks.check_results),
    events.CheckRetryScheduled: ((RUNNING,), checks.retry_scheduled),
    events.CheckSettled: ((PENDING, READY, QUEUED, RUNNING, BACKOFF), checks.check_settled),
    events.RunStarted: (None, whole_run.run_started),
    events.RunPlanned: (None, whole_run.run_planned),
    events.FrontierAdvanced: (None, whole_run.frontier_advanced),
    events.RunForegroundSettled: (None, whole_run.foreground_settled),
    events.RunPaused: (None, whole_run.run_paused),
    events.RunResumed: (None, whole_run.run_resumed),
    events.RunDegraded: (None, whole_run.run_degraded),
    events.RunWeakened: (None, whole_run.run_weakened),
    events.RunCancelRequested: (None, whole_run.cancel_requested),
    events.RunFinished: (None, whole_run.run_finished),
    events.LogSealed: (None, whole_run.log_sealed),
    events.UnknownEvent: (None, whole_run.unknown_event),
}


def new_state() -> State:
    """The State before the first event."""
    return State()


def apply(state: State, event: events.Event) -> None:
    """Move `state` by one event. Raises LogCorrupt when it cannot follow what came before."""
    apply_each(state, (event,))


def apply_each(state: State, log: Iterable[Any]) -> None:
    """Move `state` by every event in turn; `state.next_seq` counts those that it took.

    Raises LogCorrupt at the first event that cannot follow what came before.
    """
    seq, t, records = state.next_seq, state.last_t, state.checks
    try:
        for event in log:
            if event.seq != seq:
                raise LogCorrupt(f"event number {event.seq} where {seq} must follow")
            now = event.t
            if now < t:
                raise LogCorrupt(f"event {seq} is dated before the one that precedes it")
            legal_states, handle = RULES[type(event)]
            if legal_states is None:
                # Events of checks need no look at the ends: before the plan there are no checks,
                # and once the run has finished every check has settled.
                _check_ends(state, seq, event)
                handle(state, event)
            else:
                try:
                    record = records[event.check]
                except KeyError:
                    raise LogCorrupt(f"{event.check} is not a planned check") from None
                if record.state not in legal_states:
                    raise _illegal(record, event)
                handle(state, record, event)
            seq += 1
            t = now
    finally:
        state.next_seq, state.last_t = seq, t


def fold(log: Iterable[events.Event]) -> State:
    """The State that a whole sequence of events gives; raises LogCorrupt like `apply`."""
    state = new_state()
    apply_each(state, log)
    return state


def _check_ends(state: State, seq: int, event: events.Event | events.UnknownEvent) -> None:
    """Start, plan and end have fixed places; an unknown event may stand between them."""
    if seq == 0 and not isinstance(event, events.RunStarted):
        raise LogCorrupt("the log does not begin with run.started")
    if state.sealed is not None:
        raise LogCorrupt("an event follows the seal")
    if isinstance(event, events.UnknownEvent):
        return
    if seq > 0 and state.planned is None and not isinstance(event, events.RunPlanned):
        raise LogCorrupt("run.started is not followed by run.planned")
    if state.finished is not None and not isinstance(event, events.LogSealed):
        raise LogCorrupt("only the seal may follow run.finished")


def _illegal(record: CheckRecord, event: Any) -> LogCorrupt:
    name = type(event).__struct_config__.tag
    return LogCorrupt(f"{name} of {event.check} while it is {record.state.value}")
