"""Trees of processes: find all of one, stop it, end it, reap it. Synchronous, and without Trio.

The process that supervises is a subreaper: whatever loses its parent below it becomes its own
child. So a tree whose leader is dead can only hang below children of ours, and one look at their
list proves that nothing is left. That list is exact for us, since only we reap from it; for other
processes it may miss one that moves while it is read, so whoever ends a tree looks again until two
looks agree.
"""

import ctypes
import errno
import os
import signal
import threading
from collections.abc import Callable, Container, Iterable, Iterator

from vibeguard.system.detach import PR_GET_CHILD_SUBREAPER, PR_SET_CHILD_SUBREAPER, prctl
from vibeguard.system.process import proc, unlisted
from vibeguard.system.process.proc import Identity, Stat

FREEZE_ROUNDS = 100
_NO_PIDFD = (errno.ENOSYS, errno.EPERM)

Members = dict[Identity, Stat]
Roots = Callable[[], Iterable[int]]
"""Looks up, each time anew, the processes from which a tree descends."""


def become_subreaper() -> bool:
    """Make orphans below this process its own children; False where the system cannot."""
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0


def is_subreaper() -> bool:
    """Whether orphans below this process become its own children."""
    answer = ctypes.c_int(0)
    told = prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer)) == 0
    return told and answer.value == 1


def stat_of(pid: int) -> Stat | None:
    """What /proc says of a process, or, where it says nothing, what can be asked about a child."""
    return proc.stat_of(pid) if proc.is_ours() else unlisted.stat_of(pid)


def own_session() -> int:
    """The session of this process; 0 where nothing tells."""
    try:
        return os.getsid(0)
    except OSError:  # a sandbox may refuse it as it refuses setsid
        stat = stat_of(os.getpid())
        return 0 if stat is None else stat.session


def own_children() -> list[int]:
    """The children of this process, adopted orphans and zombies too: one read, exact.

    The kernel lists children by the thread that made them, and orphans under the main thread.
    """
    pid = os.getpid()
    if not proc.is_available():
        return unlisted.AskedChildren().read() if is_subreaper() else []
    threads = {pid, threading.get_native_id()}
    listed = [proc.read(f"/proc/{pid}/task/{thread}/children") or b"" for thread in threads]
    return [int(child) for text in listed for child in text.split()]


class ChildList:
    """The same list, through descriptors that stay open: a look costs microseconds.

    Made in the thread that starts the children.
    """

    def __init__(self) -> None:
        pid = os.getpid()
        threads = {pid, threading.get_native_id()} if proc.is_available() else set()
        self._asked = None if threads or not is_subreaper() else unlisted.AskedChildren()
        self._descriptors = [
            os.open(f"/proc/{pid}/task/{thread}/children", os.O_RDONLY) for thread in threads
        ]

    def read(self) -> list[int]:
        """The children of this process at this moment."""
        found: list[int] = [] if self._asked is None else self._asked.read()
        for descriptor in self._descriptors:
            found.extend(map(int, _read_from_start(descriptor).split()))
        return found

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in self._descriptors:
            os.close(descriptor)


def _read_from_start(descriptor: int) -> bytes:
    """All of a file of /proc. One page holds some 500 pids; what ends within it was all of it."""
    text = os.pread(descriptor, 65536, 0)
    if len(text) < 2048:
        return text
    while more := os.pread(descriptor, 65536, len(text)):
        text += more
    return text


def with_descendants(roots: Iterable[int]) -> Members:
    """These processes and everything below them that is there to be seen, zombies too."""
    return {stat.identity: stat for stat in _walk(roots)}


def _walk(roots: Iterable[int], *, known: Container[Identity] = ()) -> Iterator[Stat]:
    """Each process of these trees, once, and only then its children; nothing below the known."""
    seen: set[int] = set()
    pending = list(roots)
    while pending:
        pid = pending.pop()
        stat = None if pid in seen else stat_of(pid)
        seen.add(pid)
        if stat is not None and stat.identity not in known:
            yield stat
            pending.extend(proc.children_of(pid))


def send(identity: Identity, number: int) -> bool:
    """Send a signal to this very process; False when it is gone or not ours to signal.

    The descriptor holds the process, so nothing can take over its pid between look and signal.
    """
    try:
        descriptor = os.pidfd_open(identity.pid)
    except (AttributeError, OSError) as error:  # not on this system; refused; none left
        gone = isinstance(error, OSError) and error.errno in (errno.ESRCH, errno.EINVAL)
        return not gone and _is_there(identity) and _send_by_number(identity, number)
    try:
        if not _is_there(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError as error:
        if error.errno not in _NO_PIDFD:
            return False
        return _send_by_number(identity, number)  # the descriptor still holds the number
    else:
        return True
    finally:
        os.close(descriptor)


def _is_there(identity: Identity) -> bool:
    stat = stat_of(identity.pid)
    return stat is not None and stat.identity == identity


def _send_by_number(identity: Identity, number: int) -> bool:
    """The same without a descriptor: better a pid than a process that is left alive."""
    try:
        os.kill(identity.pid, number)
    except OSError:
        return False
    return True


def freeze(roots: Roots) -> Members:
    """Stop all that descends from `roots` until there is nothing new: nothing can fork away.

    Every process is stopped in the moment in which it is found, before its children are listed:
    what is stopped cannot fork, so only the roots can bring anything new, and a last look at
    everything confirms it. Bounded: what grows beyond all rounds is for the caller's next attempt.
    """
    stopped: Members = {}
    for _ in range(FREEZE_ROUNDS):
        if _stop_new(roots(), stopped, look_again=False):
            continue
        if not _stop_new(roots(), stopped, look_again=True):
            break
    return stopped


def _stop_new(roots: Iterable[int], stopped: Members, *, look_again: bool) -> bool:
    """Stop what is not in `stopped` yet; whether any of it was alive.

    `look_again` descends into what is already stopped, too.
    """
    anything_new = False
    for stat in _walk(roots, known=() if look_again else stopped):
        if stat.identity not in stopped:
            stopped[stat.identity] = stat
            if not stat.is_dead:
                anything_new = send(stat.identity, signal.SIGSTOP) or anything_new
    return anything_new


def kill(roots: Roots) -> Members:
    """Freeze and SIGKILL all that descends from `roots`; returns what was alive and got it."""
    alive = {key: stat for key, stat in freeze(roots).items() if not stat.is_dead}
    return {key: stat for key, stat in alive.items() if send(key, signal.SIGKILL)}


def has_dead_child_of_ours(members: Members) -> bool:
    """Whether one of these waits for us to reap it: it may have left us children not seen yet."""
    own = os.getpid()
    return any(stat.is_dead and stat.parent == own for stat in members.values())


def is_stopped(stat: Stat) -> bool:
    """Whether job control has stopped the process."""
    return stat.state == "T"
