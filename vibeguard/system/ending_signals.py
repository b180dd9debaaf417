"""Signals that end programs: which ones, and who has nothing to do with them."""

import signal
from collections.abc import Iterable
from types import FrameType
from typing import Final

# A session that closes, Ctrl-C, whoever stops services. Ctrl-\ ends the front and the helpers too.
ENDING: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
ENDING_OR_QUIT: Final = (*ENDING, signal.SIGQUIT)


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


def do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal: that it has come is told otherwise, or of no account any more."""
