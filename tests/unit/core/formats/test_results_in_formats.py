"""Single results in every format, and the exports that consumers of others read."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.helpers.histories import History, check
from tests.helpers.replays import replay
from vibeguard.core.formats.github import LIMIT
from vibeguard.core.formats.registry import FORMATS
from vibeguard.core.model.event_parts import Excerpt
from vibeguard.core.model.events import CheckResults
from vibeguard.core.model.results import Quarantine, Result, ResultsSource
from vibeguard.core.names import (
    Level,
    Outcome,
    QuarantineState,
    Reason,
    ResultKind,
    ResultOutcome,
    Severity,
)

SCHEMAS = Path(__file__).parents[3] / "helpers" / "schemas"
HOSTILE = "::error::x\x1b[31m\n##[error]y <script>&'\" \u202e"


def failed(number: int, **more) -> Result:
    fields = {
        "name": f"tests.test_app::test_{number}",
        "outcome": ResultOutcome.FAILED,
        "file": "tests/test_app.py",
        "line": 10 + number,
        "message": f"assert {number} == 27\nmore of it",
        "duration_ns": 2_000_000,
    }
    return Result(ResultKind.TEST, **{**fields, **more})


def passed(number: int) -> Result:
    return Result(ResultKind.TEST, name=f"t::p{number}", outcome=ResultOutcome.PASSED)


def finding(number: int, level: Level = Level.ERROR, **more) -> Result:
    fields = {
        "severity": level,
        "file": "src/a b,c.py",
        "line": number,
        "column": 3,
        "rule": "F401",
    }
    return Result(ResultKind.DIAGNOSTIC, **{**fields, "message": f"unused {number}", **more})


def run_with(results, *, code: int = 1, lines=(), ids=("unit",), notes=(), sources=(), **fields):
    """A run whose checks report these results, in the order of the worst first."""
    sources = sources or (ResultsSource("junit", "out.xml"),)
    run = History(*(check(id_, results=sources, **fields) for id_ in ids))
    run.ready(*ids)
    for id_ in ids:
        run.start(id_)
        run.after(10**9).exit(id_, code=code)
        failing = sum(1 for one in results if one.outcome is ResultOutcome.FAILED)
        held = QuarantineState.APPLIES if fields.get("quarantine") else QuarantineState.NONE
        run.add(
            CheckResults,
            check=id_,
            attempt=1,
            failing=failing,
            results=tuple(results),
            quarantine=held,
            notes=notes,
        )
        if code:
            run.settle(
                id_, Outcome.FAILED, Reason.EXIT_CODE, quarantined=held is QuarantineState.APPLIES,
                excerpt=Excerpt("pytest", lines), tail=lines[-2:],
            )  # fmt: skip
        else:
            run.settle(id_, Outcome.PASSED)
    return run.finish().events


def test_one_failure_among_5000_tests_is_in_the_first_15_lines_with_file_and_line():
    events = run_with([failed(1), *map(passed, range(4_999))], lines=("E   assert 1 == 27", "x"))
    for name in ("agent", "text"):
        head = replay(name, events).splitlines()[:15]
        assert any("tests/test_app.py:11: assert 1 == 27" in line for line in head), head


def test_the_agent_reads_the_place_before_the_output_and_nothing_twice():
    lines = ("E   assert 1 == 27", "tests/test_app.py:11: AssertionError", "the cause", "1 failed")
    text = replay("agent", run_with([failed(1)], lines=lines))
    assert text.index("tests/test_app.py:11") < text.index("the cause")
    assert text.count("assert 1 == 27") == text.count("test_app.py:11") == 1


@pytest.mark.parametrize("budget", [2000, 4000])
def test_fifty_failures_keep_every_first_line_within_the_budget(budget):
    context = tuple(f"context line {number} of a long output" for number in range(38))
    text = replay("agent", run_with([failed(n) for n in range(50)], lines=context), budget=budget)
    for number in range(50):
        assert f"test_app.py:{10 + number}: assert {number} == 27" in text
    assert len(text.encode()) <= budget * 3


def test_more_results_than_fit_are_counted():
    text = replay("agent", run_with([failed(n) for n in range(500)]), budget=500)
    assert re.search(r"\[\d+ more results\]", text)
    assert "[480 more results]" in replay("text", run_with([failed(n) for n in range(500)]))


def test_github_annotates_file_line_and_column_within_its_limits():
    results = [failed(1), finding(2), *(finding(n, Level.WARNING) for n in range(3, 30))]
    lines = replay("github", run_with(results)).splitlines()
    assert (
        "::error file=tests/test_app.py,line=11,title=unit%3A tests.test_app%3A%3Atest_1::"
        in "\n".join(lines)
    )
    assert any(
        line.startswith("::error file=src/a b%2Cc.py,line=2,col=3,title=unit%3A F401::")
        for line in lines
    )
    for level in ("error", "warning", "notice"):
        assert sum(1 for line in lines if line.startswith(f"::{level} ")) <= LIMIT
    assert [line[2:7] for line in lines[:3]] == ["error"] * 3


def test_where_many_checks_fail_annotations_are_places_before_they_are_checks():
    text = replay("github", run_with([failed(1), failed(2)], ids=tuple(f"c{n}" for n in range(12))))
    assert text.count("::error file=tests/test_app.py,line=11,") == 9
    assert "::error title=27 more::" in text


def test_no_check_takes_all_annotations():
    events = run_with([failed(n) for n in range(40)], ids=("a", "b", "c"))
    text = replay("github", events)
    for id_ in "abc":
        assert f"title={id_}%3A tests.test_app" in text


def test_junit_has_a_suite_of_real_cases_for_each_check():
    skipped = Result(ResultKind.TEST, name="t::s", outcome=ResultOutcome.SKIPPED, message="later")
    root = ET.fromstring(replay("junit", run_with([failed(1), skipped, passed(2)])))
    suite = root.findall("testsuite")[1]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("unit", "3", "1")
    case = suite[0]
    assert (case.get("file"), case.get("line")) == ("tests/test_app.py", "11")
    assert case.find("failure").text.startswith("tests/test_app.py:11\nassert 1 == 27")
    assert (root.get("tests"), root.get("failures")) == ("4", "2")


def test_a_warning_or_quarantined_check_has_no_failed_case_that_would_fail_a_build():
    listed = Quarantine(("tests.test_app::test_1",), "2999-01-01", "X-1", "me")
    for fields in ({"severity": Severity.WARNING}, {"quarantine": listed}):
        events = run_with([failed(1)], **fields)
        assert "<failure" not in replay("junit", events)
        assert "::error" not in replay("github", events)
    assert (
        "quarantined: every test that failed is known (until 2999-01-01, X-1, owner me)"
        in replay("text", events)
    )


def samples():
    yield run_with([failed(1), finding(2), finding(3, Level.INFO, line=0, column=0)])
    yield run_with([])
    yield run_with([finding(1, Level.WARNING)], code=0)
    yield run_with([failed(1, message=HOSTILE, name=HOSTILE, file="a:b c/\u00e4.py")])
    yield run_with([failed(n) for n in range(30)], ids=tuple(f"c{n}" for n in range(25)))


@pytest.mark.parametrize("number", range(5))
def test_the_official_schemas_accept_sarif_and_ctrf(number):
    events = list(samples())[number]
    for name, schema in (("sarif", "sarif-2.1.0"), ("ctrf", "ctrf-schema-0.0")):
        rules = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
        kind = jsonschema.validators.validator_for(rules)
        document = json.loads(replay(name, events))
        assert [error.message for error in kind(rules).iter_errors(document)] == []


def test_sarif_has_a_run_a_check_with_a_category_of_its_own_and_github_s_limits():
    document = json.loads(replay("sarif", list(samples())[4]))
    categories = [run["automationDetails"]["id"] for run in document["runs"]]
    assert len(categories) == len(set(categories)) == 20
    left_out = [f"c{n}" for n in range(19, 25)]
    assert document["runs"][0]["properties"]["leftOut"] == left_out
    told = [one["message"]["text"].split()[0] for one in document["runs"][0]["results"]]
    assert told == left_out  # none that failed is told of in a property alone
    many = run_with([failed(n) for n in range(2_600)], ids=tuple(f"c{n}" for n in range(10)))
    runs = json.loads(replay("sarif", many))["runs"]
    assert sum(len(run["results"]) for run in runs) == 25_000


def test_every_sarif_result_has_a_place():
    for events in samples():
        for run in json.loads(replay("sarif", events))["runs"]:
            for result in run["results"]:
                (location,) = result["locations"]
                assert location["physicalLocation"]["artifactLocation"]["uri"]
                assert location["physicalLocation"]["region"]["startLine"] >= 1


def test_gitlab_has_what_its_widget_requires():
    for events in samples():
        document = json.loads(replay("gitlab", events))
        prints = [entry["fingerprint"] for entry in document]
        assert len(prints) == len(set(prints))
        for entry in document:
            assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
            assert entry["location"]["lines"]["begin"] >= 1
            assert entry["location"]["path"]
            assert entry["check_name"]
            assert entry["description"]


def test_junitparser_and_the_tools_that_read_our_junit_accept_it():
    junitparser = pytest.importorskip("junitparser")
    for events in samples():
        root = junitparser.JUnitXml.fromstring(replay("junit", events).encode())
        cases = [case for suite in root for case in suite]
        assert len(cases) == root.tests


def test_the_schema_that_jenkins_goes_by_accepts_it():
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
    for events in samples():
        # The schema knows neither nor: pytest's own xunit1 has them, and Jenkins reads them.
        text = re.sub(r' (?:file|line)="[^"]*"', "", replay("junit", events))
        schema.assertValid(etree.fromstring(text.encode()))


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"jsonl", "live"}))
def test_hostile_results_are_harmless_everywhere(name):
    text = replay(
        name, run_with([failed(1, message=HOSTILE, name=HOSTILE, file="a\x1b]0;x")]), ci=True
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"^\s*(::error::x|##\[error\]y)", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["sarif", "gitlab", "github"])
@pytest.mark.parametrize("others", [[], [failed(3)]])
def test_a_failed_test_without_a_file_is_named_with_its_check(name, others):
    """Surefire and Gradle write none: the exports that show places said `exit code 1` alone."""
    text = replay(name, run_with([*others, *(failed(n, file="", line=0) for n in (1, 2))]))
    for number in (1, 2):
        assert f"assert {number} == 27 [tests.test_app::test_{number}]" in text
    many = [failed(n, file="", line=0) for n in range(30)]
    assert re.search(r"(10|25) more results", replay(name, run_with(many)))


def shown_of(result: Result, lines: tuple[str, ...], **source) -> list[str]:
    """What the text of a run shows of an output, as `  | ` lines, beside a result."""
    sources = (ResultsSource(**source),) if source else ()
    text = replay("text", run_with([result], lines=lines, sources=sources)).splitlines()
    return [line[4:] for line in text if line.startswith("  |")]


def test_of_an_output_that_is_a_document_the_results_are_shown_and_what_else_was_said():
    lines = ("npm error!", '[{"filePath":"a.js",', '  "line": 3', "<a/>", "}]", "crashed")
    for reader in ("json eslint", "sarif", "junit", "ctrf"):
        assert shown_of(finding(2), lines, reader=reader) == ["npm error!", "crashed"]
    for source in ({"reader": "json go-test"}, {"reader": "junit", "file": "a.xml"}):
        assert len(shown_of(finding(2), lines, **source)) == len(lines)


def test_in_the_table_of_failures_only_the_columns_cut_a_message():
    """It ended after 60 characters, in a pipe and on a terminal of 200 columns too."""
    events = run_with([finding(2, message="m" * 100)], ids=("a", "b"))
    for columns, shown in ((0, 100), (200, 100), (60, 20)):
        rows = replay("text", events, columns=columns).splitlines()
        assert any(row.startswith("  failed  a") and "m" * shown in row for row in rows)


def test_an_excerpt_begins_with_something_and_has_no_two_gaps_together():
    lines = ("", "...", "a", "...", "assert 1 == 27", "...", "", "b", "", "...")
    assert shown_of(failed(1), lines) == ["a", "...", "", "b"]


def test_what_a_message_says_beyond_its_first_line_stays_in_the_output():
    """pytest's `where`, and all of a message that begins with `Expected values to be equal:`."""
    where = failed(1, message="assert 1 == 27\n +  where 1 = f()")
    assert shown_of(where, ("E   assert 1 == 27", "E    +  where 1 = f()")) == [
        "E    +  where 1 = f()"
    ]
    text = replay("text", run_with([failed(1, message="Expected to be equal:\n\n2 !== 1\nmore")]))
    assert "Expected to be equal: 2 !== 1 [" in text


@pytest.mark.parametrize("name", ["sarif", "gitlab"])
def test_a_failure_that_no_error_at_a_place_explains_is_told_of_itself(name):
    found = Result(ResultKind.DIAGNOSTIC, severity=Level.WARNING, file="a.c", line=1, message="w")
    text = replay(name, run_with([found]))
    assert "unit failed: exit code 1" in text
    assert '"a.c"' in text


@pytest.mark.parametrize(
    ("name", "word", "no"), [("sarif", "warning", "error"), ("gitlab", "minor", "critical")]
)
def test_what_a_check_reports_that_only_warns_is_a_warning(name, word, no):
    text = replay(name, run_with([failed(1)], severity=Severity.WARNING))
    assert f'"{word}"' in text
    assert f'"{no}"' not in text


def test_no_annotation_holds_a_command_of_the_old_form():
    found = failed(1, name="##vso[a]", message="##[b]", file="##vso[c].py")
    assert "##" not in replay("github", run_with([found]), ci=True)


def test_a_note_quotes_no_line_that_the_output_shows():
    """go writes no event of a package that does not compile: its report and its output are one."""
    said = ("# example.com/shop", "./cart.go:3:2: declared and not used: total")
    note = "the output cannot be read: no event of go test: " + "\n".join(said)
    text = replay("text", run_with([], notes=(note,), lines=said))
    assert "  note: the output cannot be read: no event of go test\n" in text
    assert [text.count(line) for line in said] == [1, 1]


def test_pages_list_the_results():
    events = run_with([failed(1), finding(2)])
    for name in ("html", "markdown"):
        assert "tests/test_app.py:11" in replay(name, events)
