"""Signals of the front as readable bytes, so that one loop waits for everything.

CPython writes the number of each signal to the wakeup descriptor (signal.set_wakeup_fd); the
handlers themselves do nothing.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

from vibeguard.core.names import SAME_SIGNAL_S, SIGNAL_EXIT_CODES
from vibeguard.system.ending_signals import do_nothing, not_ignored

EXIT_CODES = {signal.Signals[name]: int(code) for name, code in SIGNAL_EXIT_CODES.items()}
Handler = Callable[[int, FrameType | None], object] | int | None  # as `signal.signal` returns it
_TAKEN_OVER = (*EXIT_CODES, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCHLD)


class Signals:
    """What has been taken over: `descriptor` is readable once a signal has come."""

    def __init__(self, descriptor: int, handlers: dict[signal.Signals, Handler]) -> None:
        self.descriptor = descriptor
        self._handlers = handlers

    def dispatch(self, on_signal: Callable[[signal.Signals], None]) -> None:
        """Call `on_signal` for each signal that has come since the last time, in order."""
        try:
            numbers = os.read(self.descriptor, 256)
        except BlockingIOError:
            return
        for number in numbers:
            on_signal(signal.Signals(number))

    def give_back(self) -> None:
        """Let those who handled the signals before do so again."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def hold_back(self) -> None:
        """Let no signal through any more, since the exit code is decided.

        CPython gives signals their default action back while it shuts down.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_CODES)


def take_over_signals() -> Signals:
    """Take over what ends a command, SIGTSTP, SIGWINCH and SIGCHLD, unless it was ignored.

    Those that were held back since the start come now.
    """
    descriptor, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    handlers = {n: signal.signal(n, do_nothing) for n in not_ignored(_TAKEN_OVER)}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TAKEN_OVER)
    return Signals(descriptor, handlers)


def leave_to_the_parent() -> None:
    """In a child of a process that took them over: have nothing to do with them."""
    signal.set_wakeup_fd(-1)
    for number in not_ignored(_TAKEN_OVER):
        signal.signal(number, signal.SIG_DFL)


class SignalCount:
    """Tells a second signal from the echo of the first: wrappers deliver Ctrl-C twice."""

    def __init__(self) -> None:
        self._first_at: float | None = None

    def count(self, now: float) -> int:
        """1 for the first signal, 2 for each later one, 0 for an echo within 250 ms."""
        if self._first_at is None:
            self._first_at = now
            return 1
        return 0 if now - self._first_at < SAME_SIGNAL_S else 2


def stop_here() -> None:
    """Stop as Ctrl-Z asks, since a handler took the place of the default; returns after `fg`."""
    os.kill(os.getpid(), signal.SIGSTOP)
