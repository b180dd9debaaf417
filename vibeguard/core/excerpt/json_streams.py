"""What a line of a tool's JSON stream says to people: of go test and cargo.

Such a stream is written for readers of results; the text that a person wants is inside of it.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct, field

from vibeguard.core.problems import UNDECODABLE

Kind = TypeVar("Kind", bound=Struct)
_GO_TESTS = ("start", "run", "pause", "cont", "pass", "bench", "fail", "skip", "attr", "output")
_GO = frozenset((*_GO_TESTS, "build-output", "build-fail"))
_CARGO = frozenset(("compiler-artifact", "build-script-executed", "build-finished"))


class _GoEvent(Struct):
    """An event of go test; it is one only with a package."""

    action: str = field(name="Action")
    package: str = field(name="Package", default="")
    import_path: str = field(name="ImportPath", default="")
    output: str = field(name="Output", default="")


class _Diagnostic(Struct):
    rendered: str | None = None


class _CargoMessage(Struct):
    reason: str
    message: _Diagnostic | None = None


def said(line: str) -> list[str]:
    """The lines of text inside of a line of a stream; a line of anything else as it is."""
    if not line.startswith("{"):
        return [line]
    text: str | None = None
    if '"Action":"' in line:
        text = _said_by_go(line)
    elif '"reason":"' in line:
        text = _said_by_cargo(line)
    return [line] if text is None else text.splitlines()


def _decoded(line: str, kind: type[Kind]) -> Kind | None:
    try:
        return msgspec.json.decode(line.encode(), type=kind)
    except (ValueError, *UNDECODABLE):  # the former: what cannot be encoded
        return None


def _said_by_go(line: str) -> str | None:
    event = _decoded(line, _GoEvent)
    if event is None:
        return None
    known = event.action in _GO and (event.package or event.import_path)
    return event.output if known else None


def _said_by_cargo(line: str) -> str | None:
    message = _decoded(line, _CargoMessage)
    if message is None:
        return None
    if message.reason == "compiler-message" and message.message is not None:
        return message.message.rendered or ""
    return "" if message.reason in _CARGO else None
