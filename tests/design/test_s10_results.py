"""Single results can turn green to red, never red to green (DESIGN section 10)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.command import environment, project, vibeguard

PASSED = '<testsuite name="pytest"><testcase classname="t" name="a" time="0.1"/></testsuite>'
FAILED = (
    '<testsuite name="pytest"><testcase classname="t" name="a"/><testcase classname="t" name="b">'
    '<failure message="one is not two">tests/t.py:3: AssertionError</failure></testcase></testsuite>'
)
FIXED = '<testsuite name="pytest"><testcase classname="t" name="b"/></testsuite>'
BROKEN = FAILED[:-20]
XFAIL = '<testsuite><testcase name="x"><skipped type="pytest.xfail"/></testcase></testsuite>'
SKIPPED = '<testsuite><testcase name="x"><skipped/></testcase></testsuite>'
EMPTY = "<testsuite/>"
RERUN = '<testsuite><testcase name="a"><failure/></testcase><testcase name="a"/></testsuite>'
BOMB = '<!DOCTYPE x [<!ENTITY a "b">]><testsuite><testcase name="&a;"/></testsuite>'
ERRORS = (
    '[{"filename": "a.py", "message": "m", "code": "F401", "location": {"row": 1, "column": 2}}]'
)
LISTED = {"results": ["t::b"], "until": "2999-01-01", "issue": "X-1", "owner": "me"}


def wrote(report: str, code: int = 0, **keys: Any) -> dict[str, Any]:
    """A check that writes a report into a file of its own and exits with a code."""
    return {"run": f"printf %s '{report}' > $VIBEGUARD_CHECK.xml; exit {code}", **keys}


def printed(text: str, source: dict[str, str], code: int = 0, **keys: Any) -> dict[str, Any]:
    return {"run": f"printf '%s\\n' '{text}'; exit {code}", "results": source, **keys}


def in_two_files(one: str, other: str, results: Any) -> dict[str, Any]:
    script = f"printf %s '{one}' >$VIBEGUARD_CHECK.1; printf %s '{other}' >$VIBEGUARD_CHECK.2"
    return {"run": script, "results": results}


def untouched(**keys: Any) -> dict[str, Any]:
    """A check that leaves the report as the test wrote it before the run."""
    return {"run": ":", **keys}


# id: the check; outcome, reason; whether the run would pass with it alone.
CASES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "pass": (wrote(PASSED), "passed", None),
    "fail": (wrote(FAILED, 1), "failed", "exit_code"),
    "red_stays_red": (wrote(PASSED, 1), "failed", "exit_code"),
    "contradiction": (wrote(FAILED), "failed", "results contradict exit code"),
    "contradiction_again": (wrote(FAILED, retries=1), "failed", "results contradict exit code"),
    "nothing_ran_again": (wrote(EMPTY, expect={"min": 1}, retries=1), "failed", "expectation"),
    "xfail": (wrote(XFAIL), "passed", None),
    "rerun": (wrote(RERUN), "passed", None),
    "nothing_ran": (wrote(EMPTY, expect={"min": 1}), "failed", "expectation"),
    "all_skipped": (wrote(SKIPPED, expect={"min": 1}), "failed", "expectation"),
    "skips": (wrote(SKIPPED, expect={"max_skipped": 0}), "failed", "expectation"),
    "no_expectation": (wrote(EMPTY), "passed", None),
    "broken": (wrote(BROKEN), "error", "results"),
    "broken_red": (wrote(BROKEN, 1), "failed", "exit_code"),
    "bomb": (wrote(BOMB), "error", "results"),
    "missing": (untouched(), "error", "results"),
    "missing_red": ({"run": "exit 3"}, "failed", "exit_code"),
    "stale": (untouched(), "error", "results"),
    "stale_red": ({"run": "exit 1"}, "failed", "exit_code"),
    "stale_allowed": (untouched(stale="allow"), "passed", None),
    "rewritten": (wrote(PASSED), "passed", None),
    "outside": (untouched(results={"junit": "../outside.xml"}), "error", "results"),
    "fifo": ({"run": "mkfifo $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "link_loop": ({"run": "ln -s $VIBEGUARD_CHECK.xml $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "link_to_a_device": ({"run": "ln -s /dev/zero $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "link_into_proc": ({"run": "ln -s /proc/self/mem $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "link_to_nowhere": ({"run": "ln -s gone $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "among_others": (
        {
            "run": "mkdir many; mkfifo many/a.xml; ln -s b.xml many/b.xml; mkdir many/c.xml",
            "results": {"junit": "many/*.xml"},
        },
        "error", "results",
    ),
    "any_depth": (
        {
            "run": f"mkdir -p deep/er; printf %s '{PASSED}' > deep/er/a.xml",
            "results": {"junit": "deep/**"},
        },
        "passed", None,
    ),
    "folders": (
        {"run": "mkdir -p empty/a", "results": {"junit": "empty/**"}}, "error", "results",
    ),
    "socket": (
        {"run": "python3 -c 'import socket; socket.socket(1).bind(\"socket.xml\")'"},
        "error", "results",
    ),
    "giant": ({"run": "truncate -s 257M $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "giant_red": ({"run": "truncate -s 257M $VIBEGUARD_CHECK.xml; exit 1"}, "failed", "exit_code"),
    "folder": ({"run": "mkdir $VIBEGUARD_CHECK.xml"}, "error", "results"),
    "lint": (printed(ERRORS, {"json": "ruff"}), "passed", None),
    "lint_expected": (
        printed(ERRORS, {"json": "ruff"}, expect={"max_errors": 0}), "failed", "expectation",
    ),
    "tap": (printed("1..2", {"tap": "output"}), "failed", "results contradict exit code"),
    "matched": (
        printed("a.c:1:2: error: m", {"matcher": "gcc"}, expect={"max_errors": 0}),
        "failed", "expectation",
    ),
    "rerun_listed": (
        in_two_files(FAILED, FIXED, [{"junit": "rerun_listed.1"}, {"junit": "rerun_listed.2"}]),
        "passed", None,
    ),
    "modules": (
        in_two_files(FAILED, FIXED, {"junit": "modules.[12]"}),
        "failed", "results contradict exit code",
    ),
    "tap_files": (
        in_two_files("1..1\nnot ok 1\n", "1..1\nok 1\n", [{"tap": "tap_files.1"}, {"tap": "tap_files.2"}]),
        "failed", "results contradict exit code",
    ),
    "quarantined": (wrote(FAILED, 1, quarantine=LISTED), "failed", "exit_code"),
    "unlisted": (
        wrote(FAILED, 1, quarantine={**LISTED, "results": ["t::a"]}), "failed", "exit_code",
    ),
    "expired": (wrote(FAILED, 1, quarantine={**LISTED, "until": "2026-01-01"}), "failed", "exit_code"),
    "usage_error": (wrote(FAILED, 2, quarantine=LISTED), "failed", "exit_code"),
    "no_failure_told": (wrote(PASSED, 1, quarantine=LISTED), "failed", "exit_code"),
    "quarantine_and_broken": (wrote(BROKEN, 1, quarantine=LISTED), "failed", "exit_code"),
    "quarantine_and_leak": (
        {**(leaky := wrote(FAILED, 1, quarantine=LISTED, leaks="fail")),
         "run": f"sleep 60 & {leaky['run']}"}, "failed", "exit_code",
    ),
    "quarantine_and_green": (
        wrote(FAILED, 0, quarantine=LISTED), "failed", "results contradict exit code",
    ),
    "quarantine_and_expectation": (
        wrote(FAILED, 1, quarantine=LISTED, expect={"min": 5}), "failed", "exit_code",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("s10") / "repository"
    checks = [
        {"id": name, "results": {"junit": f"{name}.xml"}, **check}
        for name, (check, *_) in CASES.items()
    ]
    project(folder, yaml.safe_dump({"checks": checks}, width=1000))
    (folder.parent / "outside.xml").write_text(PASSED)
    for name in ("stale", "stale_red", "stale_allowed", "rewritten"):
        (folder / f"{name}.xml").write_text(PASSED)
    (folder / "tests").mkdir()
    (folder / "tests" / "t.py").write_text("")
    done = vibeguard("run", "--json", cwd=folder)
    assert done.returncode == 1, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_results_turn_green_to_red_and_never_red_to_green(ran, name):
    _, outcome, reason = CASES[name]
    found = next(check for check in ran[1]["checks"] if check["id"] == name)
    assert (found["status"], found["reason"]) == (outcome, reason), found["message"]


def test_a_quarantine_excuses_listed_tests_and_nothing_else(ran):
    checks = {check["id"]: check for check in ran[1]["checks"]}
    assert [name for name, check in checks.items() if check["quarantined"]] == ["quarantined"]
    assert checks["quarantine_and_leak"]["results"]["notes"] == [
        "no quarantine: processes were left behind"
    ]


def test_what_is_wrong_with_a_report_is_named_beside_exit_code_0_and_noted_beside_a_failure(ran):
    said = {check["id"]: check for check in ran[1]["checks"]}
    assert said["missing"]["message"] == "no file missing.xml"
    assert said["stale"]["message"] == "stale.xml is stale: it is as it was before this attempt"
    assert "DOCTYPE" in said["bomb"]["message"]
    assert "outside" in said["outside"]["message"]
    assert "not a regular file" in said["fifo"]["message"]
    assert said["giant"]["message"] == "giant.xml is larger than 256 MiB"
    assert said["giant_red"]["results"]["notes"] == ["giant_red.xml is larger than 256 MiB"]
    assert said["missing_red"]["results"]["notes"] == ["no file missing_red.xml"]
    assert said["stale_red"]["results"]["notes"][0].startswith("stale_red.xml is stale")
    assert "expired on 2026-01-01" in said["expired"]["results"]["notes"][0]


def test_what_is_wrong_with_a_report_whose_name_is_no_text_is_told(tmp_path):
    """Its judge could not say so, and the check took too long to be judged."""
    check = {
        "run": r'ln -s /etc/passwd "$(printf "r\377.xml")"',
        "results": {"junit": "r*.xml"},
    }
    folder = project(tmp_path, yaml.safe_dump({"checks": [{"id": "a", **check}]}, width=1000))
    assert vibeguard("run", cwd=folder).returncode == 1
    [a] = json.loads(vibeguard("report", "--json", cwd=folder).stdout)["checks"]
    assert a["reason"] == "results"
    assert "r\ufffd.xml cannot be read" in a["message"]


def test_results_are_in_the_document_with_place_and_message(ran):
    found = next(check for check in ran[1]["checks"] if check["id"] == "fail")["results"]
    assert found["tests"] == {"failed": 1, "passed": 1}
    assert found["results"][0] == {
        "kind": "test", "name": "t::b", "outcome": "failed", "severity": None,
        "file": "tests/t.py", "line": 3, "column": 0, "rule": "",
        "message": "one is not two", "duration_ns": None,
    }  # fmt: skip


def test_a_quarantined_failure_counts_as_a_warning_and_stays_failed(tmp_path):
    checks = [
        {"id": "unit", "results": {"junit": "unit.xml"}, **wrote(FAILED, 1, quarantine=LISTED)},
        {"id": "other", "run": ":"},
    ]
    folder = project(tmp_path, yaml.safe_dump({"checks": checks}, width=1000))
    done = vibeguard("run", "--json", cwd=folder)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["verdict"] == "passed"
    assert document["counts"] == {"passed": 1, "failed": 1}
    assert document["checks"][0]["quarantined"] is True
    assert "unit" in vibeguard("report", cwd=folder).stderr


def test_every_attempt_has_results_of_its_own(tmp_path):
    script = f"if [ -e again ]; then r='{PASSED}'; c=0; else r='{FAILED}'; c=1; fi; touch again; printf %s \"$r\" > r.xml; exit $c"
    check = {"id": "unit", "run": script, "retries": 1, "results": {"junit": "r.xml"}}
    folder = project(tmp_path, yaml.safe_dump({"checks": [check]}, width=1000))
    assert vibeguard("run", cwd=folder).returncode == 0
    (log,) = (folder / ".vibeguard" / "runs").glob("*/events.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    found = [(e["attempt"], e["tests"]) for e in events if e["type"] == "check.results"]
    assert found == [(1, {"failed": 1, "passed": 1}), (2, {"passed": 1})]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("results: {junti: a.xml}", 'unknown key "junti" in "results"'),
        ("results: {}", "an entry of results names no form"),
        ("results: {junit: a.xml, tap: output}", "two forms"),
        ("results: {json: rufff}", 'there is no reader for the JSON of "rufff"'),
        ("results: {matcher: gccc}", 'there is no problem matcher "gccc"'),
        (
            r"results: {matcher: {owner: a, pattern: [{regexp: '(?=a)', message: 0}]}}",
            "no pattern of RE2",
        ),
        (
            r"results: {matcher: {owner: a, pattern: [{regexp: '(a)', message: 2}]}}",
            "1 groups, and group 2",
        ),
        ("expect: {min: 1}", '"expect" is about results, and there are none'),
        ("stale: allow", '"stale" is about results, and there are none'),
        ("quarantine: {results: [a]}", '"quarantine" is about results'),
        ("results: {tap: output}\n    quarantine: {until: soon}", '"soon" is not a day'),
    ],
)
def test_mistakes_about_results_are_config_errors(tmp_path, keys, complaint):
    folder = project(tmp_path, f"checks:\n  - id: a\n    run: ':'\n    {keys}\n")
    done = vibeguard("validate", cwd=folder)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_matcher_of_ones_own_is_used(tmp_path):
    config = r"""checks:
  - id: a
    run: echo 'src/x.py@7 broken thing'; exit 1
    results:
      matcher:
        owner: mine
        severity: warning
        pattern: [{regexp: '^(\S+)@(\d+) (.*)$', file: 1, line: 2, message: 3}]
"""
    document = json.loads(vibeguard("run", "--json", cwd=project(tmp_path, config)).stdout)
    (result,) = document["checks"][0]["results"]["results"]
    assert (result["file"], result["line"], result["message"], result["severity"]) == (
        "src/x.py", 7, "broken thing", "warning",
    )  # fmt: skip


FILE = {
    "problemMatcher": [
        {
            "owner": "mine",
            "severity": "notice",
            "fileLocation": "of another program",
            "pattern": [{"regexp": r"^(\S+)@(\d+) (.*)$", "file": 1, "line": 2, "message": 3}],
        },
        {"owner": "other", "pattern": [{"regexp": "^!(.*)", "message": 1}]},
    ]
}


def test_matchers_may_stand_in_a_file_in_github_s_form(tmp_path):
    config = "checks: [{id: a, run: \"echo 'x.py@7 odd'; echo '!bad'; exit 1\", results: {matcher: ci/own.json}}]\n"
    folder = project(tmp_path, config)
    (folder / "ci").mkdir()
    (folder / "ci" / "own.json").write_text(json.dumps(FILE))
    (folder / "x.py").touch()
    document = json.loads(vibeguard("run", "--json", cwd=folder).stdout)
    found = document["checks"][0]["results"]["results"]
    assert [(r["severity"], r["file"], r["line"], r["message"]) for r in found] == [
        ("error", "", 0, "bad"),
        ("info", "x.py", 7, "odd"),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot read"),
        ("[", "own.json: no problem matchers: "),
        ("[" * 100_000, "own.json: no problem matchers: "),
        ('{"problemMatcher": []}', "0 problem matchers"),
        ('{"problemMatcher": [{"owner": "m", "pattern": []}]}', '"m" has no pattern'),
        (
            '{"problemMatcher": [{"owner": "m", "severity": "bad", "pattern": [{"regexp": "(?=a)"}]}]}',
            'problem matcher "m", pattern 1: this is no pattern of RE2',
        ),
        (
            '{"problemMatcher": [{"owner": "m", "pattern": [{"regexp": "a", "line": -1}]}]}',
            "no group before 0",
        ),
    ],
)
def test_a_file_of_matchers_that_cannot_be_used_is_a_config_error(tmp_path, content, complaint):
    config = "checks: [{id: a, run: ':', results: {matcher: own.json}}]\n"
    folder = project(tmp_path, config)
    if content is not None:
        (folder / "own.json").write_text(content)
    done = vibeguard("validate", cwd=folder)
    assert done.returncode == 2
    assert complaint in done.stderr


MANY = 1_000_000
CASES_OF_MANY = (
    f'awk \'BEGIN {{print "<testsuite>"; for (n = 0; n < {MANY}; n++) printf '
    '"<testcase classname=\\"t\\" name=\\"n%d\\"><failure message=\\"m%d\\"/></testcase>\\n", n, n; '
    'print "</testsuite>"}\' > r.xml; exit 1'
)


@pytest.mark.nightly  # a report of 70 MB is written and read
def test_a_million_results_take_little_memory_and_little_of_the_log(tmp_path):
    """With 500 MB of address space; a tree of such a report needs more."""
    check = {"id": "unit", "run": CASES_OF_MANY, "results": {"junit": "r.xml"}}
    check["judge_timeout"] = "5m"
    folder = project(tmp_path, yaml.safe_dump({"checks": [check]}, width=1000))
    words = f"ulimit -v 500000; exec {sys.executable} -m vibeguard run --json"
    done = subprocess.run(
        ["bash", "-c", words], cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["checks"][0]["results"]
    assert found["tests"] == {"failed": MANY}
    assert len(found["results"]) + found["left_out"] == MANY
    (log,) = (folder / ".vibeguard" / "runs").glob("*/events.jsonl")
    assert log.stat().st_size < 4 << 20
