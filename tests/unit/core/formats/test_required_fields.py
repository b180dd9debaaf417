"""No export leaves out what its consumers require because it equals a default.

Each machine format over every sample run, held to its official schema where there is one.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf.json_format import Parse
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from lxml import etree
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.helpers.command import ROOT
from tests.helpers.pages import hostile_run, run_of
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.formats.registry import FORMATS, STATEMENTS
from vibeguard.core.problems import UsageError

OFFICIAL = Path(__file__).parents[3] / "helpers" / "schemas"
RUNS = {
    **SAMPLES,
    "nothing": lambda: run_of(0),
    "hostile": hostile_run,
    "many": lambda: run_of(24, 3),
}
FOR_PEOPLE = {"text", "live", "watch", "agent", "github", "markdown", "html"}


@cache
def rules(path: Path) -> Any:
    schema = json.loads(path.read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def by_schema(path: Path) -> Callable[[str], None]:
    return lambda text: rules(path).validate(json.loads(text))


def gitlab(text: str) -> None:
    """As its documentation lists them; there is no schema."""
    for entry in json.loads(text):
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= entry.keys()
        assert entry["location"].keys() == {"path", "lines"}
        assert isinstance(entry["location"]["lines"]["begin"], int)


def junit(text: str) -> None:
    """Jenkins' schema; it has neither `file` and `line` nor properties of a case, as pytest writes."""
    schema = etree.XMLSchema(etree.parse(OFFICIAL / "junit-10.xsd"))
    root = etree.fromstring(text.encode())
    for case in root.iter("testcase"):
        assert {"name", "classname", "time"} <= set(case.attrib)
        for name in ("file", "line"):
            case.attrib.pop(name, None)
        for properties in case.findall("properties"):
            case.remove(properties)
    schema.assertValid(root)


def trace(text: str) -> None:
    """The fields of each phase of the trace-event format."""
    more = {"X": {"dur"}, "i": {"s"}, "M": {"args"}}
    events = json.loads(text)["traceEvents"]
    assert events
    for event in events:
        assert {"name", "ph", "ts", "pid", "tid"} | more.get(event["ph"], set()) <= event.keys()


def otlp(text: str) -> None:
    Parse(text, ExportTraceServiceRequest())
    (resource,) = json.loads(text)["resourceSpans"]
    for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
        required = {"traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"}
        assert required | {"status"} <= span.keys()


def in_toto(text: str) -> None:
    document = json.loads(text)
    predicate = {"result", "configuration", "passedTests", "warnedTests", "failedTests"}
    assert predicate <= document["predicate"].keys()
    Statement.copy_from_pb(Parse(text, StatementMessage())).validate()


def lines(text: str) -> None:
    for line in text.splitlines():
        rules(ROOT / "schemas/event.schema.json").validate(json.loads(line))


EXPORTS: dict[str, Callable[[str], None]] = {
    "json": by_schema(ROOT / "schemas/report.schema.json"),
    "jsonl": lines,
    "ctrf": by_schema(OFFICIAL / "ctrf-schema-0.0.json"),
    "sarif": by_schema(OFFICIAL / "sarif-2.1.0.json"),
    "gitlab": gitlab,
    "junit": junit,
    "trace": trace,
    "otlp": otlp,
    "in-toto": in_toto,
}


def test_every_format_is_for_people_or_held_to_what_its_consumers_require():
    assert EXPORTS.keys() == {*FORMATS, *STATEMENTS} - FOR_PEOPLE


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", EXPORTS)
def test_what_is_required_is_there_whatever_its_value(name, run):
    try:
        text = replay(name, RUNS[run]().events)
    except UsageError:
        assert name in STATEMENTS  # a statement of a run without a verdict is refused
        return
    EXPORTS[name](text)
