"""The calls of the simulated kernel: what the supervisor may ask of the machine and its processes.

Descriptors begin where no real one is.
"""

import errno
import json
import os
import signal
from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

from tests.simulation.machine import HESITATION_NS, PAUSING_NS
from tests.simulation.proc_files import ProcFiles
from tests.simulation.processes import Pipe, Process

FIRST_DESCRIPTOR = 1 << 20


class Kernel(ProcFiles):
    """All that is outside of the supervisor, but for the disk."""

    def __init__(self, rng: Random, *, most_pids: int = 400, slow: bool = True) -> None:
        super().__init__(rng, most_pids=most_pids, slow=slow)
        self._next_descriptor = FIRST_DESCRIPTOR
        self._next_inode = 7000

    def posix_spawn(
        self, path: str, arguments: list[bytes], environment: Mapping[bytes, bytes], **how: Any
    ) -> int:
        """Start a command: its last word, but for files, is its programs, one an attempt."""
        if how.get("setsid"):
            self.fail("setsid")
        self.fail("posix_spawn")
        check = environment[b"VIBEGUARD_CHECK"].decode()
        number = int(environment[b"VIBEGUARD_ATTEMPT"])
        process = self._add(self._number(), self.processes[self.us], f"{check}.{number}")
        if how.get("setsid"):
            process.group = process.session = process.pid
        elif "setpgroup" in how:
            process.group = process.pid
        words = [*arguments, b"vibeguard"]
        at = words.index(b"vibeguard")  # files come after that
        programs = json.loads(words[at - 1])
        process.program = programs[min(number, len(programs)) - 1]
        process.command, process.files = words[at - 1].decode(), words[at + 1 : -1]
        process.environment = dict(environment)
        process.pipe = self._pipe_of(how["file_actions"][1][1])
        process.pipe.writers += 1
        self.lead(check, number, process)
        self._go_on(process, self.rng.randrange(100_000, 3_000_000))
        return process.pid

    def _number(self) -> int:
        """A free number for a command; where there are few, none may be left."""
        try:
            return self._new_pid()
        except OSError:
            self.reached["no number for a command"] += 1
            raise

    def wait4(self, pid: int, options: int) -> tuple[int, int, Any]:
        """Reap one child of ours; never blocks."""
        process = self._child(pid)
        if process.alive:
            return 0, 0, None
        process.parent = self.processes[self.us]
        process.reaped_ns = self.now_ns
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
        if process.owner == "stranger" and self._has_just_looked(pid):
            self.reached["a number is given again between look and signal"] += 1
            return  # without a descriptor nobody can do better
        self._told(process, number)

    def _has_just_looked(self, pid: int) -> bool:
        """Whether the last thing that the supervisor did before was to look whose number it is.

        And this was somebody else's then: what it sees to be a stranger it has to leave alone.
        """
        looked = self.looked.get(pid)
        return looked is not None and self.calls - looked[0] <= 1 and looked[1] != "stranger"

    def waitid(self, _: int, pid: int, options: int) -> None:
        """Wait for a child, which has ended: a thread is woken only then."""
        self._child(pid)

    def has_gone(self, pid: int) -> bool:
        """Whether nothing alive has the number."""
        process = self.processes.get(pid)
        return process is None or not process.alive

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
        if self.hesitates and self.rng.random() < 0.2:
            self.reached["a long time between look and signal"] += 1
            self.advance_by(HESITATION_NS)
        before = self.processes.get(pid)
        none = any(number == errno.ENOSYS for number, _, _ in self.faults.get("pidfd_open", ()))
        if before is None or before.watched or none:
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
        if number == signal.SIGTERM:  # and not just when it stopped, since it was looked at
            stopped_ns = self.now_ns - process.stopped_ns
            process.may_not_obey = process.state == "T" and stopped_ns > PAUSING_NS
        refused = {
            number
            for call in ("kill", "pidfd_send_signal")
            for number, *_ in self.faults.get(call, ())
        }
        if number == signal.SIGKILL and errno.EPERM not in refused:
            self._look_at_the_killed(process)
        self._signal(process, number)

    def _look_at_the_killed(self, process: Process) -> None:
        """Nothing below it can flee, and what was stopped could obey SIGTERM before."""
        who = f"{process.owner} ({process.pid}) is killed"
        if any(child.state == "S" and not child.stuck for child in process.children):
            self.violations.append(f"{who} before what it started was stopped")
        if process.may_not_obey and process.state == "T" and signal.SIGTERM in process.pending:
            self.violations.append(f"{who}, and was never woken to obey SIGTERM")

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
            self._notify()  # at the last one, who reads is told of the end
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
