"""The output of one check, copied as it grows: `tail --check ID`."""

import codecs
import os
from collections import deque

from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.model.events import CheckStarted, Event, RunPlanned
from vibeguard.core.problems import LogCorrupt, UsageError
from vibeguard.core.wording.sanitise import break_commands, sanitise
from vibeguard.core.wording.terminal import is_ci
from vibeguard.system.front.following import Shown
from vibeguard.system.front.outlets import Output
from vibeguard.system.journal.follow import Follower
from vibeguard.system.rundir.files import open_regular

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


class CheckOutput(Shown):
    """Copies a check's output, attempt after attempt, to stdout while it grows.

    What the log is followed for is to know the attempts, and the end.
    """

    def __init__(self, folder: str, check: str, output: Output) -> None:
        super().__init__()
        self._folder = folder
        self._check = check
        self._output = output
        self._attempt = 0
        self._harmless = HarmlessText(ci=is_ci(os.environ))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._descriptor: int | None = None
        self._in_a_line = False
        self._events: deque[tuple[int, Event]] = deque()
        self._behind = False

    def read(self, follower: Follower) -> bool:
        """Copy what is there, while the reader keeps up; whether there was anything.

        Raises UsageError for a check that the run does not have.
        """
        try:
            while not self._output.is_full() and (
                self._take_event(follower) or self._more(follower)
            ):
                continue
        except LogCorrupt as problem:
            self.problem = problem
            self._events.clear()
        copied = self._copy()
        self._behind = copied and not self._output.is_full()
        return copied or bool(self._events)

    def tick_period_s(self) -> float:
        """An output file announces nothing: it is looked at often, and at once while behind."""
        return 0.0 if self._behind else POLL_S

    def finish(self, ending: Ending) -> None:
        """Show what is held back or wrong."""
        cut_off = self._harmless.feed(self._decoder.decode(b"", final=True))
        self._write(cut_off + self._harmless.rest())
        if ending.problem:
            self._output.write(Stream.HUMAN, f"vibeguard: {sanitise(ending.problem)}\n")

    def _more(self, follower: Follower) -> bool:
        """Read on in the log; whether there was anything."""
        if self.problem is None:
            self._events.extend(enumerate(follower.read()))
        return bool(self._events)

    def _take_event(self, follower: Follower) -> bool:
        """Take in an event that was read; False if none is left.

        An attempt is copied to its end before the next one begins.
        """
        if not self._events:
            return False
        index, event = self._events[0]
        if isinstance(event, CheckStarted) and event.check == self._check:
            while self._copy():
                if self._output.is_full():
                    return True
            self._attempt = event.attempt
            self._end_line()
            self._close()
        self._events.popleft()
        follower.fold(index, event, self.state)
        if isinstance(event, RunPlanned) and self._check not in self.state.checks:
            raise UsageError(
                f"this run has no check {sanitise(self._check)}", "see them: vibeguard status"
            )
        return True

    def _copy(self) -> bool:
        """Copy one chunk of the present attempt's output; whether there was any."""
        descriptor = self._open()
        if descriptor is None or self._output.is_full():
            return descriptor is not None and self._output.is_full()
        data = os.read(descriptor, CHUNK_BYTES)
        text = self._decoder.decode(data)
        self._write(self._harmless.feed(text))
        if data:
            self._in_a_line = not data.endswith(b"\n")
        return bool(data)

    def _write(self, text: str) -> None:
        """HarmlessText alone knows where in a long line a piece begins."""
        self._output.write(Stream.MACHINE, text, exact=True)

    def _end_line(self) -> None:
        """The next attempt begins in a line of its own."""
        if self._in_a_line:
            text = self._decoder.decode(b"", final=True) + "\n"
            self._write(self._harmless.feed(text))
            self._in_a_line = False

    def _open(self) -> int | None:
        record = self.state.checks.get(self._check)
        if self._descriptor is None and record is not None and self._attempt:
            name = record.planned.output_name(self._attempt)
            try:
                self._descriptor = open_regular(os.path.join(self._folder, name))
            except OSError:
                return None
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._decoder.reset()
