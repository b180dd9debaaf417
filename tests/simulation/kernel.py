"""A simulated kernel: processes, numbers, pipes, descriptors of processes, /proc, and the time.

Nothing here is real: descriptors begin where no real one is, and numbers are looked up here alone.
Every call takes a little time, in which the processes go on: one may fork, exit or be stopped
between any two looks of the supervisor. `rng` decides how much.

A process does what its program says, an operation after the other:

    ["sleep", s]           ["write", bytes]        ["exit", code]          ["die", "SIGSEGV"]
    ["term", "ignore"]     ["term", code]          ["stop"]                ["stuck", s]
    ["fork", program, [how...]]                    "setsid" "setpgid" "close" (its output) "unmarked"

`stuck` is uninterruptible sleep: no signal ends it before. A program that ends exits with 0.
"""

import copy
import errno
import heapq
import json
import os
import signal
from collections.abc import Callable, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

FIRST_DESCRIPTOR = 1 << 20
TICK_NS = 10_000_000
SECOND_NS = 1_000_000_000
PIPE_BYTES = 1 << 16
FEW_PIDS = 20  # where there are so few, numbers are given again at once
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
        self.stuck = False
        self.pending: list[int] = []
        self.turn = 0  # an event of an earlier turn is void
        self.left_ns = 0  # of the sleep that a stop interrupted
        self.due_ns = 0
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


class Kernel:
    """All that is outside of the supervisor, but for the disk."""

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
        self._slow = slow
        self._most_pids = most_pids
        self._last_pid = 100
        self._given: dict[int, int] = {}
        self._events: list[tuple[int, int, str, Any]] = []
        self._order = 0
        self._descriptors: dict[int, Any] = {}
        self._next_descriptor = FIRST_DESCRIPTOR
        self._next_inode = 7000
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
        self.now_ns += cost
        while self._events and self._events[0][0] <= self.now_ns:
            _, _, kind, what = heapq.heappop(self._events)
            getattr(self, kind)(what)

    def fail(self, call: str) -> None:
        """Raise what the call is to fail with at this moment, if it is."""
        self.spend()
        for number, start, end in self.faults.get(call, ()):
            if start <= self.now_ns < end:
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
        stands = self.paused_ns is not None and self.now_ns > self.paused_ns + PAUSING_NS
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
        self._signal(process, signal.SIGSTOP)

    def _do_fork(self, process: Process, program: list[Any], how: list[str]) -> None:
        try:
            child = self._add(self._new_pid(), process, process.owner)
        except OSError:
            return  # a shell says "cannot fork" and goes on
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
            self.later(2 * TICK_NS, "take_number", process.pid)

    def take_number(self, pid: int) -> None:
        """Somebody else gets the number of one that has just gone."""
        if pid not in self.processes:
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

    def snapshot(self) -> "Kernel":
        """The same processes once more, from here on on their own: there the supervisor may die."""
        kept = self.wake, self.call, self.on_signal, self._events
        self.wake, self.call, self.on_signal = _nothing, _nothing, _nothing
        self._events = [event for event in self._events if event[2] != "call"]
        heapq.heapify(self._events)
        copied = copy.deepcopy(self)
        self.wake, self.call, self.on_signal, self._events = kept
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
            if each.alive and each.owner not in {"", "stranger"} and owner in {"", each.owner}
        ]

    def die(self) -> None:
        """The supervisor is killed, and what it leaves falls to the front."""
        us = self.processes[SUPERVISOR]
        self.subreapers.discard(SUPERVISOR)
        self._exit(us, signal.SIGKILL)
        self.us = FRONT
        self._descriptors.clear()
        self.wake = self.call = _nothing

    # Calls.

    def posix_spawn(
        self, path: str, arguments: list[bytes], environment: Mapping[bytes, bytes], **how: Any
    ) -> int:
        """Start a command: its last word is its programs, one an attempt."""
        if how.get("setsid"):
            self.fail("setsid")
        self.fail("posix_spawn")
        check = environment[b"VIBEGUARD_CHECK"].decode()
        number = int(environment[b"VIBEGUARD_ATTEMPT"])
        process = self._add(self._new_pid(), self.processes[self.us], f"{check}.{number}")
        if how.get("setsid"):
            process.group = process.session = process.pid
        elif "setpgroup" in how:
            process.group = process.pid
        programs = json.loads(arguments[-1])
        process.program = programs[min(number, len(programs)) - 1]
        process.command = arguments[-1].decode()
        process.environment = dict(environment)
        process.pipe = self._pipe_of(how["file_actions"][1][1])
        process.pipe.writers += 1
        if (check, number) in self.leaders:
            self.violations.append(f"attempt {number} of {check} was started twice")
        self.leaders[check, number] = process
        self._go_on(process, self.rng.randrange(100_000, 3_000_000))
        return process.pid

    def wait4(self, pid: int, options: int) -> tuple[int, int, Any]:
        """Reap one child of ours; never blocks."""
        process = self._child(pid)
        if process.alive:
            return 0, 0, None
        process.parent = self.processes[self.us]
        self._bury(process)
        return pid, process.status, SimpleNamespace(ru_utime=0.0, ru_stime=0.0, ru_maxrss=0)

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        """The same by its older name; of a group, where the number is negative."""
        self.spend()
        if pid < 0:
            ours = [p for p in self.processes[self.us].children if p.group == -pid]
            if not ours:
                raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
            pid = next((p.pid for p in ours if not p.alive), 0)
            if not pid:
                return 0, 0
        done, status, _ = self.wait4(pid, options)
        return done, status

    def _child(self, pid: int) -> Process:
        self.spend()
        process = self.processes.get(pid)
        if process is None or process not in self.processes[self.us].children:
            raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
        return process

    def kill(self, pid: int, number: int) -> None:
        """Signal a process by its number: whatever has that number now."""
        self.fail("kill")
        process = self.processes.get(pid)
        if process is None:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        self._told(process, number)

    def killpg(self, group: int, number: int) -> None:
        """Signal a group."""
        self.fail("kill")
        members = [p for p in self.processes.values() if p.group == group]
        if not members:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        for process in members:
            self._told(process, number)

    def pidfd_open(self, pid: int) -> int:
        """A descriptor that holds the very process; for a new child one has been kept back."""
        before = self.processes.get(pid)
        if before is None or before.watched:
            self.fail("pidfd_open")
        self.spend()
        process = self.processes.get(pid)
        if process is None:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        process.watched = True
        return self._open(process)

    def pidfd_send_signal(self, descriptor: int, number: int) -> None:
        """Signal the process that a descriptor holds."""
        self.fail("pidfd_send_signal")
        process: Process = self._descriptors[descriptor]
        if self.processes.get(process.pid) is not process:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        self._told(process, number)

    def _told(self, process: Process, number: int) -> None:
        """We signal a process: one that is ours to signal."""
        if process.owner in {"", "stranger"} and number:
            self.violations.append(f"signal {number} was sent to a stranger ({process.pid})")
            return
        if number in {signal.SIGTERM, signal.SIGKILL} and process.alive:
            self.on_signal()
        self._signal(process, number)

    # Descriptors.

    def _open(self, what: Any) -> int:
        self._next_descriptor += 1
        self._descriptors[self._next_descriptor] = what
        return self._next_descriptor

    def pipe(self) -> tuple[int, int]:
        """A pipe: the end to read from, the end to write to."""
        self.fail("pipe")
        self._next_inode += 1
        made = Pipe(self._next_inode)
        return self._open(made), self._open((made,))

    def _pipe_of(self, descriptor: int) -> Pipe:
        found: Pipe = self._descriptors[descriptor][0]
        return found

    def inode_of(self, descriptor: int) -> int:
        """What /proc shows of a pipe."""
        return int(self._descriptors[descriptor].inode)

    def close(self, descriptor: int) -> None:
        """Give a descriptor up."""
        what = self._descriptors.pop(descriptor)
        if isinstance(what, tuple):
            what[0].writers -= 1
        elif isinstance(what, Pipe):
            what.open = False

    def readv(self, descriptor: int, buffers: list[Any]) -> int:
        """Read what is there; BlockingIOError when nothing is."""
        self.spend()
        pipe = self._descriptors[descriptor]
        if not pipe.readable:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        count = min(len(pipe.content), len(buffers[0]))
        buffers[0][:count] = pipe.content[:count]
        del pipe.content[:count]
        return count

    def waiting(self, descriptor: int) -> int:
        """How many bytes are in a pipe."""
        self.spend()
        return len(self._descriptors[descriptor].content)

    def readable(self, descriptor: int) -> bool:
        """Whether a reactor would be told of the descriptor."""
        what = self._descriptors.get(descriptor)
        if isinstance(what, Process):
            return not what.alive
        return what is not None and what.readable

    # /proc.

    def open_proc(self, path: str) -> int:
        """Open a file of /proc."""
        self.read_proc(path)
        return self._open([path, 0])

    def read(self, descriptor: int, count: int) -> bytes:
        """Read on in a file of /proc."""
        file = self._descriptors[descriptor]
        data = self.pread(descriptor, count, file[1])
        file[1] += len(data)
        return data

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        """Read in a file of /proc, whose content is made at each look."""
        return self.read_proc(self._descriptors[descriptor][0])[offset : offset + count]

    def read_proc(self, path: str) -> bytes:
        """The text of a file of /proc."""
        self.fail("proc")
        words = path.split("/")[2:]
        if words[0] == "sys":
            return b"00000000-0000-4000-8000-000000000000\n"
        process = self._named(words[0], path)
        match words[1:]:
            case ["stat"]:
                return self._stat(process)
            case ["environ"]:
                pairs = process.environment.items() if process.alive else ()
                return b"".join(b"%s=%s\0" % pair for pair in pairs)
            case ["cmdline"]:
                return process.command.encode() if process.alive else b""
            case ["status"]:
                return b"NSpid:\t%d\nVmHWM:\t 4096 kB\n" % process.pid
            case ["task", thread, "children"]:
                listed = process.children if thread == str(process.pid) else []
                return b"".join(b"%d " % child.pid for child in listed)
            case ["wchan"]:
                return b"do_nanosleep"
            case ["syscall"]:
                return b"running"
        raise refuse(errno.ENOENT, path)

    def list_proc(self, path: str) -> list[str]:
        """The names in a folder of /proc."""
        self.spend()
        words = path.split("/")[2:]
        if not words:
            return [str(pid) for pid in self.processes]
        if words[1:] == ["task"]:
            return [str(self._named(words[0], path).pid)]
        return []

    def link_of(self, path: str) -> str:
        """What a link of /proc points to."""
        self.spend()
        words = path.split("/")[2:]
        if words == ["self"]:
            return str(self.us)
        process = self._named(words[0], path)
        if process.alive and process.pipe is not None and words[1] == "fd":
            return f"pipe:[{process.pipe.inode}]"
        return "/dev/null"

    def session_of(self, pid: int) -> int:
        """getsid(2)."""
        return self._named(str(pid or self.us), None).session

    def group_of(self, pid: int) -> int:
        """getpgid(2)."""
        return self._named(str(pid or self.us), None).group

    def _named(self, word: str, path: str | None) -> Process:
        pid = self.us if word == "self" else int(word)
        process = self.processes.get(pid)
        if process is None:
            raise refuse(errno.ENOENT, path)
        return process

    def _stat(self, process: Process) -> bytes:
        parent = process.parent.pid if process.parent else 0
        state = "D" if process.stuck else process.state
        zeros = "0 " * 6
        head = f"{process.pid} (a (b) c) {state} {parent} {process.group} {process.session} 0 0 0 "
        rest = f"0 0 0 0 0 0 0 0 0 0 1 0 {process.start} "
        return (head + rest + zeros * 4 + "1 1 1 1 1").encode()
