"""Following a log while it is written, without blocking and without Trio (ADR 0046)."""

import os
import select
from math import inf
from typing import Final

from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.model.state import State
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.clock import monotonic_s
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.lock import writer_alive
from vibeguard.system.journal.notify import drain, watch
from vibeguard.system.journal.pace import AT_ONCE, PAUSE_S, Pace
from vibeguard.system.journal.reader import LogReading, open_log, reading_of

# A network file system announces nothing, and a lock goes without notice: look this often anyway.
POLL_S: Final = 0.25
# Where nothing is announced at all.
POLL_UNANNOUNCED_S: Final = 0.05
CHUNK_BYTES: Final = 256 << 10


class Follower:
    """Gives the events of a log as they come.

    Loop: `read()` until it gives nothing; then, unless `finished` or `writer_gone()`, wait for
    `fileno()` to turn readable (not before `next_look()`) or for `poll_s` to pass: `wait()` does
    that, or a poll of one's own.
    """

    def __init__(
        self,
        folder: str,
        *,
        at_once: int = AT_ONCE,
        longest_pause_s: float = PAUSE_S,
        unannounced_s: float = 0.0,
    ) -> None:
        """Open the log of a run folder. Raises LogCorrupt without one.

        `at_once` is how many changes may wake the follower without a pause between them;
        `longest_pause_s` is how long that becomes while they go on. For `unannounced_s` it does
        without a watch, which takes Linux 15 ms to give up.
        """
        self.folder: Final = folder
        self._path = os.path.join(folder, LOG_NAME)
        self._fd = open_log(self._path)
        self._notify: int | None = None
        self._watch_from = monotonic_s() + unannounced_s
        self._decoder = LogDecoder()
        self._read_bytes = 0
        self._problem: LogCorrupt | None = None
        self._pace = Pace(at_once, longest_pause_s)
        self.poll_s = POLL_UNANNOUNCED_S

    def fileno(self) -> int | None:
        """What turns readable when the log changes; None where nothing does, or not yet."""
        return self._notify

    @property
    def finished(self) -> bool:
        """Whether the seal has been read: nothing more can come."""
        return self._decoder.sealed is not None

    @property
    def seal(self) -> LogSealed | None:
        """The seal once it has been read; its digest fits the bytes that were followed."""
        return self._decoder.sealed

    def read(self) -> list[Event]:
        """New events since the last call; none if there is nothing new.

        Raises LogCorrupt when the log is damaged, cut, deleted or replaced; the events before the
        damage are given first, and the next call raises.
        """
        events = self._read()
        if not events and self._begin_to_watch():
            events = self._read()  # what came before that
        return events

    def _read(self) -> list[Event]:
        if self._problem is not None:
            raise self._problem
        events: list[Event] = []
        try:
            while not events and (chunk := self._next_chunk()):
                events = self._decoder.feed(chunk)
            if not self.finished:
                self._check_file()
        except LogCorrupt as problem:
            self._problem = problem
            events = events or self._decoder.saved
            if not events:
                raise
        if events:
            self._pace.looked()
        return events

    def next_look(self) -> float:
        """From when on (monotonic seconds) to wait for `fileno()` without holding up the writer."""
        return self._pace.next_look()

    def wait(self, timeout_s: float) -> None:
        """Sleep until the log may have changed: at most `timeout_s`, at most `poll_s`."""
        until = monotonic_s() + min(timeout_s, self.poll_s)
        pause_s = min(self.next_look(), until) - monotonic_s()
        if pause_s > 0:
            select.select([], [], [], pause_s)
        watched = [] if self._notify is None else [self._notify]
        select.select(watched, [], [], max(until - monotonic_s(), 0.0))

    def writer_gone(self) -> bool | None:
        """Whether nothing more can come because the writer has ended. None: nobody can tell.

        True only when everything it wrote has been read. Raises LogCorrupt.
        """
        alive = writer_alive(self._fd)
        if alive is None or alive:
            return None if alive is None else False
        try:
            return os.fstat(self._fd).st_size <= self._read_bytes
        except OSError as error:
            raise self._unreadable(error) from error

    def reading(self) -> LogReading:
        """What the log is as far as it has been followed."""
        alive = None if self.finished else writer_alive(self._fd)
        return reading_of(self._decoder, alive=alive, problem=self._problem)

    def fold(self, index: int, event: Event, state: State) -> None:
        """Fold the event at `index` of what `read` gave last into `state`.

        Raises LogCorrupt, with the place in the log, for an event that cannot be.
        """
        try:
            apply(state, event)
        except LogCorrupt as problem:
            byte, line = self._decoder.place_of(index)
            raise LogCorrupt(problem.what, byte=byte, line=line) from problem

    def close(self) -> None:
        """Give up the descriptors."""
        os.close(self._fd)
        if self._notify is not None:
            os.close(self._notify)

    def _begin_to_watch(self) -> bool:
        """Have changes announced from now on, once the time has come; whether this began it."""
        if self.finished or monotonic_s() < self._watch_from:
            return False
        self._watch_from = inf
        self._notify = watch(self._fd)
        if self._notify is None:
            return False
        self.poll_s = POLL_S
        return True

    def _next_chunk(self) -> bytes:
        if self._notify is not None:
            drain(self._notify)
        try:
            chunk = os.pread(self._fd, CHUNK_BYTES, self._read_bytes)
        except OSError as error:
            raise self._unreadable(error) from error
        self._read_bytes += len(chunk)
        return chunk

    def _check_file(self) -> None:
        """Whether the name still means the file that is followed, no shorter than it was."""
        try:
            status = os.fstat(self._fd)
            if status.st_size < self._read_bytes:
                raise self._corrupt("the log was cut while it was followed")
            named = os.lstat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise self._corrupt("the log was deleted while it was followed") from None
        except OSError as error:
            raise self._unreadable(error) from error
        if (named.st_dev, named.st_ino) != (status.st_dev, status.st_ino):
            raise self._corrupt("the log was replaced while it was followed")

    def _unreadable(self, error: OSError) -> LogCorrupt:
        return self._corrupt(f"the log cannot be read: {error.strerror}")

    def _corrupt(self, what: str) -> LogCorrupt:
        return LogCorrupt(what, byte=self._decoder.offset, line=self._decoder.lines + 1)
