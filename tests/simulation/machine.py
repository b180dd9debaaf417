"""A simulated machine: its processes, their numbers, what they do, and the time.

Nothing here is real: numbers are looked up here alone. Every call takes a little time, in which the
processes go on: one may fork, exit or be stopped between any two looks of the supervisor. `rng`
decides how much.

A process does what its program says, an operation after the other:

    ["sleep", s]           ["write", bytes]        ["exit", code]          ["die", "SIGSEGV"]
    ["term", "ignore"]     ["term", code]          ["stop"]                ["stuck", s]
    ["fork", program, [how...]]                    "setsid" "setpgid" "close" (its output) "unmarked"

`stuck` is uninterruptible sleep: no signal ends it before. A program that ends exits with 0.
"""

import copy
import errno
import heapq
import math
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Self

TICK_NS = 10_000_000
SECOND_NS = 1_000_000_000
PIPE_BYTES = 1 << 16
FEW_PIDS = 20  # where there are so few, numbers are given again at once
HESITATION_NS = 14_000_000  # longer than a tick: whoever is meant may be somebody else by then
PAUSING_NS = 100_000_000  # to find and stop all that is there
INIT, FRONT, SUPERVISOR = 1, 2, 3
_STOPS = (signal.SIGSTOP, signal.SIGTSTP)


def _nothing(*_: Any) -> None:
    """Nobody is told."""


def refuse(number: int, path: str | None = None) -> OSError:
    """The error that the system would raise."""
    return OSError(number, os.strerror(number), path)


class Pipe:
    """What a command writes into, and the supervisor reads from."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.content = bytearray()
        self.writers = 1  # our own end, until it is closed
        self.open = True

    @property
    def readable(self) -> bool:
        return bool(self.content) or not self.writers


class Process:
    """One process. `owner` is the attempt that it belongs to, whatever it tells of itself."""

    def __init__(self, pid: int, start: int, parent: "Process | None", owner: str) -> None:
        self.pid, self.start, self.parent, self.owner = pid, start, parent, owner
        self.children: list[Process] = []
        self.group = self.session = pid
        self.state = "S"
        self.program: list[Any] = []
        self.at = 0
        self.command = ""
        self.environment: Mapping[bytes, bytes] = {}
        self.pipe: Pipe | None = None
        self.on_term: str | int = "die"
        self.status = 0
        self.reaped_ns: int | None = None  # when the supervisor was told of its end
        self.stuck = False
        self.pending: list[int] = []
        self.turn = 0  # an event of an earlier turn is void
        self.left_ns = 0  # of the sleep that a stop interrupted
        self.due_ns = 0
        self.remote = False  # it runs on another machine
        self.watched = parent is None or parent.pid != SUPERVISOR

    @property
    def alive(self) -> bool:
        return self.state != "Z"

    @property
    def is_traceable(self) -> bool:
        """Whether anything of it tells whose it is: else it belongs to nobody until the end."""
        return bool(self.environment) or self.pipe is not None

    @property
    def is_found(self) -> bool:
        """Whether whoever looks for all of an attempt finds it: by what it descends from."""
        top = self
        while top.parent is not None and top.parent.pid > SUPERVISOR:
            top = top.parent
        return top.is_traceable


class Machine:
    """Processes and the time; `kernel.Kernel` adds what the supervisor may ask of them."""

    def __init__(self, rng: Random, *, most_pids: int = 400, slow: bool = True) -> None:
        self.rng = rng
        self.now_ns = 1_000 * SECOND_NS
        self.faults: dict[str, list[tuple[int, int, int]]] = {}  # call -> errno, from, until
        self.violations: list[str] = []
        self.leaders: dict[tuple[str, int], Process] = {}
        self.wake: Callable[[], None] = _nothing
        self.call: Callable[[Any], None] = _nothing
        self.on_signal: Callable[[], None] = _nothing
        self.wrote: dict[str, int] = {}  # attempt -> bytes that its processes gave to its pipe
        self.paused_ns: int | None = None  # since when all attempts should stand still
        self.over: set[str] = set()  # attempts that have ended: what they left is let go
        self.woken = False
        self.calls = 0
        self.reached: Counter[str] = Counter()  # what went wrong or was out of the ordinary
        self.looked: dict[
            int, tuple[int, str]
        ] = {}  # number -> the call of the last look, its owner
        self.hesitates = False
        self.remote_pausing_ns = math.inf  # until workers have heard of a pause
        self.threads: list[Callable[[], bool]] = []  # that wait for a child; whether one is done
        self._slow = slow
        self._most_pids = most_pids
        self._last_pid = 100
        self._given: dict[int, int] = {}
        self._events: list[tuple[int, int, str, Any]] = []
        self._order = 0
        self._descriptors: dict[int, Any] = {}
        self.processes: dict[int, Process] = {}
        init = self._add(INIT, None, "")
        front = self._add(FRONT, init, "")
        us = self._add(SUPERVISOR, front, "")
        us.group = us.session = SUPERVISOR
        self.subreapers = {FRONT}
        self.us = SUPERVISOR

    # Time.

    def later(self, delay_ns: int, kind: str, what: Any) -> None:
        """Something happens after a while; `kind` is a method of ours, or `call`."""
        self._order += 1
        heapq.heappush(self._events, (self.now_ns + delay_ns, self._order, kind, what))

    def advance(self, until_ns: float) -> None:
        """Let time pass until then, or until something woke the supervisor."""
        while self._events and self._events[0][0] <= until_ns and not self.woken:
            at, _, kind, what = heapq.heappop(self._events)
            self.now_ns = max(self.now_ns, at)
            getattr(self, kind)(what)
        if not self.woken:
            self.now_ns = max(self.now_ns, int(until_ns))

    def spend(self) -> None:
        """A call takes some time, seldom a long one, and the others go on meanwhile."""
        self.calls += 1
        cost = self.rng.getrandbits(13)
        if self._slow and cost < 40:
            cost = 30_000_000 if cost < 3 else cost * 40_000
            self.reached["a call takes long"] += 1
        self.advance_by(cost)

    def advance_by(self, lasting_ns: int) -> None:
        """Nothing wakes the supervisor, which is busy, and the others go on."""
        self.now_ns += lasting_ns
        while self._events and self._events[0][0] <= self.now_ns:
            _, _, kind, what = heapq.heappop(self._events)
            getattr(self, kind)(what)

    def fail(self, call: str) -> None:
        """Raise what the call is to fail with at this moment, if it is."""
        self.spend()
        for number, start, end in self.faults.get(call, ()):
            if start <= self.now_ns < end:
                self.reached[f"{call} fails with {errno.errorcode[number]}"] += 1
                raise refuse(number)

    def _notify(self) -> None:
        self.woken = True
        self.wake()

    # Processes.

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
                process.state = "T"
        elif number == signal.SIGCONT:
            if process.state == "T":
                process.state = "S"
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
        self.wake, self.call, self.on_signal = _nothing, _nothing, _nothing
        self._events = [event for event in self._events if event[2] != "call"]
        heapq.heapify(self._events)
        threads, self.threads = self.threads, []
        copied = copy.deepcopy(self)
        self.wake, self.call, self.on_signal, self._events = kept
        self.threads = threads
        return copied

    def suspend(self, gap_ns: int) -> None:
        """The whole machine stands still, and its clock does not."""
        self.now_ns += gap_ns
        self._events = [(at + gap_ns, order, kind, what) for at, order, kind, what in self._events]

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
        if before is not None and before.alive:
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
        self.wake = self.call = _nothing
