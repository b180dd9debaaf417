"""When a run was, for systems that count from 1970."""

from vibeguard.core.model.state import State
from vibeguard.core.wording.units import SECOND_NS


def started_ns(state: State) -> int:
    """The wall time of the start in nanoseconds since the epoch, by its digits; 0 if unknown."""
    text = state.started.wall_time if state.started else ""
    try:
        year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
        hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
        fraction = int((text[20:].rstrip("Z") + "0" * 9)[:9])
    except ValueError:
        return 0
    before = year - (month <= 2)  # days since 1970-01-01 of the civil calendar, March first
    days = 365 * before + before // 4 - before // 100 + before // 400
    days += (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1 - 719468
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * SECOND_NS + fraction
