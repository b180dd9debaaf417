"""What stands for modules of the system while it is simulated: the real one in all else."""

import ctypes
import fcntl
import os
import posixpath
import resource
import select
import signal
import sys
import threading
from random import Random
from types import SimpleNamespace
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.kernel import FIRST_DESCRIPTOR, Kernel
from tests.simulation.processes import SECOND_NS, SUPERVISOR
from vibeguard.system import clock
from vibeguard.system.discovery.differing import Named
from vibeguard.system.process import exits
from vibeguard.system.reuse import left_alone

FOLDER = b"/simulated"  # what keys call the folder of a history


class StandIn:
    """The real module, but for what a subclass says."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Path(StandIn):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(posixpath)
        self._kernel = kernel

    def exists(self, path: str) -> bool:
        if not _is_proc(path):
            return posixpath.exists(path)
        try:
            self._kernel.read_proc(path)
        except OSError:
            return False
        return True


class OsStandIn(StandIn):
    """Stands for `os`: processes and /proc are simulated, files are on the simulated disk."""

    def __init__(self, kernel: Kernel, disk: Disk, rng: Random) -> None:
        super().__init__(os)
        self._kernel, self._disk = kernel, disk
        self.path: StandIn = _Path(kernel)
        self.urandom = rng.randbytes
        self.posix_spawn = kernel.posix_spawn
        self.wait4, self.waitpid, self.waitid = kernel.wait4, kernel.waitpid, kernel.waitid
        self.kill, self.killpg = kernel.kill, kernel.killpg
        self.pidfd_open = kernel.pidfd_open
        self.pipe, self.readv = kernel.pipe, kernel.readv
        self.getsid, self.getpgid = kernel.session_of, kernel.group_of
        self.write, self.fsync, self.fdatasync = disk.write, disk.sync, disk.sync

    def getpid(self) -> int:
        return self._kernel.us

    def chdir(self, path: Any) -> None:
        """A simulated command runs in no folder."""

    def set_blocking(self, descriptor: int, how: bool) -> None:
        if descriptor < FIRST_DESCRIPTOR:
            os.set_blocking(descriptor, how)

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if _is_proc(path):
            return self._kernel.open_proc(path)
        name = os.fsdecode(path)
        self._disk.create(name, flags)
        descriptor = os.open(path, flags, mode, dir_fd=dir_fd)
        self._disk.opened(name, descriptor, flags)
        return descriptor

    def close(self, descriptor: int) -> None:
        if descriptor >= FIRST_DESCRIPTOR:
            self._kernel.close(descriptor)
            return
        self._disk.closed(descriptor)
        os.close(descriptor)

    def read(self, descriptor: int, count: int) -> bytes:
        if descriptor >= FIRST_DESCRIPTOR:
            return self._kernel.read(descriptor, count)
        return os.read(descriptor, count)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        if descriptor >= FIRST_DESCRIPTOR:
            return self._kernel.pread(descriptor, count, offset)
        return os.pread(descriptor, count, offset)

    def fstat(self, descriptor: int) -> Any:
        if descriptor >= FIRST_DESCRIPTOR:
            return SimpleNamespace(st_ino=self._kernel.inode_of(descriptor))
        return os.fstat(descriptor)

    def stat(self, path: Any, **how: Any) -> Any:
        if _is_proc(path):
            self._kernel.session_of(int(path.split("/")[2]))
            return SimpleNamespace(st_uid=os.geteuid())
        return os.stat(path, **how)

    def listdir(self, path: Any) -> list[str]:
        return self._kernel.list_proc(path) if _is_proc(path) else os.listdir(path)

    def readlink(self, path: Any) -> str:
        return self._kernel.link_of(path) if _is_proc(path) else os.readlink(path)

    def unlink(self, path: str, **how: Any) -> None:
        self._disk.unlinked(os.fsdecode(path))
        os.unlink(path, **how)


class TreeStandIn(StandIn):
    """Stands for `left_alone`, which asks git: the tree is what processes have edited of it."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(left_alone)
        self._kernel = kernel

    def look(self, *_: Any) -> left_alone.Look:
        return left_alone.Look(Named(), settings=tuple(self._kernel.edits))

    def changed_since_look(self, *arguments: Any) -> tuple[list[bytes], str]:
        before: left_alone.Look = arguments[2]
        return self._kernel.edits[len(before.settings) :], ""


class PathOfKeys(StandIn):
    """`os.path` for the keys of checks, of which the folder is a part: the same in every process."""

    def __init__(self, root: str) -> None:
        super().__init__(posixpath)
        self._root = root.encode()

    def realpath(self, path: Any) -> Any:
        real = posixpath.realpath(path)
        return real.replace(self._root, FOLDER) if isinstance(real, bytes) else real


class SignalStandIn(StandIn):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(signal)
        self.pidfd_send_signal = kernel.pidfd_send_signal


class FcntlStandIn(StandIn):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(fcntl)
        self._kernel = kernel

    def ioctl(self, descriptor: int, *arguments: Any) -> Any:
        if descriptor < FIRST_DESCRIPTOR:
            return fcntl.ioctl(descriptor, *arguments)
        return self._kernel.waiting(descriptor).to_bytes(4, sys.byteorder)

    def fcntl(self, descriptor: int, *arguments: Any) -> Any:
        if descriptor >= FIRST_DESCRIPTOR:
            raise OSError
        return fcntl.fcntl(descriptor, *arguments)


class ResourceStandIn(StandIn):
    """Descriptors have other limits here: `Kernel.faults` of `pipe`."""

    def getrlimit(self, _: int) -> tuple[int, int]:
        return resource.RLIM_INFINITY, resource.RLIM_INFINITY


class SelectStandIn(StandIn):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(select)
        self._kernel = kernel

    def select(self, *arguments: Any) -> Any:
        """A wait for nothing is a sleep."""
        if any(arguments[:3]):
            return select.select(*arguments)
        self._kernel.woken = False
        self._kernel.advance(self._kernel.now_ns + arguments[3] * SECOND_NS)
        return [], [], []


class CtypesStandIn(StandIn):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(ctypes)
        library = _Library(kernel)
        self.CDLL = lambda *_, **__: library


class _Library(StandIn):
    """prctl(2), which makes this process a subreaper or tells whether it is one."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(ctypes.CDLL(None, use_errno=True))
        self._kernel = kernel

    def prctl(self, option: int, *_: Any) -> int:
        if option != 36:
            raise NotImplementedError(option)
        try:
            self._kernel.fail("prctl")
        except OSError:
            return -1
        self._kernel.subreapers.add(SUPERVISOR)
        return 0


class ThreadingStandIn(StandIn):
    """A thread that waits for a child, where there is no pidfd, is simulated."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(threading)
        self._kernel = kernel

    def Thread(self, *, target: Any, **how: Any) -> Any:  # noqa: N802 - the name of the real one
        """A thread."""
        if isinstance(target.__self__, exits.ThreadedExitWatch):
            return _Thread(self._kernel, target)
        return threading.Thread(target=target, **how)


class _Thread:
    """Runs in one go when the child of its `ThreadedExitWatch` has ended: it never blocks then."""

    def __init__(self, kernel: Kernel, target: Any) -> None:
        self._kernel = kernel
        self._target = target
        self._given = vars(target.__self__)["_given"]

    def start(self) -> None:
        """Begin to wait. RuntimeError: no thread is to be had."""
        try:
            self._kernel.fail("thread")
        except OSError as error:
            raise RuntimeError(str(error)) from error
        self._kernel.threads.append(self._look)
        self._kernel.wake_threads()

    def _look(self) -> bool:
        if self._given.empty():  # the child is not there yet
            self._kernel.later(SECOND_NS // 1000, "wake_threads", None)
            return False
        pid = self._target.__self__.pid
        if pid and not self._kernel.has_gone(pid):
            return False
        self._kernel.reached["a thread waits for a child"] += 1
        self._target()
        return True


class ClockStandIn(StandIn):
    """The wall clock runs with the other one, from `wall_ns` on."""

    def __init__(self, kernel: Kernel, wall_ns: int) -> None:
        super().__init__(clock)
        self.monotonic_ns = lambda: kernel.now_ns
        self.monotonic_s = lambda: kernel.now_ns / SECOND_NS
        self.wall_ns = _WallClock(kernel, wall_ns)


class _WallClock(StandIn):
    def __init__(self, kernel: Kernel, wall_ns: int) -> None:
        super().__init__(clock.wall_ns)
        self._kernel = kernel
        self._wall_ns = wall_ns

    def __call__(self) -> int:
        """Nanoseconds since the epoch."""
        return self._wall_ns + self._kernel.now_ns


def _is_proc(path: Any) -> bool:
    return isinstance(path, str) and path.startswith("/proc")
