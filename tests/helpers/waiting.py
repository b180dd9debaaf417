"""Waiting for what announces itself to nobody."""

import time
from collections.abc import Callable

from vibeguard.system.process import proc

PATIENCE_S = 60.0  # only a hang takes as long
PAUSE_S = 0.005


def wait_until(
    condition: Callable[[], bool],
    otherwise: str = "nothing happened",
    *,
    patience_s: float = PATIENCE_S,
) -> None:
    """Return once `condition` holds. If it never does, that is a failure that says `otherwise`."""
    give_up = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up, otherwise
        time.sleep(PAUSE_S)


def is_gone(pid: int) -> bool:
    """Whether nothing runs under this pid.

    One that has ended may wait to be reaped for ever: an executor that a test has opened makes the
    test process the parent of orphans.
    """
    stat = proc.stat_of(pid)
    return stat is None or stat.is_dead
