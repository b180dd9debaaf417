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
_NUMBER: Schema = {"type": ["string", "integer"]}
_TEXTS_LISTED: Schema = {"type": "array", "items": {"type": _SCALAR}}
# Kinds that are written alike wherever they stand.
_PLAIN: dict[type[Kind], Schema] = {
    keys.Version: {"enum": ["1", 1]},
    keys.Identifier: _ID,
    keys.Truth: {"enum": [True, False, *_TRUTH]},
    keys.Placement: {"enum": [True, False, "auto", *_TRUTH]},
    keys.Reuse: {"enum": [True, False, "confirm", *_TRUTH]},
    keys.Patterns: _TEXT_OR_LIST,
    keys.Variables: _TEXTS,
    keys.Environment: _TEXTS,
    keys.Texts: _TEXTS_LISTED,
    keys.Tools: _TEXTS_LISTED,
}


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
        case keys.Choice(words):
            return {"enum": [word.value for word in words]}
        case keys.Duration():
            # A bare number has no unit; only 0 means the same in all of them.
            return {**_NUMBER, "pattern": _DURATION, "minimum": 0, "maximum": 0}
        case keys.Size():
            return {**_NUMBER, "pattern": _SIZE, "minimum": 1}
        case keys.Count(least, most):
            bounds = {"minimum": least, "maximum": most}
            return {**_NUMBER, "pattern": "^[+]?[0-9]{1,18}$", **bounds}
        case keys.Section(struct):
            return _mapping(struct)
        case keys.ResultSources():
            return {**_source(), "type": ["object", "array"], "items": _nullable(_source())}
        case keys.Prompts():
            return _object(dict.fromkeys(Triggers.__struct_fields__, _TEXT_OR_LIST), [])
        case keys.Entries(struct):
            return _list_of(_mapping(struct))
        case keys.Notifications():
            return _list_of(_mapping(Notification))
        case keys.Choices(words):
            return _list_of({"enum": [word.value for word in words]})
        case keys.Requirements():
            # An id, or a mapping with one: each rule applies to one of the two.
            either = {**_mapping(Requirement), **_ID, "type": ["string", "boolean", "object"]}
            return _list_of(either)
        case _ if type(kind) in _NAMES:
            return _list_of({**_ID, "pattern": _NAMES[type(kind)]})
        case _:
            return _PLAIN.get(type(kind), {"type": _SCALAR})


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": _nullable(item)}


def _source() -> Schema:
    """One entry of `results`; which keys go together is the loader's to say."""
    text: Schema = {"type": "string"}
    formats = {key: {**text, "description": "The file, or output."} for key in FORMATS}
    properties: Schema = {
        **formats,
        "json": {"enum": [*JSON_TOOLS]},
        "matcher": {"type": ["string", "object"]},
        "file": {**text, "description": "The file; without one, the output."},
    }
    return _object(properties, [])
