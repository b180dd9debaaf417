"""The clocks of processes without Trio, and the wall clock; the only caller of `time`."""

import time
from datetime import UTC, datetime
from typing import Final

MOST_START_UP_S: Final = 0.25
_EPOCH_YEAR: Final = 1970
_LATEST_NS: Final = (1 << 63) - 1  # in the year 2262; the earliest is in 1677

# Monotonic seconds, for deadlines, and nanoseconds, for the `t` of events. Names, not functions of
# our own: both are asked many times a check.
monotonic_s = time.monotonic
monotonic_ns = time.monotonic_ns


def wall_time() -> str:
    """The wall-clock time in RFC 3339, UTC, microseconds."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def today() -> str:
    """The day by this machine's clock and zone, as 2026-12-31."""
    return datetime.now().astimezone().date().isoformat()


def wall_ns() -> int:
    """Nanoseconds since the epoch, for names that sort by time.

    A clock beyond what 64 bits of them hold stands still at their end, as `wall_time` does.
    """
    try:
        return time.time_ns()
    except OverflowError:
        return _LATEST_NS if time.gmtime().tm_year > _EPOCH_YEAR else -_LATEST_NS


def command_began_s() -> float:
    """The monotonic second at which this command was started, for waits that its caller bounds.

    Nothing tells it exactly. The processor time used so far is a lower bound of its age, and no
    more than a part of it can have been used by what called exec(2) to become this command.
    """
    return time.monotonic() - min(time.process_time(), MOST_START_UP_S)


def sleep_s(seconds: float) -> None:
    """Do nothing for a while: between two looks at what announces nothing."""
    time.sleep(seconds)
