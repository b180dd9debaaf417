"""Following the output of one check: `tail --check ID`. Like any tail it ends with the run."""

import codecs
import os
import signal
from collections import deque

from vibeguard.core.fold.fold import apply, new_state
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import Stream
from vibeguard.core.model.events import CheckStarted, Event
from vibeguard.core.problems import LogCorrupt, UsageError
from vibeguard.core.wording.sanitise import break_commands, sanitise
from vibeguard.core.wording.terminal import is_ci
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.output import Output
from vibeguard.system.front.signals import EXIT_CODES, Signals, stop_here
from vibeguard.system.journal.endings import ending_of
from vibeguard.system.journal.follow import Follower

CHUNK_BYTES = 1 << 16
POLL_S = 0.1
# Of a line that does not end, what may be the beginning of a command of a CI service.
HELD_BACK_CHARACTERS = 64


class HarmlessText:
    """Makes text harmless that comes in pieces: for terminals, and with `ci` for a CI service.

    A service reads commands from whole lines, so the beginning of a line is held back for its end.
    """

    def __init__(self, *, ci: bool) -> None:
        self._ci = ci
        self._line = ""

    def feed(self, piece: str) -> str:
        """What can be shown now that this piece has come."""
        text = sanitise(piece, multiline=True)
        if not self._ci:
            return text
        text = break_commands(self._line + text)
        end = text.rfind("\n") + 1
        if len(text) - end > CHUNK_BYTES:
            end = len(text) - HELD_BACK_CHARACTERS
        self._line = text[end:]
        return text[:end]

    def rest(self) -> str:
        """What was held back of a last line that never ended."""
        text, self._line = self._line, ""
        return text


class CheckOutput:
    """Copies a check's output, attempt after attempt, to stdout while it grows.

    `behind` says that there is more to copy and a reader who would take it.
    """

    def __init__(self, follower: Follower, folder: str, check: str, output: Output) -> None:
        self._follower = follower
        self._folder = folder
        self._check = check
        self._output = output
        self._state = new_state()
        self._problem: LogCorrupt | None = None
        self._attempt = 0
        self._harmless = HarmlessText(ci=is_ci(os.environ))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._descriptor: int | None = None
        self._in_a_line = False
        self._waiting: deque[tuple[int, Event]] = deque()
        self.behind = False

    def advance(self) -> bool:
        """Copy what is there; whether the run has ended and everything was copied."""
        try:
            while not self._output.is_full() and (self._take_waiting() or self._read_more()):
                continue
        except LogCorrupt as problem:
            self._problem = problem
            self._waiting.clear()
        over = self._problem is not None or self._follower.finished
        over = over or self._follower.writer_gone() is not False
        copied = self._copy()
        self.behind = copied and not self._output.is_full()
        return over and not self._waiting and not copied

    def _read_more(self) -> bool:
        """Read on in the log; whether there was anything."""
        if self._problem is None:
            self._waiting.extend(enumerate(self._follower.read()))
        return bool(self._waiting)

    def _take_waiting(self) -> bool:
        """Take in an event that was read; False if none is left.

        An attempt is copied to its end before the next one begins.
        """
        if not self._waiting:
            return False
        index, event = self._waiting[0]
        if isinstance(event, CheckStarted) and event.check == self._check:
            while self._copy():
                if self._output.is_full():
                    return True
            self._attempt = event.attempt
            self._end_line()
            self._close()
        self._waiting.popleft()
        try:
            apply(self._state, event)
        except LogCorrupt as problem:
            byte, line = self._follower.place_of(index)
            raise LogCorrupt(problem.what, byte=byte, line=line) from problem
        return True

    def refuse_unknown(self) -> None:
        """Raise UsageError unless the plan has such a check."""
        if self._state.planned is not None and self._check not in self._state.checks:
            raise UsageError(
                f"this run has no check {sanitise(self._check)}", "see them: vibeguard status"
            )

    def finish(self) -> int:
        """Show what is held back or wrong; the exit code of the run (DESIGN section 8)."""
        cut_off = self._harmless.feed(self._decoder.decode(b"", final=True))
        self._output.write(Stream.MACHINE, cut_off + self._harmless.rest())
        ending = ending_of(self._follower.reading(), self._folder, self._problem)
        if ending.problem:
            self._output.write(Stream.HUMAN, f"vibeguard: {sanitise(ending.problem)}\n")
        return exit_code_so_far(self._state) if ending.exit_code is None else ending.exit_code

    def _copy(self) -> bool:
        """Copy one chunk of the present attempt's output; whether there was any."""
        descriptor = self._open()
        if descriptor is None or self._output.is_full():
            return descriptor is not None and self._output.is_full()
        data = os.read(descriptor, CHUNK_BYTES)
        text = self._decoder.decode(data)
        self._output.write(Stream.MACHINE, self._harmless.feed(text))
        if data:
            self._in_a_line = not data.endswith(b"\n")
        return bool(data)

    def _end_line(self) -> None:
        """The next attempt begins in a line of its own."""
        if self._in_a_line:
            text = self._decoder.decode(b"", final=True) + "\n"
            self._output.write(Stream.MACHINE, self._harmless.feed(text))
            self._in_a_line = False

    def _open(self) -> int | None:
        record = self._state.checks.get(self._check)
        if self._descriptor is None and record is not None and self._attempt:
            name = f"{record.planned.stem}.{self._attempt}.log"
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            try:
                self._descriptor = os.open(os.path.join(self._folder, "output", name), flags)
            except OSError:
                return None
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._decoder.reset()


def follow_check(follower: Follower, folder: str, check: str, output: Output) -> int:
    """Copy the output of `check` until the run ends. Raises UsageError for an unknown check."""
    loop, signals = Loop(output), Signals()
    interrupted: list[int] = []

    def hear() -> None:
        for number in signals.received():
            if number in EXIT_CODES:
                interrupted.append(EXIT_CODES[number])
            elif number == signal.SIGTSTP:
                stop_here()

    loop.watch(signals.descriptor, hear)
    copying = CheckOutput(follower, folder, check, output)
    while not copying.advance() and not interrupted:
        copying.refuse_unknown()
        loop.turn(monotonic_s() + (0.0 if copying.behind else POLL_S))
    copying.refuse_unknown()
    if interrupted:
        return interrupted[0]
    code = copying.finish()
    while output.waiting() and not interrupted:
        loop.turn(monotonic_s() + 1.0)
    return interrupted[0] if interrupted else code
