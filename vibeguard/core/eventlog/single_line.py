"""One line of the log at a time: slow, and able to say what is wrong with it."""

from collections.abc import Callable
from functools import cache
from typing import Final, get_args

from msgspec import DecodeError, Struct, ValidationError, json

from vibeguard.core.model.events import SCHEMA_VERSION, Event, RunStarted, UnknownEvent
from vibeguard.core.problems import UNDECODABLE, LogCorrupt

# No event comes near this; a longer line is damage, and reading on would eat the memory.
MAX_LINE_BYTES: Final = 64 << 20

_KNOWN_TYPES = frozenset(event.__struct_config__.tag for event in get_args(Event))


class _Header(Struct):
    """What every event of every schema carries."""

    type: str
    seq: int
    t: int
    may_ignore: bool = False


class _Beginning(Struct):
    """What the first event of every schema carries."""

    schema: str = ""
    tool_version: str = ""


class UnknownType(LogCorrupt):
    """An event that this version does not know and may not ignore."""


@cache
def _decoder() -> Callable[[bytes], Event]:
    """Made when the first line is looked at: a supervisor looks at none."""
    return json.Decoder(Event).decode


def decode_line(line: bytes) -> Event | UnknownEvent:
    """The event on `line` (without its newline). Raises LogCorrupt, place unknown."""
    problem = _visible_damage(line)
    if problem:
        raise LogCorrupt(problem)
    try:
        return _decoder()(line)
    except ValidationError as error:
        return _unknown_event(line, error)
    except UNDECODABLE as error:
        raise _damage(error) from error


def check_first(event: Event | UnknownEvent) -> None:
    """Raise LogCorrupt unless this is the event with which every log begins."""
    if not isinstance(event, RunStarted):
        raise LogCorrupt("the log does not begin with run.started")


def newer_writer(line: bytes) -> str:
    """Who wrote the log that `line` begins, if its schema is of a later minor version; else "".

    Raises LogCorrupt if its schema is of another major version.
    """
    try:
        beginning = json.decode(line, type=_Beginning)
        major, _, minor = beginning.schema.partition(".")
        ours, _, known = SCHEMA_VERSION.partition(".")
        if beginning.schema and major != ours:
            what = f"a log of schema {beginning.schema[:40]!r}; this version reads schema {ours}.x"
            raise LogCorrupt(what)
        newer = int(minor.partition(".")[0]) > int(known)
    except (*UNDECODABLE, ValueError):  # damage, which `decode_line` words better
        return ""
    return f"VibeGuard {beginning.tool_version[:40]}" if newer else ""


def _damage(error: Exception) -> LogCorrupt:
    """What is wrong with a line that the decoder refused."""
    match error:
        case UnicodeDecodeError():
            return LogCorrupt(f"not UTF-8: {error.reason}")
        case RecursionError():
            return LogCorrupt("nested too deeply")
    return LogCorrupt(f"not one JSON object on one line ({error})")


def _visible_damage(line: bytes) -> str:
    if len(line) > MAX_LINE_BYTES:
        return f"a line of more than {MAX_LINE_BYTES >> 20} MiB"
    if not line:
        return "an empty line"
    if b"\x00" in line:
        return "NUL bytes"
    if line.startswith(b"\xef\xbb\xbf"):
        return "a byte order mark"
    if b"\r" in line:
        return "a carriage return"
    return ""


def _unknown_event(line: bytes, error: ValidationError) -> UnknownEvent:
    """What a later schema 1.x may have added, if it says that it may be ignored."""
    try:
        header = json.decode(line, type=_Header)
    except DecodeError:
        raise LogCorrupt(f"not an event ({error})") from error
    except UNDECODABLE as damage:
        raise _damage(damage) from damage
    if header.type in _KNOWN_TYPES:
        raise LogCorrupt(f"not a valid {header.type} ({error})") from error
    if not header.may_ignore:
        raise UnknownType(f"unknown event type {header.type[:80]!r}") from error
    return UnknownEvent(seq=header.seq, t=header.t, name=header.type)
