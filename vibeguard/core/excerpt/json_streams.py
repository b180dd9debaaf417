"""What a line of a tool's JSON stream says to people: of go test and cargo.

Such a stream is written for readers of results; the text that a person wants is inside of it.
"""

import msgspec
from msgspec import Struct, field

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


def _said_by_go(line: str) -> str | None:
    try:
        event = msgspec.json.decode(line.encode(), type=_GoEvent)
    except ValueError:
        return None
    known = event.action in _GO and (event.package or event.import_path)
    return event.output if known else None


def _said_by_cargo(line: str) -> str | None:
    try:
        message = msgspec.json.decode(line.encode(), type=_CargoMessage)
    except ValueError:
        return None
    if message.reason == "compiler-message" and message.message is not None:
        return message.message.rendered or ""
    return "" if message.reason in _CARGO else None
