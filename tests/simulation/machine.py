"""A simulated machine: its processes, their numbers, what they do, and the time.

Nothing here is real: numbers are looked up here alone. Every call takes a little time, in which the
processes go on: one may fork, exit or be stopped between any two looks of the supervisor. `rng`
decides how much.

A process does what its program says, an operation after the other:

    ["sleep", s]           ["write", bytes]        ["exit", code]          ["die", "SIGSEGV"]
    ["term", "ignore"]     ["term", code]          ["stop"]                ["stuck", s]
    ["put", name, text or tests]                   ["edit"] (a file of the tree)
    ["fork", program, [how...]]                    "setsid" "setpgid" "close" (its output) "unmarked"

`stuck` is uninterruptible sleep: no signal ends it before. A program that ends exits with 0.
"""

import copy
import heapq
import math
import signal
from collections.abc import Callable
from random import Random
from typing import Any, Self

from tests.simulation.passing_time import nothing
from tests.simulation.processes import (
    FRONT,
    INIT,
    SECOND_NS,
    SUPERVISOR,
    TICK_NS,
    Process,
)
from tests.simulation.reports import Writers

PIPE_BYTES = 1 << 16
FEW_PIDS = 20  # where there are so few, numbers are given again at once
HESITATION_NS = 14_000_000  # longer than a tick: whoever is meant may be somebody else by then
PAUSING_NS = 100_000_000  # to find and stop all that is there
_STOPS = (signal.SIGSTOP, signal.SIGTSTP)


class Machine(Writers):
    """Processes and the time; `kernel.Kernel` adds what the supervisor may ask of them."""

    def __init__(self, rng: Random, *, most_pids: int = 400, slow: bool = True) -> None:
        super().__init__(rng, most_pids=most_pids, slow=slow)
        self.violations: list[str] = []
        self.leaders: dict[tuple[str, int], Process] = {}
        self.wake: Callable[[], None] = nothing
        self.on_signal: Callable[[], None] = nothing
        self.wrote: dict[str, int] = {}  # attempt -> bytes that its processes gave to its pipe
        self.paused_ns: int | None = None  # since when all attempts should stand still
        self.over: set[str] = set()  # attempts that have ended: what they left is let go
        self.looked: dict[int, tuple[int, str]] = {}  # number -> call of the last look, owner
        self.hesitates = False
        self.remote_pausing_ns = math.inf  # until workers have heard of a pause
        self.threads: list[Callable[[], bool]] = []  # that wait for a child; whether one is done
        self._descriptors: dict[int, Any] = {}
        init = self._add(INIT, None, "")
        front = self._add(FRONT, init, "")
        us = self._add(SUPERVISOR, front, "")
        us.group = us.session = SUPERVISOR
        self.subreapers = {FRONT}
        self.us = SUPERVISOR

    def _notify(self) -> None:
        self.woken = True
        self.wake()

    # Processes.

    def stranger(self, _: Any = None) -> None:
        """A process of somebody else takes the next number for a while."""
        self._be_stranger(self._add(self._new_pid(), self.processes[INIT], "stranger"))

    def _be_stranger(self, process: Process) -> None:
        process.group = process.session = process.pid
        process.program = [["sleep", self.rng.uniform(0.1, 3)]]
        self._go_on(process, 0)

    def _go_on(self, process: Process, delay_ns: int) -> None:
        process.turn += 1
        process.due_ns = self.now_ns + delay_ns
        self.later(delay_ns, "_step", (process, process.turn))

    def _step(self, which: tuple[Process, int]) -> None:
        """The next operation of a process, unless it has been overtaken by something else."""
        process, turn = which
        if turn != process.turn or process.state != "S":
            return
        if process.stuck:
            process.stuck = False
            waiting, process.pending = process.pending, []
            for number in waiting:
                self._signal(process, number)
            if process.state != "S":  # dead, or stopped as it was asked to be meanwhile
                return
        if process.at >= len(process.program):
            self._exit(process, 0)
            return
        pausing_ns = self.remote_pausing_ns if process.remote else PAUSING_NS
        stands = self.paused_ns is not None and self.now_ns > self.paused_ns + pausing_ns
        stands = stands and self.now_ns > process.continued_ns + pausing_ns
        theirs = process.owner != "stranger" and process.owner not in self.over
        if stands and theirs and process.is_found:
            self.violations.append(f"{process.owner} ({process.pid}) runs in a pause")
        operation, *arguments = process.program[process.at]
        process.at += 1
        delay_ns = getattr(self, f"_do_{operation}")(process, *arguments)
        if process.state == "S":
            self._go_on(process, self.rng.randrange(2000, 200_000) + (delay_ns or 0))

    def _do_sleep(self, _: Process, seconds: float) -> int:
        return round(seconds * SECOND_NS)

    def _do_stuck(self, process: Process, seconds: float) -> int:
        process.stuck = True
        self.reached["a process cannot be killed for a while"] += 1
        return round(seconds * SECOND_NS)

    def _do_write(self, process: Process, count: int) -> int | None:
        pipe = process.pipe
        if pipe is None:
            return None
        if not pipe.open:
            self._signal(process, signal.SIGPIPE)
            return None
        room = min(PIPE_BYTES - len(pipe.content), count)
        if room:
            text = b"%s says %d\n" % (process.owner.encode(), count)
            pipe.content += (text * (room // len(text) + 1))[:room]
            self.wrote[process.owner] = self.wrote.get(process.owner, 0) + room
            self._notify()
        if room < count:  # the pipe is full: go on when there is room
            process.at -= 1
            process.program = [*process.program]
            process.program[process.at] = ["write", count - room]
            return 5_000_000
        return None

    def _do_exit(self, process: Process, code: int) -> None:
        self._exit(process, code << 8)

    def _do_die(self, process: Process, name: str) -> None:
        self._exit(process, int(signal.Signals[name]))

    def _do_term(self, process: Process, how: str | int) -> None:
        process.on_term = how

    def _do_stop(self, process: Process) -> None:
        self.reached["a process stops itself"] += 1
        self._signal(process, signal.SIGSTOP)

    def _do_fork(self, process: Process, program: list[Any], how: list[str]) -> None:
        try:
            child = self._add(self._new_pid(), process, process.owner)
        except OSError:
            self.reached["no number for a fork"] += 1
            return  # a shell says "cannot fork" and goes on
        for each in how:
            self.reached[f"a child goes away: {each}"] += 1
        child.program, child.command = program, process.command
        child.environment = {} if "unmarked" in how else process.environment
        if "setsid" in how:
            child.group = child.session = child.pid
        elif "setpgid" in how:
            child.group = child.pid
        if "close" not in how and process.pipe is not None:
            child.pipe = process.pipe
            child.pipe.writers += 1
        self._go_on(child, self.rng.randrange(50_000, 2_000_000))

    def _exit(self, process: Process, status: int) -> None:
        process.state, process.status = "Z", status
        if process.pipe is not None:
            process.pipe.writers -= 1
            if not process.pipe.writers:
                self._notify()
        heir = self._heir(process)
        if process.children and heir.pid == SUPERVISOR:
            self.reached["orphans are adopted"] += 1
        for child in process.children:
            child.parent = heir
            heir.children.append(child)
            if not child.alive and heir.pid == INIT:
                self._bury(child)
        process.children = []
        parent = process.parent.pid if process.parent else INIT
        if parent == INIT or (
            parent > SUPERVISOR and self.rng.random() < 0.7
        ):  # some leave zombies
            self._bury(process)
        if any(file is process for file in self._descriptors.values()):
            self._notify()
        if self.threads:
            self.later(self.rng.randrange(1000, 3_000_000), "wake_threads", None)

    def wake_threads(self, _: Any = None) -> None:
        """Threads of the supervisor look whether what they wait for has ended."""
        self.threads = [thread for thread in self.threads if not thread()]

    def _heir(self, process: Process) -> Process:
        above = process.parent
        while above is not None and (above.pid not in self.subreapers or not above.alive):
            above = above.parent
        return above or self.processes[INIT]

    def _bury(self, process: Process) -> None:
        if process.parent is not None and process in process.parent.children:
            process.parent.children.remove(process)
        self.processes.pop(process.pid, None)
        if self._most_pids < FEW_PIDS and process.owner != "stranger":
            tick_ns = TICK_NS - self.now_ns % TICK_NS  # a start in the same tick could not be told
            self.later(tick_ns, "take_number", process.pid)

    def take_number(self, pid: int) -> None:
        """Somebody else gets the number of one that has just gone."""
        if pid not in self.processes:
            self.reached["a number is given again"] += 1
            self._be_stranger(self._add(pid, self.processes[INIT], "stranger"))

    def _signal(self, process: Process, number: int) -> None:
        if not process.alive or number == 0:
            return
        if process.stuck:
            process.pending.append(number)
        elif number == signal.SIGKILL:
            self._exit(process, number)
        elif number in _STOPS:
            if process.state == "S":
                process.left_ns = max(process.due_ns - self.now_ns, 0)
                process.turn += 1
                process.state, process.stopped_ns = "T", self.now_ns
        elif number == signal.SIGCONT:
            if process.state == "T":
                process.state, process.continued_ns = "S", self.now_ns
                waiting, process.pending = process.pending, []
                self._go_on(process, process.left_ns)
                for each in waiting:
                    self._signal(process, each)
        elif process.state == "T":
            process.pending.append(number)
        elif process.on_term == "die" or number != signal.SIGTERM:
            self._exit(process, number)
        elif process.on_term != "ignore":
            self._exit(process, int(process.on_term) << 8)

    def snapshot(self) -> Self:
        """The same processes once more, from here on on their own: there the supervisor may die."""
        kept = self.wake, self.call, self.on_signal, self._events
        self.wake, self.call, self.on_signal = nothing, nothing, nothing
        self._events = [event for event in self._events if event[2] != "call"]
        heapq.heapify(self._events)
        threads, self.threads = self.threads, []
        copied = copy.deepcopy(self)
        self.wake, self.call, self.on_signal, self._events = kept
        self.threads = threads
        copied.folder = ""  # its processes write no more
        return copied

    def alive_of(self, owner: str) -> list[Process]:
        """The processes that belong to an attempt, or to any for an empty name."""
        return [
            each
            for each in self.processes.values()
            if each.alive and not each.remote
            if each.owner not in {"", "stranger"} and owner in {"", each.owner}
        ]

    def lead(self, check: str, number: int, process: Process) -> None:
        """The command of an attempt is running: for the only time."""
        if (check, number) in self.leaders:
            self.violations.append(f"attempt {number} of {check} was started twice")
        before = self.leaders.get((check, number - 1))
        # No front kills what nobody has cancelled; a worker that cannot be heard may be late then.
        killed = self.reached["kill"] + self.reached["kill, at a checkpoint"]
        late = before is not None and before.remote and killed > 0
        if before is not None and before.alive and not late:
            self.violations.append(f"attempt {number} of {check} starts beside the one before it")
        self.leaders[check, number] = process

    def add_remote(self, owner: str) -> Process:
        """A process on another machine."""
        process = self._add(self._new_pid(), self.processes[INIT], owner)
        process.remote = True
        process.group = process.session = process.pid
        self._go_on(process, self.rng.randrange(100_000, 3_000_000))
        return process

    def signal_remote(self, process: Process, number: int) -> None:
        """Somebody there signals it."""
        self._signal(process, number)

    def die(self) -> None:
        """The supervisor is killed, and what it leaves falls to the front."""
        us = self.processes[SUPERVISOR]
        self.subreapers.discard(SUPERVISOR)
        self._exit(us, signal.SIGKILL)
        self.us = FRONT
        self._descriptors.clear()
        self.wake = self.call = nothing
