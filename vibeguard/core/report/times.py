"""When a run was, and how long its checks took."""

from calendar import timegm

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.wording.units import SECOND_NS, duration


def started_ns(state: State) -> int:
    """The wall time of the start in nanoseconds since the epoch, by its digits; 0 if unknown."""
    text = state.started.wall_time if state.started else ""
    places = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
    try:
        seconds = timegm(tuple(int(text[first:last]) for first, last in places))
        fraction = int((text[20:].rstrip("Z") + "0" * 9)[:9])
    except ValueError:
        return 0
    return seconds * SECOND_NS + fraction


def duration_ns(state: State, record: CheckRecord) -> int:
    """How long the check took, all attempts together; while it runs, up to the last event."""
    if record.first_started_t is None:
        return 0
    if record.settled_t is None:
        return max(state.last_t - record.first_started_t, 0)
    if record.attempt <= 1 and record.finished is not None and record.finished.elapsed_ns:
        return record.finished.elapsed_ns
    return record.settled_t - record.first_started_t


def took(state: State, record: CheckRecord) -> str:
    """How long the check took, in words; empty for one that never ran."""
    return "" if record.first_started_t is None else duration(duration_ns(state, record))
