"""Where the product meets the system, and what stands there while it is simulated.

The seam is the system call: every module of `vibeguard.system` gets, under the names of these
modules, something that knows of the simulated kernel and disk and is the real module in all else.
No list of modules can be forgotten: whoever knows `os` is found. Clock, executor and forks are
handed in (`supervisor.host.Host`).

Trio shuffles its tasks with a generator of its own, `trio._core._run._r`, which no public name
reaches; it sorts them before only where it believes to be under Hypothesis, which registers that
same generator. Both are pinned here and nowhere else.
"""

import ctypes
import fcntl
import os
import posixpath
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import trio

from tests.simulation.disk import Disk
from tests.simulation.kernel import FIRST_DESCRIPTOR, Kernel
from tests.simulation.machine import INIT, SECOND_NS, SUPERVISOR
from vibeguard.system import clock
from vibeguard.system.journal import follow
from vibeguard.system.process import exits, proc
from vibeguard.system.reuse import moment
from vibeguard.system.supervisor import reusing as _imported_late  # noqa: F401
from vibeguard.system.vouching import exchange, witness
from vibeguard.system.vouching.statement import peer_of

FOLDER = b"/simulated"  # what keys call the folder of a history


class _Module:
    """The real module, but for what a subclass says."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Path(_Module):
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


class _Os(_Module):
    """Stands for `os`: processes and /proc are simulated, files are on the simulated disk."""

    def __init__(self, kernel: Kernel, disk: Disk, rng: Random) -> None:
        super().__init__(os)
        self._kernel, self._disk = kernel, disk
        self.path: _Module = _Path(kernel)
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


class _PathOfKeys(_Module):
    """`os.path` for the keys of checks, of which the folder is a part: the same in every process."""

    def __init__(self, root: str) -> None:
        super().__init__(posixpath)
        self._root = root.encode()

    def realpath(self, path: Any) -> Any:
        real = posixpath.realpath(path)
        return real.replace(self._root, FOLDER) if isinstance(real, bytes) else real


class _Signal(_Module):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(signal)
        self.pidfd_send_signal = kernel.pidfd_send_signal


class _Fcntl(_Module):
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


class _Resource(_Module):
    """Descriptors have other limits here: `Kernel.faults` of `pipe`."""

    def getrlimit(self, _: int) -> tuple[int, int]:
        return resource.RLIM_INFINITY, resource.RLIM_INFINITY


class _Select(_Module):
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


class _Ctypes(_Module):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(ctypes)
        library = _Library(kernel)
        self.CDLL = lambda *_, **__: library


class _Library(_Module):
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


class _Threading(_Module):
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


class _Clock(_Module):
    """The wall clock runs with the other one, from `wall_ns` on."""

    def __init__(self, kernel: Kernel, wall_ns: int) -> None:
        super().__init__(clock)
        self.monotonic_ns = lambda: kernel.now_ns
        self.monotonic_s = lambda: kernel.now_ns / SECOND_NS
        self.wall_ns = _WallClock(kernel, wall_ns)


class _WallClock(_Module):
    def __init__(self, kernel: Kernel, wall_ns: int) -> None:
        super().__init__(clock.wall_ns)
        self._kernel = kernel
        self._wall_ns = wall_ns

    def __call__(self) -> int:
        """Nanoseconds since the epoch."""
        return self._wall_ns + self._kernel.now_ns


def _is_proc(path: Any) -> bool:
    return isinstance(path, str) and path.startswith("/proc")


def _knowing(real: Any) -> list[tuple[dict[str, Any], str]]:
    """The modules of `vibeguard.system` that know this module by a name of theirs."""
    return [
        (vars(module), name)
        for path, module in list(sys.modules.items())
        if path.startswith("vibeguard.system") and module is not clock
        for name, value in list(vars(module).items())
        if value is real or (isinstance(value, _Module) and vars(value)["_real"] is real)
    ]


PATIENCE_S = 60.0  # two supervisors vouch by real sockets and threads: no verdict by the clock


def _from_elsewhere(connection: Any) -> tuple[int, int]:
    """Who is at the other end, which is real: another supervisor, that no check has started."""
    return INIT, peer_of(connection)[1]


# Of modules, whoever knows them; of the clock's functions, which are imported by name, too.
_REAL = (os, signal, fcntl, resource, select, ctypes, threading, clock, clock.wall_ns)
_PLACES: dict[str, Any] = {}


@contextmanager
def simulated(
    kernel: Kernel, disk: Disk, rng: Random, *, wall_ns: int = 0, root: str = ""
) -> Iterator[None]:
    """All of the product meets this kernel and disk; `wall_ns` is the wall clock when theirs is 0.

    `root` is the folder of the history.
    """
    if _PLACES.get("modules") != len(sys.modules):  # some are imported when they are needed
        _PLACES.update({real.__name__: _knowing(real) for real in _REAL})
        _PLACES["modules"] = len(sys.modules)
    of_clock = _Clock(kernel, wall_ns)
    of_os = _Os(kernel, disk, rng)
    stands: dict[str, Any] = {
        "os": of_os,
        "signal": _Signal(kernel),
        "fcntl": _Fcntl(kernel),
        "resource": _Resource(resource),
        "select": _Select(kernel),
        "ctypes": _Ctypes(kernel),
        "threading": _Threading(kernel),
        clock.__name__: of_clock,
        "wall_ns": of_clock.wall_ns,
    }
    before = [
        (module, name, module[name]) for real in _REAL for module, name in _PLACES[real.__name__]
    ]
    for real in _REAL:
        for module, name in _PLACES[real.__name__]:
            module[name] = stands[real.__name__]
    if root:
        vars(moment)["os"] = of_keys = _Os(kernel, disk, rng)
        of_keys.path = _PathOfKeys(root)
    _forget_what_was_tried()
    vouching = (vars(witness), vars(exchange))
    kept = [dict(module) for module in vouching]
    vouching[0].update(peer_of=_from_elsewhere, _PATIENCE_S=PATIENCE_S)
    vouching[1].update(PATIENCE_S=PATIENCE_S, REFUSED_S=PATIENCE_S)
    try:
        yield
    finally:
        for names, before_it in zip(vouching, kept, strict=True):
            names.update(before_it)
        for module, name, what in before:
            module[name] = what
        _forget_what_was_tried()


@contextmanager
def small_pieces() -> Iterator[None]:
    """A follower gets a few events at a time."""
    before, follow.CHUNK_BYTES = follow.CHUNK_BYTES, 700  # type: ignore[misc]
    try:
        yield
    finally:
        follow.CHUNK_BYTES = before  # type: ignore[misc]


@contextmanager
def task_order(seed: int) -> Iterator[None]:
    """Trio's tasks take turns as this number says."""
    run = trio._core._run
    before = run._ALLOW_DETERMINISTIC_SCHEDULING, run._r.getstate()
    vars(run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    run._r.seed(seed)
    try:
        yield
    finally:
        vars(run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = before[0]
        run._r.setstate(before[1])


def leave_the_loop() -> None:
    """In a fork of a process in which Trio runs: its loop is the other one's, which goes on there."""
    vars(trio._core._run.GLOBAL_RUN_CONTEXT).clear()
    signal.set_wakeup_fd(-1)


def _forget_what_was_tried() -> None:
    """What the system can do is tried once a process: here, once a system."""
    for tried in (proc.is_ours, proc.is_available, exits.has_pidfd):
        tried.cache_clear()
