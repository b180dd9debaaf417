"""A fork of this process that does some work, answers over a pipe and can be killed.

A fork, and not a new interpreter: a check may have reinstalled packages since the run began, and
what judges it must be what was loaded before the first check started. No thread of ours may be
inside RE2 at that moment, for its locks would be copied as they are: RE2 runs here or in the task
that forks (ADR 0091).
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from vibeguard.system.detach import in_a_child_with_pipe, signal_when_orphaned
from vibeguard.system.ending_signals import ENDING_OR_QUIT, do_nothing
from vibeguard.system.rundir.files import write_all

MOST_BYTES = 64 << 20  # of an answer
_PIPE = 3


def start_answering(work: Callable[[Callable[[bytes], None]], None]) -> tuple[int, int]:
    """Start a process that does the work; its id, and the descriptor to read the answer from.

    The work is called with a function that writes a piece of the answer; the end of file ends it. A
    process that ends without an answer has failed. Raises OSError when there is no process to be
    had.
    """
    return in_a_child_with_pipe(partial(_answer, work))


def end_answering(pid: int, reader: int) -> None:
    """Kill and reap: what SIGKILL has hit is gone in the time that its memory takes."""
    os.close(reader)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _answer(work: Callable[[Callable[[bytes], None]], None], writer: int) -> None:
    """The child: it keeps no descriptor of the run, least of all the log's."""
    signal.set_wakeup_fd(-1)
    for number in ENDING_OR_QUIT:
        # The parent decides how long this process lives; commands would inherit `SIG_IGN`.
        signal.signal(number, do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_OR_QUIT)
    os.dup2(writer, _PIPE)
    os.closerange(_PIPE + 1, os.sysconf("SC_OPEN_MAX"))
    with suppress(OSError, AttributeError):
        signal_when_orphaned(signal.SIGKILL)
    work(partial(write_all, _PIPE))
