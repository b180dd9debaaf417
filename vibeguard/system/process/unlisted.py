"""Children of this process where no /proc of ours lists them: found by asking the kernel for each.

`waitid` with WNOWAIT (waitid(2)) tells of any number whether it is a child of ours, and whether it
has ended, and changes nothing. A child is younger than its parent, and the numbers given since then
end at that of the youngest thread: a handful in a new pid namespace, more on a busy machine.
"""

import os
import threading
from itertools import chain

from vibeguard.system.process.proc import Identity, Stat, is_in_use, read

MOST_PIDS = 1 << 22  # PID_MAX_LIMIT, where numbers begin anew
GUESSED_PIDS = 1000
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT if hasattr(os, "waitid") else 0


def stat_of(pid: int) -> Stat | None:
    """A child of ours, alive or not yet reaped; None for any other number.

    Nobody but us reaps it, so its number is its own as long as it is one: no start time is needed.
    """
    ended = _ended(pid)
    if ended is None:
        return None
    try:
        group, session = os.getpgid(pid), os.getsid(pid)
    except OSError:
        group = session = 0
    return Stat(
        identity=Identity(pid, 0),
        state="Z" if ended else "",
        parent=os.getpid(),
        group=group,
        session=session,
        cpu_ns=0,
        name="a child without a name to be seen",
    )


class AskedChildren:
    """The children of this process: each look asks for new numbers, and again for those in use.

    What is in use and no child of ours may become one: an orphan.
    """

    def __init__(self) -> None:
        self._next = os.getpid() + 1
        self._in_use: set[int] = set()

    def read(self) -> list[int]:
        """All children at this moment, zombies too."""
        found: list[int] = []
        in_use: set[int] = set()
        for pid in chain(sorted(self._in_use), self._new_numbers()):
            if _ended(pid) is not None:
                found.append(pid)
                in_use.add(pid)
            elif is_in_use(pid):
                in_use.add(pid)
        self._in_use = in_use
        return found

    def _new_numbers(self) -> chain[int]:
        """The numbers that were given since the last look; they may have begun anew."""
        first, newest = self._next, _newest_number(self._next)
        self._next = newest + 1
        if first <= newest:
            return chain(range(first, newest))
        return chain(range(first, _most_pids()), range(1, newest))


def _most_pids() -> int:
    """Where numbers begin anew: mostly far earlier than they could, and each costs a call."""
    told = read("/proc/sys/kernel/pid_max")
    return int(told) if told and told.strip().isdigit() else MOST_PIDS


def _newest_number(first: int) -> int:
    """The number of a thread that is made for it; without threads, a guess beyond `first`."""
    told: list[int] = []
    thread = threading.Thread(target=lambda: told.append(threading.get_native_id()))
    try:
        thread.start()
    except RuntimeError:
        return first + GUESSED_PIDS
    thread.join()
    return told[0]


def _ended(pid: int) -> bool | None:
    """Whether a child of ours has ended; None for what is no child of ours."""
    if not _LOOK:
        return None
    try:
        return os.waitid(os.P_PID, pid, _LOOK) is not None
    except (ChildProcessError, OverflowError):
        return None
