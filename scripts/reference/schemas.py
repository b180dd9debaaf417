"""The published JSON Schemas, made from the types: what `schemas/` holds, file by file."""

from typing import Any

import msgspec

from scripts.reference.config_schema import config_schema
from vibeguard.core.model.events import SCHEMA_VERSION, Event
from vibeguard.core.model.report import REPORT_SCHEMA_VERSION, Report

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """File name -> schema, each with `$schema` and `$id`."""
    report = {"title": "The document of --json", **msgspec.json.schema(Report)}
    return {
        "config.schema.json": _headed("config", "1", DRAFT_7, config_schema()),
        "event.schema.json": _headed("event", SCHEMA_VERSION, DRAFT_2020, _event_schema()),
        "report.schema.json": _headed("report", REPORT_SCHEMA_VERSION, DRAFT_2020, report),
    }


def _headed(name: str, version: str, draft: str, schema: Schema) -> Schema:
    head = {"$schema": draft, "$id": f"urn:vibeguard:schema:{name}:{version}"}
    return {**head, **_tidied(schema)}


def _tidied(value: Any, key: str = "") -> Any:
    """Descriptions come from docstrings: without their indentation."""
    if isinstance(value, dict):
        return {name: _tidied(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_tidied(item) for item in value]
    if key == "description":
        return "\n".join(line.strip() for line in value.splitlines())
    return value


def _event_schema() -> Schema:
    schema = msgspec.json.schema(Event)
    for definition in schema["$defs"].values():
        properties = definition.get("properties", {})
        if "seq" in properties:
            _stamped(definition, properties)
    return {
        "title": "One line of events.jsonl",
        "description": "Readers ignore fields that they do not know.",
        **schema,
    }


def _stamped(definition: Schema, properties: Schema) -> None:
    """In a log every event has been numbered and dated, unlike one that is still to be written."""
    properties["seq"] = {"type": "integer", "minimum": 0, "description": "Its number in the log."}
    properties["t"] = {
        "type": "integer",
        "minimum": 0,
        "description": "Monotonic nanoseconds since the start of the run.",
    }
    required = [name for name in definition["required"] if name != "type"]
    definition["required"] = ["type", "seq", "t", *required]
