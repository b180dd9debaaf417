"""Reports that are damaged, or made to harm: an error of one kind, never another, never much memory."""

import json
import random
import tracemalloc

import msgspec
import pytest

from tests.helpers.reports import REPORTS, read, reader_named, report
from vibeguard.core.names import Level
from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.collecting import MOST_BYTES, MOST_RESULTS, Collector
from vibeguard.core.results.paths import Places
from vibeguard.core.results.registry import FORMATS, JSON_TOOLS

ALL = sorted({entry["reader"] for entry in REPORTS})
NAMED = sorted({*FORMATS, *JSON_TOOLS})
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]><testsuite><testcase name="&j;"/></testsuite>'
    % b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
)
EXTERNAL = (
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    b'<testsuite><testcase name="&e;"/></testsuite>'
)


def refused(name: str, data: bytes) -> str:
    with pytest.raises(UnreadableReport) as caught:
        read(reader_named(name), data)
    return str(caught.value)


@pytest.mark.parametrize("entry", REPORTS, ids=lambda e: e["report"])
def test_a_damaged_report_is_read_in_part_or_refused(entry):
    chance = random.Random(entry["report"])
    whole = report(entry["report"])
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data))
            damage = chance.choice(
                [
                    b"",
                    b"\0",
                    b"\xff\xfe",
                    b"<",
                    b"]",
                    b'"',
                    b"\\ud800",
                    b"999999999999999999999",
                    b"\x1b[",
                ]
            )
            data[at : at + chance.choice([0, 1, 50])] = damage
        del data[chance.randrange(len(data)) :]
        try:
            read(reader_named(entry["reader"]), bytes(data))
        except UnreadableReport as problem:
            assert str(problem)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1000,
        b"\xff" * 1000,
        b"[" * 200_000,
        b"{" * 200_000,
        b'{"a":' * 50_000,
        b"<a>" * 50_000,
    ],
    ids=["empty", "nul", "no utf-8", "brackets", "braces", "nested", "nested xml"],
)
def test_garbage_is_refused_or_holds_nothing(name, data):
    try:
        found = read(reader_named(name), data)
    except UnreadableReport:
        return
    assert found.results == ()


def test_entities_and_doctypes_are_refused():
    assert "DOCTYPE" in refused("junit", BOMB)
    assert "DOCTYPE" in refused("junit", EXTERNAL)
    assert "DOCTYPE" in refused(
        "junit", b'<!DOCTYPE x SYSTEM "http://localhost/x.dtd"><testsuite/>'
    )


def test_an_undefined_entity_and_wrong_xml_are_refused():
    assert "undefined entity" in refused("junit", b'<testsuite name="&e;"/>')
    assert "no JUnit" in refused("junit", b"<html/>")
    assert "no JUnit" in refused("junit", b"<html><failure>x</failure></html>")
    assert "not well-formed" in refused("junit", b"<testsuite><testcase")


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "no-such", "idna", "rot13", "undefined"])
def test_encodings_that_are_not_of_xml_are_refused(encoding):
    head = b'<?xml version="1.0" encoding="%s"?>' % encoding.encode()
    refused("junit", head + b"<testsuite><testcase name='a'/></testsuite>")


def test_other_encodings_of_xml_are_read():
    text = '<?xml version="1.0" encoding="%s"?><testsuite><testcase name="ä"/></testsuite>'
    for encoding in ("utf-8", "iso-8859-1", "utf-16"):
        found = read(reader_named("junit"), (text % encoding).encode(encoding))
        assert [result.name for result in found.results] == ["ä"]


def test_json_with_a_byte_order_mark_or_in_utf_16_is_read():
    text = report("ruff-json.json").decode()
    for encoding in ("utf-8-sig", "utf-16"):
        assert len(read(reader_named("ruff"), text.encode(encoding)).results) == 4


def test_a_token_of_many_megabytes_is_refused_at_once():
    data = b'<testsuite><testcase name="' + b"a" * (64 << 20)
    assert "longer than" in refused("junit", data)


def test_a_document_of_more_than_64_mib_is_refused():
    assert "larger than 64 MiB" in refused("ruff", b"[" + b" " * (65 << 20))


def test_deep_nesting_is_refused():
    assert "nested deeper" in refused("junit", b"<testsuite>" * 1000)


def test_paths_outside_of_the_repository_are_no_places():
    for path in (
        "/etc/passwd",
        "../../etc/passwd",
        "file:///etc/passwd",
        "a\\..\\..\\..\\etc",
        "\0x",
    ):
        text = b'{"file": "%s", "line": 1, "column": 0, "message": "m"}' % (
            path.encode("unicode_escape")
        )
        (result,) = read(reader_named("mypy"), text.replace(b"\\x00", b"\\u0000")).results
        assert result.file == ""
        assert result.line == 0


def test_what_lies_outside_is_told_with_line_and_column():
    text = b'{"file": "/opt/x/a.py", "line": 3, "column": 4, "message": "m"}'
    (result,) = read(reader_named("mypy"), text).results
    assert result.message == "/opt/x/a.py:3:5: m"


def test_an_address_is_no_place_unless_it_leads_to_a_file():
    places = Places("/repo", "/repo", {"src/a.ts"}.__contains__)
    assert places.relative("https://example.com/src/b.ts") == ""
    assert places.relative("webpack:///./src/a.ts") == "src/a.ts"


def test_what_a_report_says_of_lines_is_never_trusted_to_be_a_number_of_ours():
    cases = b'<testsuite><testcase name="a" line="%s" time="%s"/></testsuite>'
    for line, time in ((b"-5", b"-1"), (b"1e9", b"nan"), (b"9" * 400, b"inf"), (b"x", b"")):
        (result,) = read(reader_named("junit"), cases % (line, time)).results
        assert 0 <= result.line < 10**9
        assert result.duration_ns is None


@pytest.mark.parametrize("number", [-1, 10**9, 2**63, 2**64, 2**80, -(2**80)])
def test_numbers_of_any_size_are_no_places_that_cannot_be_recorded(number):
    for name, line in (
        ("ruff", '[{"filename": "a", "message": "m", "location": {"row": %d, "column": %d}}]'),
        ("mypy", '{"file": "a", "line": %d, "column": %d, "message": "m"}'),
    ):
        (result,) = read(reader_named(name), (line % (number, number)).encode()).results
        assert (result.line, result.column) == (0, 0)
        assert msgspec.json.encode(result)


def test_a_million_results_take_no_memory_to_speak_of():
    head, case = (
        b"<testsuite>",
        b'<testcase classname="a" name="b"><failure message="m"/></testcase>',
    )
    few = peak_of(head + case * 6_000)
    assert peak_of(head + case * 12_000) < few + (1 << 20)


def peak_of(data: bytes) -> int:
    """The most memory that a collector and a reader take at a time, beside the report itself."""
    collector = Collector(Places("/repo", "/repo", lambda _: True))
    reader = reader_named("junit")(collector.add)
    tracemalloc.start()
    for at in range(0, len(data), 1 << 16):
        reader.feed(data[at : at + (1 << 16)])
    found = collector.gathered()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.results) == MOST_RESULTS
    assert found.left_out == data.count(b"</testcase>") - MOST_RESULTS
    return peak


def test_long_texts_are_cut_and_the_whole_is_bounded():
    case = b'<testcase name="%s"><failure message="%s"/></testcase>' % (b"n" * 5_000, b"m" * 5_000)
    found = read(reader_named("junit"), b"<testsuite>" + case * 3_000 + b"</testsuite>")
    assert sum(len(r.name) + len(r.message) for r in found.results) <= MOST_BYTES
    assert found.left_out + len(found.results) == 3_000


def test_failures_are_kept_before_passes():
    passed, failed = (
        b'<testcase name="p"/>',
        b'<testcase name="f"><failure message="m"/></testcase>',
    )
    data = b"<testsuite>" + passed * 20_000 + failed * 10 + b"</testsuite>"
    found = read(reader_named("junit"), data)
    assert [r.name for r in found.results[:10]] == ["f"] * 10
    assert len(found.results) == MOST_RESULTS


# Reports that say that something failed, but not what: beside exit code 0 they must not be a pass.
SAYS_TROUBLE = {
    "junit": b'<testsuites failures="1"><testsuite tests="2" failures="1"><testcase name="a"/></testsuite></testsuites>',
    "junit, errors": b'<testsuite errors="2"><testcase name="a"/></testsuite>',
    "junit, of another suite": b'<testsuites><testsuite><testcase name="a"><flakyFailure/></testcase></testsuite><testsuite failures="1"/></testsuites>',
    "junit, of a hook of Node's": b'<testsuites><testsuite name="s" failures="0"><testcase name="a"/></testsuite><!-- pass 1 --><!-- fail 1 --></testsuites>',
    "junit, no case": b'<testsuites failures="3"/>',
    "junit, with a fraction": b'<testsuites failures="1.0"/>',
    "junit, with a comma": b'<testsuites failures="1,000"/>',
    "ctrf": b'{"results": {"summary": {"tests": 2, "failed": 1}, "tests": [{"name": "a", "status": "passed"}]}}',
    "jest": b'{"success": false, "numFailedTests": 1, "testResults": []}',
    "vitest": b'{"success": false, "testResults": [{"name": "a.ts", "assertionResults": [{"fullName": "a", "status": "passed"}]}]}',
    "pytest-json-report": b'{"exitcode": 2, "tests": [{"nodeid": "a", "outcome": "passed"}]}',
    "sarif": b'{"version": "2.1.0", "runs": [{"invocations": [{"executionSuccessful": false}], "results": []}]}',
    "sarif, of bandit": b'{"runs": [{"invocations": [{"executionSuccessful": true, "toolConfigurationNotifications": [{"message": {"text": "did not run to its end"}, "level": "error"}]}], "results": []}]}',
    "sarif, not scanned": b'{"runs": [{"tool": {"driver": {"name": "t"}}, "results": null}]}',
    "sarif, only its rules": b'{"runs": [{"tool": {"driver": {"name": "t"}}, "results": []}, {"tool": {}}]}',
    "jest, interrupted": b'{"success": true, "wasInterrupted": true, "testResults": [{"name": "a.js", "assertionResults": [{"fullName": "a", "status": "passed"}]}]}',
    "cargo, of a second build": b'{"reason": "build-finished", "success": true}\n{"reason": "compiler-artifact"}\n',
    "bandit": b'{"results": [], "errors": [{"filename": "a.py", "reason": "syntax error"}]}',
    "cargo": b'{"reason": "compiler-artifact"}\n',
    "cargo, of the linker": b'{"reason": "compiler-message", "message": {"level": "error", "message": "linking failed", "spans": []}}\n{"reason": "build-finished", "success": false}\n',
    "stylelint": b'[{"source": "a.css", "errored": true, "warnings": [{"severity": "warning", "text": "m"}], "invalidOptionWarnings": [{"text": "x"}]}]',
}  # fmt: skip


@pytest.mark.parametrize("case", SAYS_TROUBLE)
def test_a_report_that_tells_of_trouble_and_not_of_which_is_not_believed(case):
    name = case.partition(",")[0]
    said = refused(name, SAYS_TROUBLE[case])
    words = (
        "names no",
        "did not run to its end",
        "could not read a.py",
        "before the build does",
        "were interrupted",
        "did not scan anything",
    )
    assert any(word in said for word in words)


def test_what_stylelint_cannot_parse_is_an_error():
    report = b'[{"source": "a.css", "errored": true, "warnings": [], "parseErrors": [{"text": "m", "line": 2}]}]'
    (result,) = read(reader_named("stylelint"), report).results
    assert (result.severity, result.message) == (Level.ERROR, "a.css:2: m")


def test_a_failure_of_a_suite_is_a_failed_test():
    suite = b'<testsuite name="set-up" errors="1"><testcase name="a"/><error message="no db"/></testsuite>'
    found = read(reader_named("junit"), suite)
    assert found.tests == {"error": 1, "passed": 1}
    assert (found.results[0].name, found.results[0].message) == ("set-up", "no db")


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ('name="t" status="fail"', "error"),
        ('name="t" status="run" result="Interrupted"', "error"),
        ('name="t" status="run" result="completed"', "passed"),
        ('time="0.1"', "error"),  # pytest's, interrupted
        ('name="t" status="notrun"><skipped message="Unable to find executable"/', "error"),
        ('name="t" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/', "skipped"),
        ('name="t" status="notrun" result="suppressed"><skipped message="why"/', "skipped"),
        ('name="t"><skipped type="pytest.xfail"/><error message="on teardown"/', "error"),
        (
            'name="t"><skipped message="TEST_CASE tagged with !mayfail"/><failure message="m"/',
            "xfailed",
        ),
        (
            'name="t"><skipped message="TEST_CASE tagged with !mayfail"/><error message="m"/',
            "xfailed",
        ),
        ('name="t"><skipped type="todo"/><failure message="expected"/', "xfailed"),
    ],
)
def test_what_a_case_says_of_itself_beside_its_elements(case, outcome):
    report = f"<testsuite><testcase {case}></testcase></testsuite>"
    if "><" not in case:
        report = f"<testsuite><testcase {case}/></testsuite>"
    assert read(reader_named("junit"), report.encode()).tests == {outcome: 1}


@pytest.mark.parametrize(
    ("raw", "annotations", "outcome"),
    [
        ("failed", '[{"type": "fail"}]', "xfailed"),
        ("timedOut", '[{"type": "slow"}, {"type": "fail"}]', "xfailed"),
        ("passed", '[{"type": "fail"}]', "failed"),
        ("passed", '[{"type": "slow"}]', "passed"),
        ("passed", '{"of": "another tool"}', "passed"),
    ],
)
def test_a_test_of_playwright_that_should_fail_and_did_not_has_failed(raw, annotations, outcome):
    """Its status is passed in both cases."""
    test = f'"name": "t", "status": "passed", "rawStatus": "{raw}", "extra": {{"annotations": {annotations}}}'
    assert read(
        reader_named("ctrf"), f'{{"results": {{"tests": [{{{test}}}]}}}}'.encode()
    ).tests == {outcome: 1}


def test_what_eslint_calls_a_warning_is_none_of_its_errors():
    """Its formatter for JUnit has a failure for each: an exit code of 0 and `max_errors: 0` are met."""
    case = '<testcase name="org.eslint.a"><failure message="m">line 1, col 5, {} - m (a)</failure></testcase>'
    report = f'<testsuite package="org.eslint" name="a.js">{case.format("Warning")}{case.format("Error")}</testsuite>'
    found = read(reader_named("junit"), report.encode())
    assert found.diagnostics == {"error": 1, "warning": 1}


def test_counts_that_fit_what_is_named_are_no_trouble():
    """What failed and passed on a second try, and what is skipped, is named too."""
    for text in (
        b'<testsuite failures="1"><testcase name="a"><rerunFailure/></testcase></testsuite>',
        b'<testsuite failures="0" errors=""><testcase name="a"/></testsuite>',
    ):
        assert read(reader_named("junit"), text).tests == {"passed": 1}


@pytest.mark.parametrize(
    ("reader", "document"),
    [
        (
            "pytest-json-report",
            {"exitcode": 1, "tests": [{"nodeid": "a", "outcome": "failed"}] * 3},
        ),
        ("golangci-lint", {"Issues": [{"FromLinter": "a", "Text": "b", "Pos": {"Line": 1}}] * 3}),
    ],
)
def test_what_is_in_a_document_that_was_cut_off_or_is_of_another_form_is_none(reader, document):
    """An object of it would do for a report in which nothing has failed."""
    lines = json.dumps(document, indent=1).encode().splitlines(keepends=True)
    for kept in range(1, len(lines)):
        refused(reader, b"".join(lines[:kept]))
    (key,) = (key for key, value in document.items() if isinstance(value, list))
    refused(reader, json.dumps({key: dict(enumerate(document[key]))}, indent=1).encode())
