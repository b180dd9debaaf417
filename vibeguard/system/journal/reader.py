"""Reading a log as it is: one implementation behind `report`, `tail`, `run` and every export."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from operator import length_hint
from typing import Final

from msgspec import Struct

from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.fold.fold import apply_each
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.lock import writer_alive
from vibeguard.system.rundir.files import open_regular

CHUNK_BYTES: Final = 32 << 10

Take = Callable[[Iterator[Event]], None]


class LogReading(Struct, frozen=True):
    """What a log turned out to be.

    `events` and `bytes` are what could be trusted: all of it, or what stands before `problem`;
    `torn_bytes` follow it as an unfinished last line. `writer_alive` is None where the file system
    does not tell (then an unsealed log counts as incomplete).
    """

    status: LogStatus
    events: int
    bytes: int
    lines: int
    seal: LogSealed | None = None
    problem: LogCorrupt | None = None
    torn_bytes: int = 0
    writer_alive: bool | None = None


def read_log(path: str, visit: Callable[[Event], None]) -> LogReading:
    """Hand every event of the log (or of the run folder) at `path` to `visit`, in order.

    Never raises for what is wrong with the log: that is the reading's `status` and `problem`.
    A LogCorrupt that `visit` raises is such a finding too.
    """

    def visit_each(events: Iterator[Event]) -> None:
        for event in events:
            visit(event)

    return _read(path, visit_each)


def open_state(path: str) -> tuple[State, LogReading]:
    """The State that the log at `path` amounts to, as far as it can be trusted."""
    state = State()

    return state, _read(path, partial(apply_each, state))


def open_log(path: str) -> int:
    """Open a log, or the log in a run folder, for reading. Raises LogCorrupt if there is none."""
    if os.path.isdir(path):
        path = os.path.join(path, LOG_NAME)
    try:
        return open_regular(path)
    except OSError as error:
        raise LogCorrupt(f"the log cannot be opened: {error.strerror} ({path})") from error


def reading_of(
    decoder: LogDecoder, *, alive: bool | None, problem: LogCorrupt | None = None
) -> LogReading:
    """The reading that a decoder at the end of its input amounts to."""
    if problem is not None:
        status = LogStatus.CORRUPT
    elif decoder.sealed is not None:
        status = LogStatus.COMPLETE
    else:
        status = LogStatus.LIVE if alive else LogStatus.INCOMPLETE
    return LogReading(
        status=status,
        events=decoder.lines if problem is None else max(problem.line - 1, 0),
        bytes=decoder.offset if problem is None else problem.byte,
        lines=decoder.lines,
        seal=decoder.sealed if problem is None else None,
        problem=problem,
        torn_bytes=decoder.torn_bytes,
        writer_alive=alive,
    )


def _read(path: str, take: Take) -> LogReading:
    decoder = LogDecoder()
    try:
        fd = open_log(path)
        try:
            alive = _read_all(fd, decoder, take)
        finally:
            os.close(fd)
    except LogCorrupt as damage:
        return reading_of(decoder, alive=None, problem=damage)
    except OSError as error:
        unreadable = LogCorrupt(f"the log cannot be read: {error.strerror}", byte=decoder.offset)
        return reading_of(decoder, alive=None, problem=unreadable)
    return reading_of(decoder, alive=alive)


def _read_all(fd: int, decoder: LogDecoder, take: Take) -> bool | None:
    """Read to the end; whether the writer is alive.

    The writer is asked before the last look at the file: asked after it, one that wrote, sealed
    and went in between would leave a complete log that is taken for incomplete.
    """
    _read_on(fd, decoder, take)
    if decoder.sealed is not None:
        return None
    alive = writer_alive(fd)
    if not alive:
        _read_on(fd, decoder, take)
    return alive


def _read_on(fd: int, decoder: LogDecoder, take: Take) -> None:
    while chunk := os.read(fd, CHUNK_BYTES):
        try:
            events = decoder.feed(chunk)
        except LogCorrupt:
            _hand_on(decoder, decoder.saved, take)
            raise
        _hand_on(decoder, events, take)


def _hand_on(decoder: LogDecoder, events: list[Event], take: Take) -> None:
    """Let `take` have the events; a LogCorrupt that it raises gets the place of its event."""
    left = iter(events)
    try:
        take(left)
    except LogCorrupt as problem:
        byte, line = decoder.place_of(len(events) - length_hint(left) - 1)
        raise LogCorrupt(problem.what, byte=byte, line=line) from problem
