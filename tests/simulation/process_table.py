"""The simulated table of processes: who is there, and who gets which number."""

import errno
from random import Random

from tests.simulation.passing_time import Time
from tests.simulation.processes import TICK_NS, Process, refuse


class Table(Time):
    """The processes by their numbers, of which there are `most_pids`."""

    def __init__(self, rng: Random, *, most_pids: int, slow: bool) -> None:
        super().__init__(rng, slow=slow)
        self.processes: dict[int, Process] = {}
        self._most_pids = most_pids
        self._last_pid = 100
        self._given: dict[int, int] = {}

    def _add(self, pid: int, parent: Process | None, owner: str) -> Process:
        process = Process(pid, self.now_ns // TICK_NS, parent, owner)
        self._given[pid] = process.start
        self.processes[pid] = process
        if parent is not None:
            parent.children.append(process)
            process.group, process.session = parent.group, parent.session
        return process

    def _new_pid(self) -> int:
        """The next free number. It begins anew soon, but never twice within a tick of the clock."""
        for _ in range(2 * self._most_pids):
            self._last_pid = self._last_pid + 1 if self._last_pid < 100 + self._most_pids else 100
            pid, now = self._last_pid, self.now_ns // TICK_NS
            in_use = pid in self.processes or any(
                pid in {each.group, each.session} for each in self.processes.values()
            )
            if not in_use and self._given.get(pid, -1) < now:
                return pid
        raise refuse(errno.EAGAIN)
