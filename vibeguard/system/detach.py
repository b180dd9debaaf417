"""Processes of our own: how one is begun, and leaves the caller's terminal and descriptors behind.

Agents wait for end of file: what outlives a command must hold none of its streams.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from collections.abc import Callable, Collection

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37
# The end of a synchronized update, and the cursor, as live progress begins and hides them.
END_OF_DRAWING = b"\x1b[?2026l\x1b[?25h"


def in_a_child(work: Callable[[], int | None]) -> int:
    """Fork a process that does the work and ends with what it returns, whatever happens; its id.

    Nothing that it raises comes up in the code of the caller a second time. Raises OSError.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return pid


def in_a_child_with_pipe(work: Callable[[int], int | None]) -> tuple[int, int]:
    """The same with a pipe for the work to write into; its id, and the descriptor to read from."""
    reader, writer = os.pipe()

    def child() -> int | None:
        os.close(reader)
        return work(writer)

    try:
        return in_a_child(child), reader
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)


def prctl(option: int, argument: object = 0) -> int:
    """Ask the kernel for something about this process (prctl(2)); -1 if refused, or not Linux."""
    if sys.platform != "linux":
        return -1
    return int(ctypes.CDLL(None).prctl(option, argument, 0, 0, 0))


def leave_terminal(name: bytes) -> None:
    """A session, a name (at most 15 bytes) and null streams of this process's own.

    The name differs from the front's, so that one `pkill` does not hit both.
    """
    leave_session()
    prctl(PR_SET_NAME, ctypes.c_char_p(name))
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)


def terminal_of_the_front() -> int | None:
    """A descriptor of the terminal that the front draws on, if it does; no check inherits it."""
    return os.dup(2) if os.isatty(2) else None


def give_terminal_back(terminal: int | None, reports: int) -> None:
    """Show the cursor that a front which has gone without a word may have hidden.

    `reports` is the pipe that the front alone reads: an error there says that it has gone.
    """
    if terminal is None:
        return
    if has_no_reader(reports):
        os.set_blocking(terminal, False)
        with contextlib.suppress(OSError):
            os.write(terminal, END_OF_DRAWING)


def has_no_reader(pipe: int) -> bool:
    """Whether nobody can read any more what is written into it."""
    poller = select.poll()
    poller.register(pipe, 0)  # an error is always told: no reader is left
    return bool(poller.poll(0))


def leave_session() -> None:
    """A session of our own, or (a sandbox refuses it) a group: Ctrl-C is the front's to pass on."""
    for leave in (os.setsid, os.setpgrp):
        with contextlib.suppress(OSError):
            leave()
            return


def wake_when_orphaned() -> None:
    """A check may stop this process, which then would never learn that its front has gone."""
    signal_when_orphaned(signal.SIGCONT)


def signal_when_orphaned(number: signal.Signals) -> None:
    """Have the kernel send it when the parent dies (prctl(2), PR_SET_PDEATHSIG)."""
    prctl(PR_SET_PDEATHSIG, int(number))


def hide_from_checks() -> None:
    """Keep processes of the same user out of this one's /proc entries and memory (prctl(2)).

    A check could otherwise write to the log through /proc/PID/fd. Root can all the same.
    """
    prctl(PR_SET_DUMPABLE, 0)


def close_inherited(keep: Collection[int]) -> None:
    """Close every descriptor but 0, 1, 2 and those in `keep`."""
    lowest = 3
    for descriptor in sorted(keep):
        os.closerange(lowest, descriptor)
        lowest = max(lowest, descriptor + 1)
    os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))
