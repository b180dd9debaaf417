"""What a session needs of its machine: the time, an executor, forks."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from vibeguard.system.executors.local import LocalExecutor, open_local_executor
from vibeguard.system.executors.outside import sleep_outside
from vibeguard.system.supervisor.forked import in_fork
from vibeguard.system.supervisor.run_clock import PausingClock

# Does work where it can be killed, in so many seconds at most: what `in_fork` promises.
Fork = Callable[[Callable[[], bytes], float], Awaitable[bytes]]
# The same, told first whom to tell of the process: the executor, which reaps all others.
ForkSparing = Callable[[Callable[[int], None], Callable[[], bytes], float], Awaitable[bytes]]


class StartClock(Protocol):
    """Makes Trio's clock for a run."""

    def __call__(self, *, start_ns: int) -> PausingClock:
        """The clock of a run that began at `start_ns` (monotonic)."""


class Host(NamedTuple):
    """The machine as it is. The simulation has one of its own (tests/simulation)."""

    clock: StartClock = PausingClock
    sleep_outside: Callable[[float], Awaitable[None]] = sleep_outside
    open_executor: Callable[[], AbstractAsyncContextManager[LocalExecutor]] = open_local_executor
    in_fork: ForkSparing = in_fork
