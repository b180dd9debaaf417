"""One run of `watch`: a process of its own, which is the front of the run as any `run` is one.

So all that holds of a run holds here: its guardian, its signals, its seal. What has been imported
already is there at once: a run starts in milliseconds.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from importlib import import_module

import msgspec

from vibeguard.core.watch.machine import RunEnded
from vibeguard.system.detach import in_a_child_with_pipe, signal_when_orphaned
from vibeguard.system.front.early import FOR_SUPERVISORS, HELD_BACK, IMPORTED_ONCE
from vibeguard.system.front.signals import leave_to_the_parent
from vibeguard.system.rundir.files import write_all
from vibeguard.system.supervisor.lean_trio import import_trio

_CHUNK = 1 << 16

Body = Callable[[], RunEnded]


def import_for_runs() -> None:
    """Import what fronts and supervisors need, once for all runs."""
    import_trio()
    for shared in (*IMPORTED_ONCE, *FOR_SUPERVISORS):
        import_module(shared)


class RunProcess(msgspec.Struct):
    """The other process. `descriptor` is readable until it has ended."""

    descriptor: int
    pid: int
    said: bytes = b""

    def cancel(self, name: str) -> None:
        """Pass a signal on, by its name: the run is cancelled, and by a second one killed."""
        os.kill(self.pid, signal.Signals[name])

    def read(self) -> RunEnded | None:
        """How it ended; None while it goes on. Without a word of its own there is no verdict."""
        data = os.read(self.descriptor, _CHUNK)
        if data:
            self.said += data
            return None
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)
        return msgspec.json.decode(self.said, type=RunEnded) if self.said else RunEnded(None)


def start_run(body: Body) -> RunProcess:
    """Have `body` carry out a run in a process of its own, which ends with this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    pid, report = in_a_child_with_pipe(partial(_carry_out, body, os.getpid()))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return RunProcess(report, pid)


def _carry_out(body: Body, parent: int, report: int) -> None:
    """The child. Signals are held back until the front of the run takes them over.

    A front that is killed ends its checks within a second; so does this one with its parent.
    """
    leave_to_the_parent()
    signal_when_orphaned(signal.SIGKILL)
    if os.getppid() == parent:
        write_all(report, msgspec.json.encode(body()))
