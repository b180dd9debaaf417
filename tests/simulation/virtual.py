"""Virtual time under Trio: its clock, what wakes its tasks, and what happens between their steps."""

import math
from collections.abc import Callable

import trio

from tests.simulation.kernel import Kernel
from tests.simulation.processes import SECOND_NS
from vibeguard.system.supervisor.run_clock import PausingClock

MOST_VIRTUAL_S = 900.0
LOOKS = 2


class Stuck(Exception):
    """Nothing can happen any more, or the run goes on for ever."""


class VirtualClock(PausingClock):
    """The clock of a run, on which waiting is letting the world go on."""

    def __init__(self, kernel: Kernel, steps: "Steps", start_ns: int) -> None:
        super().__init__(start_ns, lambda: kernel.now_ns)
        self._kernel = kernel
        self._steps = steps
        self._looked_at, self._looks = -1, 0

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing can run: something of the world happens, or the deadline comes.

        Not before Trio has looked whether a pipe or a signal wakes a task, for these are real: twice,
        since the end of a pipe that nobody waits for any more may be all that one look shows.
        """
        seconds = super().deadline_to_sleep_time(deadline)
        if self._looked_at != self._steps.count:
            self._looked_at, self._looks = self._steps.count, 0
        if self._looks < LOOKS:
            self._looks += 1
            return 0
        kernel = self._kernel
        if kernel.now_ns > self.start_ns + MOST_VIRTUAL_S * SECOND_NS:
            raise Stuck(f"the run is not over after {MOST_VIRTUAL_S:g} virtual seconds")
        if seconds > 0:
            kernel.woken = False
            bound = min(seconds, MOST_VIRTUAL_S + 1)
            kernel.advance(kernel.now_ns + math.ceil(bound * SECOND_NS) + 1)
        return 0


class Reactor:
    """Calls back whoever has something to read in the simulated kernel."""

    def __init__(self, nursery: trio.Nursery, kernel: Kernel) -> None:
        self._kernel = kernel
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._scope = trio.CancelScope()
        self._woken = trio.Event()
        kernel.wake = self._wake
        nursery.start_soon(self._run)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back when the descriptor is readable."""
        self._callbacks[descriptor] = callback
        self._woken.set()

    def unwatch(self, descriptor: int) -> None:
        """Forget the descriptor."""
        self._callbacks.pop(descriptor, None)

    def close(self) -> None:
        """Forget everything and end the task."""
        self._callbacks.clear()
        self._scope.cancel()

    def _wake(self) -> None:
        self._woken.set()

    async def _run(self) -> None:
        with self._scope:
            while True:
                await self._woken.wait()
                self._woken = trio.Event()
                for descriptor in list(self._callbacks):
                    callback = self._callbacks.get(descriptor)
                    if callback is not None and self._kernel.readable(descriptor):
                        callback()
                        if self._kernel.readable(descriptor):
                            self._woken.set()


class Steps(trio.abc.Instrument):
    """Lets things happen at a checkpoint: before so many steps of tasks."""

    def __init__(self) -> None:
        self.due: dict[int, list[Callable[[], None]]] = {}
        self.count = 0

    def before_task_step(self, _: trio.lowlevel.Task) -> None:
        """A task is about to go on."""
        self.count += 1
        for happen in self.due.pop(self.count, ()):
            happen()
