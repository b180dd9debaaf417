"""Following the output of one check: `tail --check ID`. Like any tail it ends with the run."""

import codecs
import os
import signal
from collections import deque

from vibeguard.core.fold.fold import apply, new_state
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import Stream
from vibeguard.core.model.events import CheckStarted, Event
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.output import Output
from vibeguard.system.front.signals import EXIT_CODES, Signals, stop_here
from vibeguard.system.journal.follow import Follower

CHUNK_BYTES = 1 << 16
POLL_S = 0.1


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
        self._attempt = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._descriptor: int | None = None
        self._waiting: deque[Event] = deque()
        self.behind = False

    def advance(self) -> bool:
        """Copy what is there; whether the run has ended and everything was copied."""
        while not self._output.is_full() and (self._take_waiting() or self._read_more()):
            continue
        over = self._follower.finished or self._follower.writer_gone() is not False
        copied = self._copy()
        self.behind = copied and not self._output.is_full()
        return over and not self._waiting and not copied

    def _read_more(self) -> bool:
        """Read on in the log; whether there was anything."""
        self._waiting.extend(self._follower.read())
        return bool(self._waiting)

    def _take_waiting(self) -> bool:
        """Take in an event that was read; False if none is left.

        An attempt is copied to its end before the next one begins.
        """
        if not self._waiting:
            return False
        event = self._waiting[0]
        if isinstance(event, CheckStarted) and event.check == self._check:
            while self._copy():
                if self._output.is_full():
                    return True
            self._attempt = event.attempt
            self._close()
        self._waiting.popleft()
        apply(self._state, event)
        return True

    def refuse_unknown(self) -> None:
        """Raise UsageError unless the plan has such a check."""
        if self._state.planned is not None and self._check not in self._state.checks:
            raise UsageError(
                f"this run has no check {sanitise(self._check)}", "see them: vibeguard status"
            )

    def exit_code(self) -> int:
        """The exit code of the run (DESIGN section 8)."""
        if self._follower.finished:
            return exit_code_so_far(self._state)
        return ExitCode.INCOMPLETE

    def _copy(self) -> bool:
        """Copy one chunk of the present attempt's output; whether there was any."""
        descriptor = self._open()
        if descriptor is None or self._output.is_full():
            return descriptor is not None and self._output.is_full()
        data = os.read(descriptor, CHUNK_BYTES)
        text = self._decoder.decode(data)
        self._output.write(Stream.MACHINE, sanitise(text, multiline=True))
        return bool(data)

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
    while output.waiting() and not interrupted:
        loop.turn(monotonic_s() + 1.0)
    return interrupted[0] if interrupted else copying.exit_code()
