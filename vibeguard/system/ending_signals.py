"""Signals that end programs: which ones, and who has nothing to do with them."""

import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# A session that closes, Ctrl-C, whoever stops services. Ctrl-\ ends the front and the helpers too.
ENDING: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
ENDING_OR_QUIT: Final = (*ENDING, signal.SIGQUIT)
_AGAIN_S: Final = 0.001


def not_ignored(numbers: Iterable[signal.Signals] = ENDING) -> set[signal.Signals]:
    """Those of `numbers` that may be handled: what was ignored at the start (nohup) stays so."""
    return {number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}


def ignore(numbers: Iterable[signal.Signals] = ENDING_OR_QUIT) -> None:
    """Let `numbers` not end this process: who sends them means another one."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def is_like_one(exit_code: int | None, signal_name: str) -> bool:
    """Whether a process has ended as one does that such a signal has reached."""
    return any(n.name == signal_name or n + 128 == exit_code for n in ENDING)


class Stop(KeyboardInterrupt):
    """A signal, named by `args`, on its way out of a command.

    Where it is dropped on the way (by Python in a callback of an import or in a `__del__`, by a
    module in C that takes it for an ImportError), it is raised again a moment later.
    """

    arrived = False

    def __del__(self) -> None:
        if not self.arrived:
            said = self.args

            def raise_again(_number: int, _frame: FrameType | None) -> None:
                raise Stop(*said)  # which no frame may hold: it would not be seen to be dropped

            signal.signal(signal.SIGALRM, raise_again)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let the signals that end a command do so, as a Stop; then everything is as before.

    What was held back comes now.
    """
    numbers = not_ignored()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handlers = {number: signal.signal(number, _interrupt) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, _tell_of_no_stop
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        yield
    except Stop as stop:
        stop.arrived = True
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        sys.unraisablehook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # A second one must not cut the clean-up short. With SIG_IGN, CPython would print a traceback
    # for one that is on its way.
    for each in ENDING_OR_QUIT:
        signal.signal(each, do_nothing)
    raise Stop(signal.Signals(number).name)


def _tell_of_no_stop(dropped: "UnraisableHookArgs") -> None:
    if not isinstance(dropped.exc_value, Stop):
        sys.__unraisablehook__(dropped)


def do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal: that it has come is told otherwise, or of no account any more."""
