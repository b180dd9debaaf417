"""When a run was, for systems that count from 1970."""

from calendar import timegm

from vibeguard.core.model.state import State
from vibeguard.core.wording.units import SECOND_NS


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
