"""One run of `watch`: a process of its own, which is the front of the run as any `run` is one.

So all that holds of a run holds here: its guardian, its signals, its seal. What has been imported
already is there at once: a run starts in milliseconds.
"""

import os
import signal
from collections.abc import Callable
from importlib import import_module

import msgspec

from vibeguard.core.watch.machine import RunEnded
from vibeguard.system.detach import signal_when_orphaned
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
    report_read, report_write = os.pipe()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    pid = os.fork()
    if pid == 0:
        os.close(report_read)
        _in_the_child(body, report_write, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(report_write)
    return RunProcess(report_read, pid)


def _in_the_child(body: Body, report: int, parent: int) -> None:
    """Never returns. Signals are held back until the front of the run takes them over."""
    try:
        leave_to_the_parent()
        _end_with(parent)
        write_all(report, msgspec.json.encode(body()))
    finally:
        os._exit(0)


def _end_with(parent: int) -> None:
    """A front that is killed ends its checks within a second; so does this one with its parent."""
    signal_when_orphaned(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
