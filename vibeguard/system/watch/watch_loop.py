"""The loop of `watch`: what is seen goes to the machine, its moves are carried out."""

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterable
from typing import Any, Final

from vibeguard.core.formats.base import Stream
from vibeguard.core.problems import RunIncomplete
from vibeguard.core.watch.machine import (
    Cancel,
    Interrupted,
    Key,
    Move,
    Quit,
    RunEnded,
    Say,
    Start,
    TreeSeen,
    Watch,
)
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import some
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.signals import EXIT_CODES, stop_here, take_over_signals
from vibeguard.system.watch.looking import Look, Looker, start_looking
from vibeguard.system.watch.run_process import RunProcess, start_run
from vibeguard.system.watch.seen_tree import Tree

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


TURN_S = 60.0  # everything announces itself
PARTING_BOUND_S = 2.0

BodyOf = Callable[[Start], Callable[[], RunEnded]]


class WatchSession:
    """One `vibeguard watch`. `body_of` gives what the process of a run is to do.

    Verdicts go to the descriptor `told_on`: without a reader there, nobody is served any more.
    """

    def __init__(self, tree: Tree, body_of: BodyOf, told_on: int) -> None:
        self._tree = tree
        self._body_of = body_of
        self._told_on = told_on
        self._machine = Watch()
        self._output = Output(may_be_lost=True)
        self._loop = Loop(self._output)
        self._keys = Keys()
        self._looker: Looker | None = None
        self._run: RunProcess | None = None
        self._ended: tuple[int, RunEnded] | None = None  # with the question that it waits for
        self._exit_code: int | None = None

    def run(self) -> int:
        """Watch until somebody ends it; the exit code. Raises RunIncomplete."""
        signals = take_over_signals()
        self._loop.watch(signals.descriptor, lambda: signals.dispatch(self._on_signal))
        self._looker = start_looking(self._tree)
        self._loop.watch(self._looker.descriptor, self._on_looks)
        self._take_keys()
        self._loop.watch_reader(self._told_on, self._on_reader_left)
        try:
            while self._exit_code is None:
                self._loop.turn(monotonic_s() + TURN_S)
                while (move := self._machine.next_move()) is not None:
                    self._carry_out(move)
            self._part()
        finally:
            self._keys.give_back()
            self._looker.end()
        signals.hold_back()
        return self._exit_code

    def _carry_out(self, move: Move) -> None:
        match move:
            case Start():
                self._run = start_run(self._body_of(move))
                self._loop.watch(self._run.descriptor, self._on_report)
            case Cancel():
                if self._run is not None:
                    self._run.cancel(move.signal)
            case Say():
                self._say(_sentence(move.text, move.paths))
            case Quit():
                self._exit_code = move.exit_code

    def _say(self, text: str) -> None:
        self._output.write(Stream.HUMAN, f"vibeguard: {text}\n")

    # What comes in.

    def _on_looks(self) -> None:
        looks = self._looker.read() if self._looker is not None else None
        if looks is None:
            raise RunIncomplete("the process that looks at the tree has ended", "start it again")
        for look in looks:
            self._on_look(look)

    def _on_look(self, look: Look) -> None:
        if look.problem:
            self._say(f"the tree cannot be read: {sanitise(look.problem)}")
        else:
            self._machine.feed(TreeSeen(dict(look.changed)))
        if self._ended is not None and look.answers >= self._ended[0]:
            (_, ended), self._ended = self._ended, None
            self._machine.feed(ended)

    def _on_report(self) -> None:
        """The run has ended once the tree was looked at since: what it wrote last is its own."""
        if self._run is None or self._looker is None:
            return
        ended = self._run.read()
        if ended is not None:
            self._loop.forget(self._run.descriptor)
            self._run = None
            self._ended = (self._looker.ask(), ended)

    def _on_signal(self, number: signal.Signals) -> None:
        if number in EXIT_CODES:
            self._machine.feed(Interrupted(number.name, EXIT_CODES[number]))
        elif number == signal.SIGTSTP:
            self._keys.give_back()
            stop_here()
            self._take_keys()

    def _on_reader_left(self) -> None:
        self._loop.forget(self._told_on)
        self._machine.feed(Key.QUIT)

    def _take_keys(self) -> None:
        self._keys.take()
        if self._keys.descriptor is not None:
            self._loop.watch(self._keys.descriptor, self._on_keys)

    def _on_keys(self) -> None:
        keys = self._keys.read()
        if keys is None:
            self._loop.forget(0)
        for key in keys or ():
            self._machine.feed(key)

    def _part(self) -> None:
        """Let readers take what is left."""
        bound = monotonic_s() + PARTING_BOUND_S
        while self._output.waiting() and monotonic_s() < bound:
            self._loop.turn(bound)


def _sentence(text: str, paths: Iterable[bytes]) -> str:
    names = some([os.fsdecode(path) for path in paths], 3)
    return sanitise(f"{names}: {text}" if names else text)
