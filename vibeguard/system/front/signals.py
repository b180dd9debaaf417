"""Signals of the front as readable bytes, so that one loop hears of everything.

CPython writes the number of each signal to the wakeup descriptor (signal.set_wakeup_fd); the
handlers themselves do nothing.
"""

import os
import signal
from types import FrameType

SAME_SIGNAL_S = 0.25
EXIT_CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
_HEARD = (*EXIT_CODES, signal.SIGTSTP, signal.SIGWINCH, signal.SIGCHLD)


class Signals:
    """Hears SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH and SIGCHLD, except what was ignored."""

    def __init__(self) -> None:
        """Take over the signals, and let those come that were held back since the start."""
        self.descriptor, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in _HEARD:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _heard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def received(self) -> list[signal.Signals]:
        """The signals that have come since the last call, in order."""
        try:
            return [signal.Signals(number) for number in os.read(self.descriptor, 256)]
        except BlockingIOError:
            return []

    def hold_back(self) -> None:
        """Let no signal through any more, since the exit code is decided.

        CPython gives signals their default action back while it shuts down.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_CODES)


class Presses:
    """Tells a second signal from the echo of the first: wrappers deliver Ctrl-C twice."""

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self._first_at = 0.0

    def press(self, number: signal.Signals, now: float) -> bool | None:
        """True for the first signal, False for a second, None for an echo within 250 ms."""
        if self.first is None:
            self.first, self._first_at = number, now
            return True
        return None if now - self._first_at < SAME_SIGNAL_S else False


def stop_here() -> None:
    """Stop as Ctrl-Z asks, since a handler took the place of the default; returns after `fg`."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _heard(_: int, __: FrameType | None) -> None:
    """The wakeup descriptor has told the loop already."""
