"""fold(events) -> State: pure, strict, one event at a time (DESIGN section 6).

No clock, no environment, no file system: the same events give the same State, anywhere, for ever.
"""

from collections.abc import Callable, Iterable
from typing import Any

from vibeguard.core.fold.checks import CHECK_EVENTS
from vibeguard.core.fold.transitions import LEGAL_STATES
from vibeguard.core.fold.whole_run import RUN_EVENTS
from vibeguard.core.model.events import Event, LogSealed, RunPlanned, RunStarted, UnknownEvent
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.problems import LogCorrupt

# One look per event: the states of its check in which it is legal (None: it is the run's), and what
# it does.
Rule = tuple[tuple[CheckState, ...] | None, Callable[..., None]]
RULES: dict[type, Rule] = {
    **{kind: (LEGAL_STATES[kind], handle) for kind, handle in CHECK_EVENTS.items()},
    **{kind: (None, handle) for kind, handle in RUN_EVENTS.items()},
}


def new_state() -> State:
    """The State before the first event."""
    return State()


def apply(state: State, event: Event) -> None:
    """Move `state` by one event. Raises LogCorrupt when it cannot follow what came before."""
    apply_each(state, (event,))


def apply_each(state: State, events: Iterable[Any]) -> None:
    """Move `state` by every event in turn; `state.next_seq` counts those that it took.

    Raises LogCorrupt at the first event that cannot follow what came before.
    """
    seq, t, checks = state.next_seq, state.last_t, state.checks
    try:
        for event in events:
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
                    record = checks[event.check]
                except KeyError:
                    raise LogCorrupt(f"{event.check} is not a planned check") from None
                if record.state not in legal_states:
                    raise _illegal(record, event)
                handle(state, record, event)
            seq += 1
            t = now
    finally:
        state.next_seq, state.last_t = seq, t


def fold(events: Iterable[Event]) -> State:
    """The State that a whole sequence of events gives; raises LogCorrupt like `apply`."""
    state = new_state()
    apply_each(state, events)
    return state


def _check_ends(state: State, seq: int, event: Event | UnknownEvent) -> None:
    """Start, plan and end have fixed places; an unknown event may stand between them."""
    if seq == 0 and not isinstance(event, RunStarted):
        raise LogCorrupt("the log does not begin with run.started")
    if state.sealed is not None:
        raise LogCorrupt("an event follows the seal")
    if isinstance(event, UnknownEvent):
        return
    if seq > 0 and state.planned is None and not isinstance(event, RunPlanned):
        raise LogCorrupt("run.started is not followed by run.planned")
    if state.finished is not None and not isinstance(event, LogSealed):
        raise LogCorrupt("only the seal may follow run.finished")


def _illegal(record: CheckRecord, event: Any) -> LogCorrupt:
    name = type(event).__struct_config__.tag
    return LogCorrupt(f"{name} of {event.check} while it is {record.state.value}")
