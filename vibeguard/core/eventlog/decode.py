"""Bytes to events: strict, streaming, in flat memory.

The fast path decodes all lines of a chunk in one loop of the library's and updates one hash; only
when one is refused are they looked at one by one, to say which is wrong and why, and to save what
stands before it. A look at each line would cost a replay its budget (ADR 0041).
"""

from collections.abc import Callable
from functools import cache, reduce
from io import BytesIO
from operator import or_
from typing import cast, get_args

from msgspec import json

from vibeguard.core.eventlog.encode import DIGEST_LENGTH, SEAL_END, new_digest
from vibeguard.core.eventlog.single_line import (
    MAX_LINE_BYTES,
    UnknownType,
    check_first,
    decode_line,
    newer_writer,
)
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.problems import UNDECODABLE, LogCorrupt, UsageError

# Without the seal, so that a chunk that holds one goes the slow way, where it is checked.
_UNSEALED = reduce(or_, (event for event in get_args(Event) if event is not LogSealed))


class LogDecoder:
    """Turns the bytes of a log, fed in chunks of any size, into its events.

    It knows lines, events and the seal. The order of `seq` and of everything else is the fold's
    business. `offset` and `lines` count the complete lines taken in; `sealed` is the seal once it
    has been checked. After its first LogCorrupt a decoder takes in nothing more.
    """

    def __init__(self) -> None:
        self.offset = 0
        self.lines = 0
        self.sealed: LogSealed | None = None
        self.saved: list[Event] = []
        self._problem: LogCorrupt | None = None
        self._decode_line = _decoder()
        self._pending = bytearray()
        self._digest = new_digest()
        self._latest = b""
        self._newer = ""

    @property
    def torn_bytes(self) -> int:
        """How many bytes follow the last complete line: of one that has no end yet."""
        return len(self._pending)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes.

        Raises LogCorrupt with the byte and the line where the log is damaged; `saved` then holds
        the events of this call that stand before the damage.
        """
        if self._problem is not None:
            self.saved = []
            raise self._problem
        try:
            return self._take(chunk)
        except LogCorrupt as problem:
            self._problem = problem
            raise

    def place_of(self, index: int) -> tuple[int, int]:
        """Byte and line (from 1) of the event at `index` of what `feed` gave or saved last."""
        lines = self._latest.split(b"\n")[:-1]
        first_byte = self.offset - len(self._latest)
        byte = first_byte + sum(len(line) + 1 for line in lines[:index])
        return byte, self.lines - len(lines) + index + 1

    def _take(self, chunk: bytes) -> list[Event]:
        self.saved = []
        if self.sealed is not None and chunk:
            raise self._corrupt("bytes follow the seal")
        cut = chunk.rfind(b"\n") + 1
        if cut:
            complete = b"".join((self._pending, memoryview(chunk)[:cut]))
            events = self._decode(complete)
            self._pending = bytearray(chunk[cut:])
        else:
            events = []
            self._pending += chunk
        if self._pending:
            self._check_pending(events)
        return events

    def _decode(self, complete: bytes) -> list[Event]:
        """The events of complete lines: all at once, or, where one is refused, one by one.

        Each line by itself: `decode_lines` of the library would accept two objects on a line, blank
        lines and an object over two lines.
        """
        if not self.lines or len(complete) > MAX_LINE_BYTES or b"\r" in complete:
            return self._decode_each(complete)
        try:
            events = [*map(self._decode_line, BytesIO(complete))]
        except UNDECODABLE:
            return self._decode_each(complete)
        self._accept(complete, events)
        return events

    def _decode_each(self, complete: bytes) -> list[Event]:
        events: list[Event] = []
        good = 0
        try:
            for line in complete.split(b"\n")[:-1]:
                event = self._decode_one(line, count=len(events))
                if isinstance(event, LogSealed):
                    self._check_seal(event, line, before=complete[:good], count=len(events))
                events.append(event)
                good += len(line) + 1
        except LogCorrupt as problem:
            self.saved = events
            self._accept(complete[:good], events)
            raise self._corrupt(problem.what) from problem
        self._accept(complete, events)
        return events

    def _decode_one(self, line: bytes, *, count: int) -> Event:
        """One line; `count` events of the same chunk stand before it."""
        if self.sealed is not None:
            raise LogCorrupt("an event follows the seal")
        first = not self.lines and not count
        if first:
            self._newer = newer_writer(line)
        try:
            event = decode_line(line)
        except UnknownType as unknown:
            if not self._newer:
                raise
            what = f"the log was written by {self._newer}: {unknown.what}"
            raise UsageError(what, "read it with that version") from unknown
        if first:
            check_first(event)
        # An ignorable event has no type of its own; whoever folds counts it and nothing else.
        return cast("Event", event)

    def _check_seal(self, event: LogSealed, line: bytes, *, before: bytes, count: int) -> None:
        """Whether the seal is that of the bytes and lines that stand before it."""
        covered = len(line) + 1 - len(SEAL_END) - DIGEST_LENGTH
        written = line[covered : covered + DIGEST_LENGTH]
        if written != event.sha256.encode():
            raise LogCorrupt("the seal's digest is not its last field")
        if event.events != self.lines + count or event.bytes != self.offset + len(before):
            raise LogCorrupt("the seal counts other events or bytes than stand before it")
        digest = self._digest.copy()
        digest.update(before)
        digest.update(line[:covered])
        if digest.hexdigest() != event.sha256:
            raise LogCorrupt("the bytes are not those that were sealed")
        self.sealed = event

    def _accept(self, complete: bytes, events: list[Event]) -> None:
        self._digest.update(complete)
        self._latest = complete
        self.offset += len(complete)
        self.lines += len(events)

    def _check_pending(self, events: list[Event]) -> None:
        problem = ""
        if self.sealed is not None:
            problem = "bytes follow the seal"
        elif len(self._pending) > MAX_LINE_BYTES:
            problem = f"a line of more than {MAX_LINE_BYTES >> 20} MiB"
        if problem:
            self.saved = events
            raise self._corrupt(problem)

    def _corrupt(self, what: str) -> LogCorrupt:
        """The same finding with its place: what follows the lines taken in so far."""
        return LogCorrupt(what, byte=self.offset, line=self.lines + 1)


@cache
def _decoder() -> Callable[[bytes], Event]:
    """Made when the first log is read: a supervisor reads none."""
    return json.Decoder(_UNSEALED).decode
