r"""Output as lines that people read: decoded, without colours, each of a bounded length."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from vibeguard.core.problems import UNDECODABLE

_HEAD_BYTES, _HEAD_LINES = 64 << 10, 1_000
_TAIL_BYTES, _TAIL_LINES = 256 << 10, 5_000
LONGEST_LINE = 400  # characters
MOST_TAIL_LINES = 20
MOST_TAIL_BYTES = 4 << 10

# Escape sequences of terminals (ECMA-48): CSI, OSC and the two-character ones.
_ESCAPES = (
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]+[0-~]|\x1b[0-Z\\^_`-~]"
)
_LINE_END = rb"(?<!\r)\r+(?=\n|\Z)"
# What go test and cargo write in streams.
_GO_TESTS = ("start", "run", "pause", "cont", "pass", "bench", "fail", "skip", "attr", "output")
_GO = frozenset((*_GO_TESTS, "build-output", "build-fail"))
_CARGO = frozenset(("compiler-artifact", "build-script-executed", "build-finished"))


class Line(NamedTuple):
    """One line and its number in the whole output, from 1."""

    number: int
    text: str


def clean(output: bytes) -> bytes:
    r"""Return output without colour codes and without the \r before each end of line."""
    if b"\x1b" in output:
        output = re.sub(_ESCAPES, b"", output)
    if b"\r" in output:
        output = re.sub(_LINE_END, b"", output)
    return output


def read_lines(output: bytes) -> list[Line]:
    """Return the lines at the start and at the end of an output; what is between is left out."""
    output = output.rstrip()
    head_end = _end_of_head(output)
    tail_start = max(head_end, _start_of_tail(output))
    left_out = output.count(b"\n", 0, tail_start)
    return _split(output[:head_end], 1) + _split(output[tail_start:], left_out + 1)


def _end_of_head(output: bytes) -> int:
    """Return the offset behind the last line of the head."""
    head = output[:_HEAD_BYTES]
    lines = head.split(b"\n", _HEAD_LINES)
    if len(lines) > _HEAD_LINES:
        return len(head) - len(lines[-1])
    return len(head) if len(head) == len(output) else head.rfind(b"\n") + 1


def _start_of_tail(output: bytes) -> int:
    """Return the offset of the first line of the tail."""
    tail = output[-_TAIL_BYTES:]
    lines = tail.rsplit(b"\n", _TAIL_LINES)
    if len(lines) > _TAIL_LINES:
        return len(output) - len(tail) + len(lines[0]) + 1
    if len(tail) == len(output):
        return 0
    return len(output) - len(tail) + tail.find(b"\n") + 1


def last_lines(output: bytes) -> tuple[str, ...]:
    """Return the last 20 lines, at most 4 KiB of them, blank lines at the end not counted."""
    tail: list[str] = []
    room = MOST_TAIL_BYTES
    for line in _lines_from_the_end(output.rstrip()[-_TAIL_BYTES:]):
        room -= len(line.encode()) + 1
        if room < 0 or len(tail) == MOST_TAIL_LINES:
            break
        tail.append(line)
    return tuple(reversed(tail))


def _lines_from_the_end(output: bytes) -> Iterator[str]:
    """The lines that people read, the last one first."""
    end = len(output)
    while end > 0:
        start = output.rfind(b"\n", 0, end) + 1
        yield from reversed(_texts(clean(output[start:end]).decode("utf-8", "replace")))
        end = start - 1


def _split(output: bytes, first_number: int) -> list[Line]:
    text = clean(output).decode("utf-8", "replace").removesuffix("\n")
    if not text:
        return []
    return [
        Line(number, said_line)
        for number, line in enumerate(text.split("\n"), first_number)
        for said_line in _texts(line)
    ]


def _texts(line: str) -> list[str]:
    """What people read of a line: itself, or the lines that a tool's stream holds in it."""
    if not line.startswith("{"):
        return [_readable(line)]
    return [_readable(clean(text.encode()).decode()) for text in said(line)]


def _readable(line: str) -> str:
    r"""Return what a terminal would show of a line: the last \r-separated part, cut if long."""
    line = line.rstrip().rsplit("\r", 1)[-1]
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."


class _Diagnostic(Struct):
    rendered: str | None = None


class _StreamLine(Struct):
    """An event of go test, which is one only with a package, or a message of cargo."""

    action: str = field(name="Action", default="")
    package: str = field(name="Package", default="")
    import_path: str = field(name="ImportPath", default="")
    output: str = field(name="Output", default="")
    reason: str = ""
    message: _Diagnostic | None = None


def said(line: str) -> list[str]:
    """The lines of text inside of a line of a tool's JSON stream; any other line as it is.

    Such a stream is written for readers of results; the text that a person wants is inside of it.
    """
    text: str | None = None
    if line.startswith("{") and ('"Action":"' in line or '"reason":"' in line):
        with suppress(ValueError, *UNDECODABLE):  # the former: what cannot be encoded
            text = _text_in(msgspec.json.decode(line.encode(), type=_StreamLine))
    return [line] if text is None else text.splitlines()


def _text_in(line: _StreamLine) -> str | None:
    if line.action in _GO and (line.package or line.import_path):
        return line.output
    if line.reason == "compiler-message" and line.message is not None:
        return line.message.rendered or ""
    return "" if line.reason in _CARGO else None
