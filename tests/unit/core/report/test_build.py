"""The report document: a superset of the first VibeGuard's, in plan order."""

import json

import pytest

from tests.helpers.histories import SECOND, History, check
from tests.helpers.samples import SAMPLES
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import TriggeredPrompt
from vibeguard.core.model.report import Report
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus, Outcome, Reason, Severity
from vibeguard.core.problems import Problem
from vibeguard.core.report.build import build_report, problems_document
from vibeguard.core.report.conclusion import Ending
from vibeguard.core.report.safe_json import encode_document


def report_of(sample: str, **options) -> Report:
    return build_report(SAMPLES[sample]().state, **options)


def test_the_original_s_fields_are_all_there():
    document = json.loads(encode_document(report_of("failing", run_folder="/runs/1")))
    assert {"checks", "violations", "exit_code", "fail_fast_triggered"} <= document.keys()
    unit = next(each for each in document["checks"] if each["id"] == "unit")
    assert {"id", "status", "duration_ms", "tags", "triggered_prompts"} <= unit.keys()
    violation = document["violations"][1]
    assert {key: violation[key] for key in ("id", "severity", "command", "suggestion", "fix")} == {
        "id": "unit",
        "severity": "error",
        "command": "pytest -q\n",
        "suggestion": "Coverage is 71.5%.",
        "fix": "make cover MIN=71.5",
    }
    assert violation["extracted"] == {"cov": "71.5"}
    assert violation["log_file"] == "/runs/1/output/unit.1.log"
    assert violation["triggered_prompts"] == [
        {"event": "failure", "source": "inline", "content": "Look at the tests first."}
    ]


def test_checks_stand_in_plan_order_whenever_they_settled():
    assert [each.id for each in report_of("failing").checks] == [
        *("fmt", "unit", "deploy", "announce", "integration", "docs", "site", "wobbly"),
    ]


def test_violations_are_what_did_not_pass_of_either_severity_and_no_skipped_dependents():
    assert [(v.id, v.severity, v.status) for v in report_of("failing").violations] == [
        ("fmt", "warning", "failed"),
        ("unit", "error", "failed"),
        ("integration", "error", "failed"),
    ]
    assert [v.status for v in report_of("hanging").violations] == ["timeout", "error"]


def test_extracted_values_of_passing_checks_are_there():
    unit = next(each for each in report_of("passing").checks if each.id == "unit")
    assert (unit.status, unit.extracted) == ("passed", {"cov": "81"})


def test_prompts_of_passing_checks_are_there():
    run = History(check("a"))
    run.ready("a")
    prompt = TriggeredPrompt(event="success", source="praise", content="Well done")
    run.passes("a", prompts=(prompt,))
    (shown,) = build_report(run.finish().state).checks[0].triggered_prompts
    assert (shown.event, shown.source, shown.content) == ("success", "praise", "Well done")


def test_an_unfinished_check_shows_its_state_as_status():
    report = report_of("unfinished")
    assert [each.status for each in report.checks] == ["failed", "running", "queued"]
    assert (report.state, report.verdict, report.exit_code) == ("running", None, 1)


def test_a_skip_names_its_root_cause_and_what_stood_in_between():
    announce = next(each for each in report_of("failing").checks if each.id == "announce")
    assert (announce.root_cause, announce.message) == (
        "unit",
        "requires deploy, which was skipped: unit failed",
    )


def test_flaky_leaked_waived_and_ran_before_are_said():
    checks = {each.id: each for each in report_of("failing").checks}
    assert (checks["wobbly"].flaky, checks["wobbly"].attempts) == (True, 2)
    assert checks["site"].waived
    assert checks["docs"].ran_before == ("integration",)
    assert next(each for each in report_of("hanging").checks if each.id == "leaky").leaked


@pytest.mark.parametrize(
    ("sample", "exit_code", "verdict", "triggered"),
    [
        ("passing", 0, "passed", False),
        ("failing", 1, "failed", False),
        ("cancelled", 130, "cancelled", False),
        ("fail_fast", 1, "failed", True),
    ],
)
def test_the_verdict_and_fail_fast_are_said(sample, exit_code, verdict, triggered):
    report = report_of(sample)
    assert (report.exit_code, report.verdict) == (exit_code, verdict)
    assert report.fail_fast_triggered is triggered


def test_what_the_reader_of_the_log_knows_wins():
    ending = Ending(log_status=LogStatus.INCOMPLETE, problem="the writer is gone")
    report = report_of("unfinished", ending=ending)
    assert (report.state, report.exit_code, report.reason) == (
        "incomplete",
        3,
        "the writer is gone",
    )
    assert report_of("unfinished", ending=Ending(log_status=LogStatus.CORRUPT)).exit_code == 4
    assert report_of("unfinished", ending=Ending(exit_code=5)).exit_code == 5


@pytest.mark.parametrize(
    ("log_status", "state", "exit_code"),
    [
        (LogStatus.INCOMPLETE, "incomplete", 3),
        (LogStatus.CORRUPT, "corrupt", 4),
        (LogStatus.LIVE, "running", 5),
    ],
)
def test_a_verdict_without_its_seal_is_none(log_status, state, exit_code):
    """The supervisor may be killed between its last event and the seal, or go on to write it."""
    events = SAMPLES["passing"]().events[:-1]
    unsealed = State()
    for event in events:
        apply(unsealed, event)
    report = build_report(unsealed, ending=Ending(log_status=log_status))
    assert (report.state, report.verdict, report.exit_code) == (state, None, exit_code)


def test_a_failure_before_the_seal_is_a_failure_so_far():
    unsealed = State()
    for event in SAMPLES["failing"]().events[:-1]:
        apply(unsealed, event)
    report = build_report(unsealed, ending=Ending(log_status=LogStatus.LIVE))
    assert (report.verdict, report.exit_code) == (None, 1)


def test_the_duration_is_the_time_it_really_took():
    checks = {each.id: each.duration_ms for each in report_of("failing").checks}
    assert (checks["unit"], checks["wobbly"], checks["deploy"]) == (2300, 1800, 0)
    assert {c.id: c.duration_ms for c in report_of("hanging").checks}["hang"] == 7050


def test_a_state_without_events_is_a_report_of_nothing_and_not_green():
    report = build_report(State())
    assert (report.checks, report.state, report.verdict, report.exit_code) == (
        (),
        "pending",
        None,
        5,
    )


def test_a_missing_value_in_a_suggestion_shows_as_such():
    run = History(check("a", suggestion="Coverage is {{.cov}}%.", severity=Severity.WARNING))
    run.ready("a")
    run.fails("a")
    assert "no value" in build_report(run.finish().state).violations[0].suggestion


def test_vars_win_over_extracted_values():
    run = History(check("a", suggestion="{{.x}}"), vars={"x": "var"})
    run.ready("a")
    run.start("a")
    run.after(SECOND).exit("a", code=1, extracted={"values": {"x": "extracted"}})
    run.settle("a", Outcome.FAILED, Reason.EXIT_CODE)
    assert build_report(run.finish().state).violations[0].suggestion == "var"


def test_extracted_values_that_a_shell_could_act_on_make_a_fix_no_command():
    run = History(check("a", fix="echo {{.x}}", suggestion="say {{.x}}"))
    run.ready("a")
    run.start("a")
    run.after(SECOND).exit("a", code=1, extracted={"values": {"x": "$(reboot)"}})
    run.settle("a", Outcome.FAILED, Reason.EXIT_CODE)
    (violation,) = build_report(run.finish().state).violations
    assert (violation.fix, violation.suggestion) == ("", "say $(reboot)")
    assert (violation.fix_template, violation.fix_values) == ("echo {{.x}}", {"x": "$(reboot)"})


def test_config_errors_are_the_same_document_with_errors():
    problems = [
        Problem("no such key", "remove it", "v.yaml", 3, 5, "x: y"),
        Problem("lone \ud800", ""),
    ]
    document = json.loads(encode_document(problems_document(problems)))
    assert document["exit_code"] == 2
    assert document["state"] == "refused"
    assert document["checks"] == document["violations"] == []
    assert document["errors"] == [
        {"file": "v.yaml", "line": 3, "column": 5, "message": "no such key", "hint": "remove it"},
        {"file": "", "line": 0, "column": 0, "message": "lone \ufffd", "hint": ""},
    ]


def test_a_requirement_s_settings_do_not_hide_its_name():
    run = History(check("a"), check("b", requires=(Requirement("a"),)))
    assert build_report(run.state).checks[1].requires == ("a",)
