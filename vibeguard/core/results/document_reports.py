"""Readers of reports that are JSON documents, of at most 64 MiB together.

The text is kept until it is whole; the values are made by a typed decoder that skips what no
reader wants, which costs a fraction of a tree of dictionaries.
"""

import codecs
import re
from typing import Any, Generic, TypeVar

import msgspec

from vibeguard.core.model.results import Result
from vibeguard.core.names import FAILED_RESULTS
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.results.base import Sink, UnreadableReport

MOST_BYTES = 64 << 20
Document = TypeVar("Document")
_START = re.compile(rb"^[ \t]*[\[{]", re.MULTILINE)
# What msgspec says of a whole document with something behind it, of one that does not end, and of
# what is no JSON; tested with the one that we depend on.
_TRAILING = re.compile(r".*trailing characters \(byte (\d+)\)")
_MALFORMED = re.compile(r".*\(byte (\d+)\)")
_TRUNCATED = "Input data was truncated"
# Lines that begin like a document and are none: so many, and so many times the bytes of all.
_MOST_STARTS = 10_000
_MOST_READINGS = 10


class DocumentReader(Generic[Document]):
    """Collects a document and hands it on; `kind` is the type that it must have."""

    kind: type[Document] | Any

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._names_trouble = False
        self._data = bytearray()

    def sink(self, result: Result, among: str = "") -> None:
        """Report one result; `among` tells tests of one name apart."""
        self._names_trouble |= result.outcome in FAILED_RESULTS
        self._sink(result, among)

    def refuse_unless_named(self, trouble: str) -> None:
        """Refuse a document that says this of its tests, and names none that failed."""
        if not self._names_trouble:
            raise UnreadableReport(f"{trouble}, and names none that failed")

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if len(self._data) + len(data) > MOST_BYTES:
            raise UnreadableReport(f"it is larger than {MOST_BYTES >> 20} MiB")
        self._data += data

    def finish(self) -> None:
        """Read all that there is: a command may have run its tool more than once."""
        data = bytes(self._data)
        self._data.clear()
        for document in documents(data, self.kind):
            self._names_trouble = False
            self.read(document)

    def read(self, document: Document) -> None:
        """Report the results of a document."""
        raise NotImplementedError


def documents(data: bytes, kind: Any) -> list[Any]:
    """The JSON documents of this kind in `data`, among the lines that tools print around them.

    What is JSON of another kind, such as a line of a log, is passed over; with nothing else, or
    with something that does not end, UnreadableReport is raised. A file in UTF-16, as a shell of
    Windows writes it, is read too.
    """
    data = _in_utf8(data)
    if not data.strip():
        raise UnreadableReport("it is empty")
    problem = "there is no document in it"
    found: list[Any] = []
    at, read, starts = 0, 0, 0
    while start := _START.search(data, at):
        starts += 1
        if starts > _MOST_STARTS or read > _MOST_READINGS * len(data):
            problem = "too much in it only begins like JSON"
            raise UnreadableReport(f"it is not the JSON that it should be: {problem}")
        at = start.end()
        try:
            whole = _whole(memoryview(data)[start.start() :])
            at = start.start() + len(whole)
            read += len(whole)
            found.append(msgspec.json.decode(whole, type=kind))
        except UNDECODABLE as error:
            problem = str(error)[:200]
            place = _MALFORMED.fullmatch(problem)
            read += int(place[1]) if place else 0
    if not found:
        raise UnreadableReport(f"it is not the JSON that it should be: {problem}")
    return found


def decode_line(line: str, kind: Any) -> Any | None:
    """The JSON object that a line is; None if it is something else."""
    if not line.startswith("{"):
        return None
    try:
        return msgspec.json.decode(line, type=kind)
    except UNDECODABLE:
        return None


def _in_utf8(data: bytes) -> bytes:
    """Without a byte order mark; what Windows' shell wrote as UTF-16 becomes UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _whole(data: memoryview) -> memoryview:
    """The JSON value at the beginning, of whatever kind: what is in it is no document of its own.

    Raises DecodeError for what is none, UnreadableReport for one that does not end.
    """
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        if str(error) == _TRUNCATED:
            raise UnreadableReport("it ends in the middle of a document") from None
        ended = _TRAILING.fullmatch(str(error))
        if ended is None:
            raise
        return data[: int(ended[1]) - 1]
    return data
