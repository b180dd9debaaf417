"""fold(events) -> State: pure, strict, one event at a time (DESIGN section 6).

No clock, no environment, no file system: the same events give the same State, anywhere, for ever.
"""

from collections.abc import Iterable

from vibeguard.core.fold.checks import CHECK_EVENTS
from vibeguard.core.fold.runs import RUN_EVENTS
from vibeguard.core.model.events import Event, LogSealed, RunPlanned, RunStarted
from vibeguard.core.model.state import State
from vibeguard.core.problems import LogCorrupt

_APPLY = {**RUN_EVENTS, **CHECK_EVENTS}


def new_state() -> State:
    """The State before the first event."""
    return State()


def apply(state: State, event: Event) -> None:
    """Move `state` by one event. Raises LogCorrupt when the event cannot follow what came before."""
    if event.seq != state.next_seq:
        raise LogCorrupt(f"event number {event.seq} where {state.next_seq} must follow")
    if event.t < state.last_t:
        raise LogCorrupt(f"event {event.seq} is dated before the one that precedes it")
    if state.next_seq < 2 or state.finished is not None:
        _check_ends(state, event)
    _APPLY[type(event)](state, event)
    state.next_seq += 1
    state.last_t = event.t


def fold(events: Iterable[Event]) -> State:
    """The State that a whole sequence of events gives; raises LogCorrupt like `apply`."""
    state = new_state()
    for event in events:
        apply(state, event)
    return state


def _check_ends(state: State, event: Event) -> None:
    """The first two events and the last one have fixed places."""
    if state.next_seq == 0 and not isinstance(event, RunStarted):
        raise LogCorrupt("the log does not begin with run.started")
    if state.next_seq == 1 and not isinstance(event, RunPlanned):
        raise LogCorrupt("run.started is not followed by run.planned")
    if state.sealed is not None:
        raise LogCorrupt("an event follows the seal")
    if state.finished is not None and not isinstance(event, LogSealed):
        raise LogCorrupt("only the seal may follow run.finished")
