"""The guardian of a worker: ends what the worker leaves behind, and the worker that stands still.

It is the process that was started; the worker is its child. It needs no broker and no Trio, so that
nothing that a check does to the worker can keep it from ending what runs.
"""

import math
import mmap
import os
import signal
from collections.abc import Callable, Collection
from select import PIPE_BUF, select
from typing import Final

from vibeguard.core.names import ExitCode
from vibeguard.core.pool.worker import ENDING_S
from vibeguard.system import clock
from vibeguard.system.ending_signals import do_nothing, not_ignored
from vibeguard.system.process.exits import signal_name
from vibeguard.system.process.process_tree import become_subreaper
from vibeguard.system.process.sweep import kill_descendants

LOOK_S: Final = 0.25
# The worker itself begins to end what has no lease earlier; this is for one that does not.
BEGINS_S: Final = ENDING_S / 2


class LeasePage:
    """When everything must have ended: one number in memory that worker and guardian share.

    Made before the fork, written by the worker, read by the guardian. A page and not a pipe: a
    worker that is stopped writes nothing, and a guardian that is stopped lets nothing fill up.
    Seconds of the monotonic clock, which is one for all processes of a machine.
    """

    def __init__(self) -> None:
        # `struct` would write zeros first, which the guardian would take for a lease long over.
        self._page = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
        self.set(None)

    def set(self, ends_s: float | None) -> None:
        """The first started attempt has to be gone by then; None: there is none."""
        self._page[0] = math.inf if ends_s is None else ends_s

    def ends_s(self) -> float:
        """When everything has to be gone; infinity while nothing runs."""
        return self._page[0]


def guard(work: Callable[[LeasePage], int], say: Callable[[str], None]) -> int:
    """Run `work` in a child process and watch over it; its exit code, or 3 if it was killed.

    `say` tells people why it was. Signals that stop a worker begin blocked in the child, which
    unblocks them when it is ready for them.
    """
    page = LeasePage()
    handled = not_ignored()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *handled})
    become_subreaper()
    worker = os.fork()
    if worker == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os._exit(work(page))
    status, stood_still = _watch(worker, page, _coming({signal.SIGCHLD, *handled}))
    kill_descendants()
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    ended = f"its process was ended by {signal_name(os.WTERMSIG(status))}"
    say("it stood still until its leases were nearly over" if stood_still else ended)
    return ExitCode.INCOMPLETE


def _coming(numbers: Collection[signal.Signals]) -> int:
    """A pipe with a byte for each of these signals that comes, its number.

    CPython's `sigtimedwait` returns one that nobody sent after a stop that is longer than its time.
    """
    received, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    for number in numbers:
        signal.signal(number, do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    return received


def _watch(worker: int, page: LeasePage, received: int) -> tuple[int, bool]:
    """Until the worker has ended; its wait status, and whether it stood still and was ended here.

    Signals go on to it.
    """
    while True:
        left_s = page.ends_s() - BEGINS_S - clock.monotonic_s()
        came, _, _ = select([received], [], [], max(0.0, min(LOOK_S, left_s)))
        for number in os.read(received, PIPE_BUF) if came else b"":
            if number != signal.SIGCHLD:
                os.kill(worker, number)
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            return status, False
        # The run gives these attempts up and may start them elsewhere: better no worker than two
        # that write the same (ADR 0113).
        if clock.monotonic_s() >= page.ends_s() - BEGINS_S:
            os.kill(worker, signal.SIGKILL)
            return os.waitpid(worker, 0)[1], True
