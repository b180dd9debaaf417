"""No history hangs, and nothing that goes wrong in a thread of it is lost."""

import gc
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HANG_S = 60.0  # of real time; a history takes some milliseconds


class Hangs(BaseException):
    """Nobody but who runs histories may catch it, so it is no `Exception`."""


@contextmanager
def watchdog() -> Iterator[None]:
    """Raise `Hangs` in whatever the main thread does after `HANG_S`, again and again."""

    def bark(*_: Any) -> None:
        raise Hangs(f"it is not over after {HANG_S:g} s")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, HANG_S, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def errors_of_threads() -> Iterator[list[str]]:
    """What threads have raised meanwhile that nobody caught."""
    found: list[str] = []

    def note(error: threading.ExceptHookArgs) -> None:
        found.append("".join(traceback.format_exception(error.exc_value)))

    before, threading.excepthook = threading.excepthook, note
    try:
        yield found
    finally:
        threading.excepthook = before


def forget_tasks() -> None:
    """What a loop that broke off has left must not go on in a later history."""
    kept, sys.unraisablehook = sys.unraisablehook, lambda _: None
    gc.collect()
    sys.unraisablehook = kept
