"""Exports, read by those whom they are for (DESIGN section 14): official schemas, real readers."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Predicate
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from markdown_it import MarkdownIt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.helpers.browser import MISSING, PROGRAM, browser
from tests.helpers.command import project, vibeguard
from tests.helpers.pages import hostile_run, run_of
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.problems import UsageError

SPEEDSCOPE = Path(__file__).parents[1] / "node/node_modules/speedscope/dist/release/index.html"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONFIG = """version: "1"
checks:
  - {id: unit, run: "true"}
  - {id: style, run: "exit 1", severity: warning}
  - {id: traced, run: 'test "$TRACEPARENT" = "${EXPECTED-}"'}
"""


def request_of(text: str) -> ExportTraceServiceRequest:
    """The message that the document is; ids are hexadecimal there and base64 in Protobuf's JSON."""
    return Parse(text, ExportTraceServiceRequest())


def spans_of(text: str) -> dict[str, dict]:
    request_of(text)
    (resource,) = json.loads(text)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    return {span["name"]: span for span in scope["spans"]}


def attributes(span: dict) -> dict:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


@pytest.mark.parametrize("sample", SAMPLES)
def test_otlp_is_a_message_of_the_official_schema_and_leaves_out_nothing(sample):
    text = replay("otlp", SAMPLES[sample]().events)
    for span in spans_of(text).values():
        required = {
            "traceId",
            "spanId",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "status",
        }
        assert required <= span.keys()
        assert len(bytes.fromhex(span["traceId"])) == 16
        assert len(bytes.fromhex(span["spanId"])) == 8
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


def test_a_replay_is_the_same_trace_and_spans_nest():
    text = replay("otlp", SAMPLES["failing"]().events)
    assert text == replay("otlp", SAMPLES["failing"]().events)
    spans = spans_of(text)
    root, unit = spans["vibeguard run"], spans["unit"]
    assert "parentSpanId" not in root
    assert unit["parentSpanId"] == root["spanId"]
    assert spans["wobbly: attempt 2"]["parentSpanId"] == spans["wobbly"]["spanId"]
    assert attributes(unit)["cicd.pipeline.task.run.result"] == "failure"
    assert attributes(spans["deploy"])["cicd.pipeline.task.run.result"] == "skip"
    assert unit["status"]["code"] == 2
    assert root["startTimeUnixNano"] == "1795500000000000000"  # 2026-11-24T06:00:00Z


def test_a_cancelled_run_and_its_checks_are_no_spans_without_a_fault():
    spans = spans_of(replay("otlp", SAMPLES["cancelled"]().events))
    told = {name: spans[name]["status"] for name in ("vibeguard run", "a", "b")}
    assert {status["code"] for status in told.values()} == {2}
    assert told["vibeguard run"]["message"] == "signal"


def test_hostile_words_are_values_of_otlp():
    assert "x" * 220 in spans_of(replay("otlp", hostile_run().events))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("exports"), CONFIG)
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=here, check=True)
    (here / ".gitignore").write_text(".vibeguard/\n")
    return here


def test_a_run_is_part_of_the_trace_that_it_was_started_in_and_so_are_its_checks(folder):
    vibeguard("run", "traced", cwd=folder, env={"TRACEPARENT": PARENT, "EXPECTED": PARENT})
    done = vibeguard("report", "--format", "otlp", cwd=folder)
    assert done.returncode == 0
    root = spans_of(done.stdout)["vibeguard run"]
    assert f"00-{root['traceId']}-{root['parentSpanId']}-01" == PARENT
    vibeguard(
        "run", "traced", cwd=folder, env={"TRACEPARENT": "00-0-0-01", "EXPECTED": "00-0-0-01"}
    )
    root = spans_of(vibeguard("report", "--format", "otlp", cwd=folder).stdout)["vibeguard run"]
    assert "parentSpanId" not in root


def test_an_in_toto_statement_is_of_the_official_schema(folder):
    assert vibeguard("run", cwd=folder).returncode == 0
    done = vibeguard("report", "--format", "in-toto", cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    ours = document["predicate"].pop("vibeguard")
    assert ours["runId"]
    message = Parse(json.dumps(document), StatementMessage())
    Statement.copy_from_pb(message).validate()
    predicate = Parse(json.dumps(document["predicate"]), Predicate())
    assert predicate.result == "WARNED"
    assert (list(predicate.passed_tests), list(predicate.warned_tests)) == (
        ["unit", "traced"],
        ["style"],
    )
    assert document["predicate"]["failedTests"] == []  # a required field, though it is empty


def test_a_pass_of_a_part_is_no_statement_of_the_whole(folder):
    vibeguard("run", "unit", cwd=folder)
    done = vibeguard("report", "--format", "in-toto", cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "left out checks" in done.stderr


def test_a_run_that_passed_without_a_check_is_no_statement_of_the_whole(tmp_path):
    """`evidence` says of it that it is a part."""
    # It ends once the log says that the foreground, and so the check that would not wait, is over.
    settled = "grep -q foreground_settled .vibeguard/runs/*/events.jsonl"
    slow = f"{{id: slow, async: true, run: 'until {settled}; do sleep 0.01; done'}}"
    left = "{id: left, run: 'true', requires: [{check: slow, while_pending: skip}]}"
    here = project(tmp_path / "here", f"checks: [{slow}, {left}]\n")
    assert vibeguard("run", cwd=here).returncode == 0
    done = vibeguard("report", "--format", "in-toto", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert "passed without left" in done.stderr


@pytest.mark.parametrize("sample", ["unfinished", "cancelled"])
def test_what_has_no_verdict_is_not_stated(sample):
    with pytest.raises(UsageError, match="nothing to state"):
        replay("in-toto", SAMPLES[sample]().events)


@pytest.mark.parametrize("run", [hostile_run, SAMPLES["failing"], lambda: run_of(300, 12)])
def test_markdown_rendered_has_no_element_of_a_check_s_making(run):
    page = MarkdownIt("gfm-like", {"linkify": False}).render(replay("markdown", run().events))
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "<table" in page or "<li" in page


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
@pytest.mark.skipif(not SPEEDSCOPE.is_file(), reason="no speedscope: run scripts/node")
def test_speedscope_opens_the_trace(tmp_path):
    """As its own command line does it: a script beside the page hands it the file."""
    text = replay("trace", SAMPLES["failing"]().events)
    script = tmp_path / "profile.js"
    data = base64.b64encode(text.encode()).decode()
    script.write_text(f'speedscope.loadFileFromBase64("run.json", "{data}")')
    outer = tmp_path / "open.html"
    address = f"{SPEEDSCOPE.as_uri()}#localProfilePath={script}"
    outer.write_text(f"<script>location = {json.dumps(address)}</script>")
    with browser(tmp_path / "profile") as chromium:
        page = chromium.page(outer)
        title = page.value(
            """new Promise((done, failed) => { let left = 600; (function look() {
            if (/run.json/.test(document.title)) done(document.title);
            else if (--left) setTimeout(look, 50); else failed(document.body.innerText) })() })"""
        )
    assert "run.json" in title
