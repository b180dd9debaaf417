"""The JSON Schema of `vibeguard.yaml`, for editors and validators, made from the table of keys.

The file holds texts (`90s`, `1GiB`, `on`) where the structs hold what they mean. Editors read
YAML's plain scalars as numbers, booleans or null, so these pass wherever the loader takes their
text. Draft 7, since that is what editors know.
"""

import re
from typing import Any

from msgspec import Struct, structs

from vibeguard.core.config.scalars import LONGEST_ID
from vibeguard.core.model import keys
from vibeguard.core.model.config import Config
from vibeguard.core.model.config_parts import Requirement, Triggers
from vibeguard.core.model.keys import Key, Kind, keys_of
from vibeguard.core.model.notification import Notification
from vibeguard.core.results.registry import FORMATS, JSON_TOOLS

Schema = dict[str, Any]

_SCALAR = ["string", "number", "boolean", "null"]
_DURATION = r"^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$"
_SIZE = r"^[0-9]{1,18}(\.[0-9]{1,9})? ?([KMGTkmgt]?[iI]?[bB])?$"
_TRUTH = ["true", "false", "yes", "no", "on", "off", "y", "n"]
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
# `on` and `yes` are names too; some YAML readers make booleans of them.
_ID: Schema = {
    "type": ["string", "boolean"],
    "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$",
    "maxLength": LONGEST_ID,
}
# What each name in a list of such looks like.
_NAMES: dict[type[Kind], str] = {
    keys.Tags: "^[a-z][a-z0-9-]*$",
    keys.Globs: "^!?[^/]",
    keys.Labels: "^[A-Za-z0-9][A-Za-z0-9_.=/+-]{0,63}$",
    keys.Files: "^[^/]",
    keys.VariableNames: "^[^=]+$",
}
_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": _SCALAR}}
_TEXT_OR_LIST: Schema = {"type": [*_SCALAR, "array"], "items": {"type": _SCALAR}}


def config_schema() -> Schema:
    """The whole schema, without `$id`."""
    return {
        "title": "vibeguard.yaml",
        "description": "Checks of a repository, run as a dependency graph.",
        **_mapping(Config),
    }


def _mapping(struct: type[Struct]) -> Schema:
    """A mapping with the keys of a struct; those without a default must be there."""
    required = {field.name for field in structs.fields(struct) if field.required}
    table = keys_of(struct)
    properties = {
        name: _property(of.key, must_be=of.field in required) for name, of in table.items()
    }
    return _object(properties, [name for name, of in table.items() if of.field in required])


def _object(properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _property(key: Key, *, must_be: bool) -> Schema:
    written = _LINK.sub(r"\1", key.doc)
    described = {"description": written[0].upper() + written[1:] + ".", **_written(key.kind)}
    if not must_be:
        return _nullable(described)
    if isinstance(key.kind, keys.Command):
        return {**described, "type": ["string", "number", "boolean"], "minLength": 1}
    return {**described, "minItems": 1} if isinstance(key.kind, keys.Entries) else described


def _nullable(schema: Schema) -> Schema:
    """The loader takes null as absent. No `anyOf`: editors would no longer say what is wrong."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": types if "null" in types else [*types, "null"]}


def _written(kind: Kind) -> Schema:
    """What a value of this kind looks like in the file."""
    match kind:
        case keys.Version():
            return {"enum": ["1", 1]}
        case keys.Identifier():
            return _ID
        case keys.Choice(words):
            return {"enum": [word.value for word in words]}
        case keys.Truth():
            return {"enum": [True, False, *_TRUTH]}
        case keys.Placement():
            return {"enum": [True, False, "auto", *_TRUTH]}
        case keys.Reuse():
            return {"enum": [True, False, "confirm", *_TRUTH]}
        case keys.Duration() | keys.Size() | keys.Count():
            return _number(kind)
        case keys.Patterns():
            return _TEXT_OR_LIST
        case keys.Variables() | keys.Environment():
            return _TEXTS
        case keys.Section(struct):
            return _mapping(struct)
        case keys.ResultSources():
            return {"type": ["object", "array"], **_source(), "items": _nullable(_source())}
        case keys.Prompts():
            return _object(dict.fromkeys(Triggers.__struct_fields__, _TEXT_OR_LIST), [])
        case keys.Texts() | keys.Tools():
            return {"type": "array", "items": {"type": _SCALAR}}
        case keys.Requirements() | keys.Entries() | keys.Choices() | keys.Notifications():
            return {"type": "array", "items": _nullable(_item(kind))}
        case _ if type(kind) in _NAMES:
            return {"type": "array", "items": _nullable({**_ID, "pattern": _NAMES[type(kind)]})}
        case _:
            return {"type": _SCALAR}


def _source() -> Schema:
    """One entry of `results`; which keys go together is the loader's to say."""
    text: Schema = {"type": "string"}
    formats = {key: {**text, "description": "The file, or output."} for key in FORMATS}
    return {
        "type": "object",
        "properties": {
            **formats,
            "json": {"enum": [*JSON_TOOLS]},
            "matcher": {"type": ["string", "object"]},
            "file": {**text, "description": "The file; without one, the output."},
        },
        "additionalProperties": False,
    }


def _number(kind: Kind) -> Schema:
    schema: Schema = {"type": ["string", "integer"]}
    match kind:
        case keys.Duration():
            # A bare number has no unit; only 0 means the same in all of them.
            return {**schema, "pattern": _DURATION, "minimum": 0, "maximum": 0}
        case keys.Count(least, most):
            bounds = {"minimum": least, "maximum": most}
            return {**schema, "pattern": "^[+]?[0-9]{1,18}$", **bounds}
        case _:
            return {**schema, "pattern": _SIZE, "minimum": 1}


def _item(kind: Kind) -> Schema:
    match kind:
        case keys.Entries(struct):
            return _mapping(struct)
        case keys.Notifications():
            return _mapping(Notification)
        case keys.Choices(words):
            return {"enum": [word.value for word in words]}
        case keys.Requirements():
            # An id, or a mapping with one: each rule applies to one of the two.
            return {**_mapping(Requirement), **_ID, "type": ["string", "boolean", "object"]}
        case _:
            raise TypeError(f"{kind} has no schema")
