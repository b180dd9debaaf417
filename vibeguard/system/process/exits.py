"""Learn of a child's exit through a descriptor, and reap that child and no other.

Linux gives a pidfd. Elsewhere a thread waits for the one child and closes a pipe when it is gone:
the reader cannot tell the difference. Nothing ever waits for "any child".
"""

import errno
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Self

from msgspec import Struct

from vibeguard.system.process import proc


class ExitStatus(Struct, frozen=True):
    """How a child ended: a code, or the name of the signal that ended it, and what it used.

    `max_rss_bytes` is the kernel's figure, which for a vforked child starts at its spawner's peak.
    """

    exit_code: int | None
    signal: str
    cpu_user_ns: int
    cpu_system_ns: int
    max_rss_bytes: int


UNKNOWN = ExitStatus(None, "", 0, 0, 0)
"""The status of a child that somebody else has reaped."""


class ExitWatch:
    """One child of ours. `descriptor` becomes readable when it has ended."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.descriptor = descriptor

    def reap(self) -> ExitStatus | None:
        """Take the exit status of a child that has ended; None while it runs. Never blocks."""
        return reap(self.pid)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)


class ThreadedExitWatch(ExitWatch):
    """The same where there is no pidfd: a thread waits for the child and closes a pipe.

    The thread is there before the child: once the command runs, nothing can fail any more.
    """

    def __init__(self, descriptor: int, closed_at_exit: int) -> None:
        from queue import SimpleQueue  # noqa: PLC0415 - seldom needed; Trio has it by then

        super().__init__(0, descriptor)
        self._closed_at_exit = closed_at_exit
        self._status: ExitStatus | None = None
        self._given = SimpleQueue[int]()

    @classmethod
    def begin(cls) -> Self:
        """Start the thread; raises OSError or RuntimeError when no pipe or no thread can be had."""
        descriptor, closed_at_exit = os.pipe()
        watch = cls(descriptor, closed_at_exit)
        try:
            threading.Thread(target=watch._wait, name="wait for a child", daemon=True).start()
        except RuntimeError:
            os.close(descriptor)
            os.close(closed_at_exit)
            raise
        return watch

    def watch(self, pid: int) -> None:
        """Have the thread wait for this child; for 0 it ends."""
        self.pid = pid
        self._given.put(pid)

    def _wait(self) -> None:
        pid = self._given.get()
        if pid and hasattr(os, "waitid"):  # whoever asks takes the status, as with a pidfd
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        elif pid:
            try:
                self._status = _status(*os.wait4(pid, 0)[1:])
            except ChildProcessError:
                self._status = UNKNOWN
        os.close(self._closed_at_exit)

    def reap(self) -> ExitStatus | None:
        """The status that the thread took, once it has, or that is there to be taken."""
        return reap(self.pid) if self._status is None and hasattr(os, "waitid") else self._status


@cache
def has_pidfd() -> bool:
    """Whether this system gives descriptors of processes: tried, since a sandbox may refuse."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except AttributeError:
        return False
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return True


def own_peak_bytes() -> int:
    """The largest resident size that this process has had."""
    return _bytes_of(resource.getrusage(resource.RUSAGE_SELF))


def reap(pid: int) -> ExitStatus | None:
    """Reap this child if it has ended; None while it runs, `UNKNOWN` if it is no child of ours."""
    try:
        done, status, usage = os.wait4(pid, os.WNOHANG)
    except ChildProcessError:
        return UNKNOWN
    return _status(status, usage) if done else None


def signal_name(number: int) -> str:
    """`SIGTERM` for 15; `SIG40` for what has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def signal_number(name: str) -> int:
    """15 for `SIGTERM`: what `signal_name` made a name of."""
    number = name.removeprefix("SIG")
    return int(number) if number.isdigit() else int(signal.Signals[name])


def _status(status: int, usage: resource.struct_rusage) -> ExitStatus:
    signalled = os.WIFSIGNALED(status)
    return ExitStatus(
        exit_code=None if signalled else os.WEXITSTATUS(status),
        signal=signal_name(os.WTERMSIG(status)) if signalled else "",
        cpu_user_ns=round(usage.ru_utime * 1e9),
        cpu_system_ns=round(usage.ru_stime * 1e9),
        max_rss_bytes=_bytes_of(usage),
    )


def _bytes_of(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


# The peak memory of a command, as far as it can be known (docs/adr/0031): the kernel's figure for a
# child starts at the peak of the process that spawned it, so it says something about the command
# only where it is clearly above our own peak.


class OwnPeak:
    """Our own peak, read only when a figure might be above it."""

    def __init__(self) -> None:
        self._bytes = 0

    def is_exceeded_by(self, peak_bytes: int) -> bool:
        """Whether a child's figure cannot come from this process.

        The kernel counts pages in batches per CPU: an eighth is allowed for that.
        """
        if peak_bytes <= self._bytes + self._bytes // 8:
            return False
        own = proc.peak_memory_bytes(os.getpid()) or own_peak_bytes()
        self._bytes = max(self._bytes, own)
        return peak_bytes > self._bytes + self._bytes // 8


def largest_peak_bytes(pids: Iterable[int]) -> int:
    """The largest peak among these processes at this moment; 0 where nothing tells."""
    return max((proc.peak_memory_bytes(pid) or 0 for pid in pids), default=0)
