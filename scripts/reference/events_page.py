"""docs/events.md, made from the event types: their docstrings and their fields."""

import types
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from vibeguard.core.model.events import SCHEMA_VERSION, Event

_HEAD = f"""# The event log

<!-- Made from the event types by scripts/schemas; a test fails when the two differ. -->

A run writes `events.jsonl` in its folder: UTF-8, one JSON object a line, schema {SCHEMA_VERSION}.
Every event carries `type`, `seq` (0, 1, 2 ... without gaps) and `t` (monotonic nanoseconds since
the start of the run). A name that ends in `_ns` counts nanoseconds, one in `_bytes` bytes.
A field that has its default is left out. Readers of schema 1.x ignore fields that they do not know.
`schemas/event.schema.json` says the same to programs.
"""


def events_reference() -> str:
    """The whole page, ending in a newline."""
    events: list[type[Struct]] = list(get_args(Event))
    parts = [_HEAD, "## Events\n", *(_section(event) for event in events)]
    nested = list(_nested(events))
    parts += ["## What the fields hold\n", *(_section(part) for part in nested)]
    parts += ["## Words\n", *(_words(enum) for enum in _enums([*events, *nested]))]
    return "\n".join(parts).rstrip() + "\n"


def _section(struct: type[Struct]) -> str:
    tag = struct.__struct_config__.tag
    title = f"`{tag}`" if tag else struct.__name__
    lines = [f"### {title}\n", _prose(struct.__doc__), ""]
    fields = [field for field in structs.fields(struct) if field.name not in ("seq", "t")]
    if fields:
        hints = get_type_hints(struct)
        lines += ["| field | type | default |", "|---|---|---|"]
        lines += [f"| `{f.encode_name}` | {_type(hints[f.name])} | {_default(f)} |" for f in fields]
        lines.append("")
    return "\n".join(lines)


def _words(enum: type[StrEnum]) -> str:
    words = ", ".join(f"`{member.value}`" for member in enum)
    return f"### {enum.__name__}\n\n{_prose(enum.__doc__)}\n\n{words}\n"


def _prose(docstring: str | None) -> str:
    return "\n".join(line.strip() for line in (docstring or "").strip().splitlines())


def _default(field: structs.FieldInfo) -> str:
    if field.required:
        return "always there"
    default = field.default if field.default is not NODEFAULT else field.default_factory()
    if default is None:
        return "`null`"
    if isinstance(default, Struct) or default in ("", (), {}):
        return "empty"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


_PLAIN = {str: "text", int: "integer", bool: "boolean", type(None): "null"}


def _type(hint: Any) -> str:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"text to {_type(arguments[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    name: str = hint.__name__
    return f"[{name}](#{name.lower()})"


def _nested(found: list[type[Struct]]) -> Iterator[type[Struct]]:
    """Every struct that stands in a field, in the order in which a reader meets them."""
    seen = set(found)
    queue = list(found)
    for struct in queue:
        for part in _parts(struct):
            if issubclass(part, Struct) and part not in seen:
                seen.add(part)
                queue.append(part)
                yield part


def _enums(found: list[type[Struct]]) -> list[type[StrEnum]]:
    parts = (part for struct in found for part in _parts(struct))
    return list(dict.fromkeys(part for part in parts if issubclass(part, StrEnum)))


def _parts(struct: type[Struct]) -> Iterator[type]:
    pending = list(get_type_hints(struct).values())
    for hint in pending:
        if isinstance(hint, type) and get_origin(hint) is None:
            yield hint
        elif get_origin(hint) is not Literal:
            pending.extend(argument for argument in get_args(hint) if argument is not ...)
