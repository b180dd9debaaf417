"""Single keys from the terminal, without echo and without waiting for Enter."""

import contextlib
import os
import sys
import termios
from typing import Any, Final

from vibeguard.core.watch.machine import Key

_END_OF_INPUT: Final = b"\x04"  # Ctrl-D: a character like any other while keys are read
_STDIN: Final = 0


class Keys:
    """The keyboard, if standard input is the terminal that this process has in the foreground."""

    def __init__(self) -> None:
        """Nothing is read, and nothing changed, before `take`."""
        self._before: list[Any] | None = None

    @property
    def descriptor(self) -> int | None:
        """Readable when a key was pressed; None where there is no keyboard."""
        return None if self._before is None else _STDIN

    def take(self) -> None:
        """Have keys come one by one from now on; signals (Ctrl-C, Ctrl-Z) stay signals."""
        if self._before is not None or not _is_ours():
            return
        with contextlib.suppress(termios.error):
            before = termios.tcgetattr(_STDIN)
            changed = termios.tcgetattr(_STDIN)
            changed[3] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, changed)
            self._before = before

    def give_back(self) -> None:
        """The terminal is as it was."""
        if self._before is not None:
            with contextlib.suppress(termios.error):  # it has gone
                termios.tcsetattr(_STDIN, termios.TCSADRAIN, self._before)
            self._before = None

    def read(self) -> list[Key] | None:
        """The keys that mean something; None when no more can come."""
        try:
            data = os.read(_STDIN, 64)
        except OSError:
            return None
        if not data:
            return None
        if _END_OF_INPUT in data:
            return [Key.QUIT]
        meant = {key.value: key for key in Key}
        return [meant[one] for one in data.decode("ascii", "replace").lower() if one in meant]


def _is_ours() -> bool:
    """Whether there is a keyboard, and asking it would not stop a background job."""
    if sys.stdin is None or not os.isatty(_STDIN):
        return False
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:
        return False
