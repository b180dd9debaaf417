"""What is told of a tool before it is called, and after its command has ended."""

from typing import Any

import msgspec
from msgspec import Struct

from vibeguard.core.mcp.tools import Arguments, Text
from vibeguard.core.model.report import Report
from vibeguard.core.problems import UNDECODABLE

# The states of a report that are no answer to "did it pass?".
_NO_ANSWER = frozenset({"refused", "incomplete", "corrupt"})
_USAGE = 2


class Ended(Struct, frozen=True):
    """How a command of ours ended; `exit_code` is None where the call was over before it.

    `cut`: stdout was longer than a call gives, and its beginning is missing. `at` is the wall time
    of that end, in RFC 3339.
    """

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    cut: bool = False
    at: str = ""


def described(name: str, tool: type[Arguments]) -> dict[str, object]:
    """An entry of tools/list."""
    return {
        "name": name,
        "title": tool.title,
        "description": tool.does,
        "inputSchema": schema_of(tool),
        "outputSchema": schema_of(tool.answer),
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.read_only,
            "openWorldHint": False,
        },
    }


def schema_of(type_: type[Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct, an object at its root; the same types as in schemas/.

    Without `$id` and `$schema`: clients compile the schemas of all tools beside each other, and
    refuse an id that comes twice, or a draft that they do not know by name.
    """
    _, parts = msgspec.json.schema_components([type_])
    root = parts.pop(type_.__name__)
    return {**root, "$defs": parts} if parts else dict(root)


def called(tool: type[Arguments], ended: Ended) -> dict[str, object]:
    """The result of tools/call: the command's own bytes, and the same as a value."""
    out, err = _text(ended.stdout), _text(ended.stderr)
    content = [{"type": "text", "text": text} for text in (out, err) if text]
    if tool.answer is Text:
        return _of_text(ended, out, err, content)
    value = document(tool.answer, ended)
    if value is None:
        return {"content": content or [_no_answer(ended)], "isError": True}
    refused = isinstance(value, Report) and value.state in _NO_ANSWER
    return {"content": content, "structuredContent": msgspec.to_builtins(value), "isError": refused}


def _of_text(ended: Ended, out: str, err: str, content: list[dict[str, str]]) -> dict[str, object]:
    pending = ended.exit_code is None
    code = 5 if ended.exit_code is None else ended.exit_code
    value = Text(exit_code=code, text=out, notes=err, pending=pending, cut=ended.cut)
    return {
        "content": content or [{"type": "text", "text": ""}],
        "structuredContent": msgspec.to_builtins(value),
        "isError": code == _USAGE,
    }


def document(type_: type[Struct], ended: Ended) -> Struct | None:
    """The document that a command gave; None where it is another one (a refusal) or none."""
    if ended.cut:
        return None
    try:
        return msgspec.json.decode(ended.stdout, type=type_)
    except UNDECODABLE:
        return None


def _no_answer(ended: Ended) -> dict[str, str]:
    what = (
        "the command did not end in the time of the call; the run, if one was started, goes on"
        if ended.exit_code is None
        else f"the command ended with exit code {ended.exit_code} and said nothing"
    )
    return {"type": "text", "text": f"{what}: ask for the status"}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
