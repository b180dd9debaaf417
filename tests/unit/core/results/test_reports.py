"""What the readers find in reports of real tools."""

import json

import pytest

from tests.helpers.reports import REPORTS, line, read, reader_named, report
from vibeguard.core.excerpt import RULES, choose_excerpt
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.guessing import GUESSERS, guesser
from vibeguard.core.results.registry import FORMATS, JSON_TOOLS, maker

IDS = [f"{entry['reader']} of {entry['report']}" for entry in REPORTS]


@pytest.mark.parametrize("entry", REPORTS, ids=IDS)
@pytest.mark.parametrize("chunk", [1 << 16, 113])
def test_a_report_holds_these_results(entry, chunk):
    gathered = read(
        reader_named(entry["reader"]), report(entry["report"]), folder=entry["folder"], chunk=chunk
    )
    assert [line(result) for result in gathered.results] == entry["results"]
    assert gathered.left_out == 0


def test_every_reader_has_a_real_report():
    tested = {entry["reader"] for entry in REPORTS}
    assert {*FORMATS, *JSON_TOOLS} - tested == {"golangci-lint"}  # see below


# Made by hand after what golangci-lint documents and prints (v2): no Go is on the machine of tests.
GOLANGCI = (
    b'level=warning msg="[config_reader] The configuration option is deprecated"\n'
    b'{"Issues":[{"FromLinter":"errcheck","Text":"Error return value is not checked","Severity":"",'
    b'"SourceLines":["\\tf.Close()"],"Pos":{"Filename":"go/shop/shop.go","Offset":1,"Line":14,"Column":9},'
    b'"ExpectNoLint":false,"ExpectedNoLintLinter":""},{"FromLinter":"govet","Text":"printf: bad",'
    b'"Severity":"warning","Pos":{"Filename":"./go/shop/shop.go","Line":3,"Column":0}}],'
    b'"Report":{"Warnings":[{"Tag":"runner","Text":"w"}],"Linters":[{"Name":"errcheck","Enabled":true}]%s}}\n'
    b"2 issues:\n* errcheck: 1\n* govet: 1\n"
    b'level=warning msg="[runner] Can\'t run linter [x]"\n'
)


def test_golangci_lint():
    found = read(reader_named("golangci-lint"), GOLANGCI % b"").results
    assert [line(result) for result in found] == [
        "error go/shop/shop.go:14:9 errcheck",
        "warning go/shop/shop.go:3 govet",
    ]
    nothing = b'{"Issues":null,"Report":{}}\n0 issues.\n'
    assert read(reader_named("golangci-lint"), nothing).results == ()


def test_a_linter_of_golangci_lint_that_has_failed_is_no_whole_report():
    with pytest.raises(UnreadableReport, match="x panicked"):
        read(reader_named("golangci-lint"), GOLANGCI % b',"Error":"x panicked"')


def test_of_several_documents_each_is_read_and_lines_of_other_kinds_are_passed_over():
    """`ruff check a; ruff check b`, with what a shell or a log prints around them."""
    one = report("ruff-json.json").strip()
    around = [b"[]\n%s", b"[]\n%s\nsee [docs]\n", b"[1] job\n%s", b'{"level":1}\n%s\n[2] done\n']
    for text in around:
        assert len(read(reader_named("ruff"), text % one).results) == 4
    other = one.replace(b"app.py", b"other.py")
    for text in (b"\n".join([one, b"[]", other]), b"[1] job\n" * 5000 + one + b"\n" + other):
        assert len(read(reader_named("ruff"), text).results) == 8


def test_a_document_that_was_cut_off_behind_a_whole_one_is_noticed():
    one = report("ruff-json.json").strip()
    for size in (1, 2, 20, len(one) // 2, len(one) - 1):
        for whole in (b"[]", one):
            with pytest.raises(UnreadableReport, match="in the middle of a document"):
                read(reader_named("ruff"), whole + b"\n" + one[:size])


def test_an_object_without_what_a_report_holds_is_no_report_without_failures():
    """A line of a log, for instance, of a tool that did not get as far as its report."""
    for name in (
        "golangci-lint",
        "pytest-json-report",
        "jest",
        "ctrf",
        "sarif",
        "pyright",
        "bandit",
    ):
        with pytest.raises(UnreadableReport, match="not the JSON that it should be"):
            read(reader_named(name), b'{"level":"error","msg":"no go files"}\n')
        with pytest.raises(UnreadableReport, match="not the JSON that it should be"):
            read(reader_named(name), b"{}")


def test_each_document_names_its_own_failures():
    """One that says that tests failed and names none is not believed beside one that names some."""
    named = report("jest-json.json").strip()
    with pytest.raises(UnreadableReport, match="did not succeed"):
        read(reader_named("jest"), named + b'\n{"success":false,"testResults":[]}\n')


@pytest.mark.parametrize(
    ("name", "word", "document"),
    [
        ("ctrf", "todo", "jest-ctrf.json"),
        ("jest", "other", "jest-json.json"),
        ("pytest-json-report", "pending", "pytest-json-report.json"),
    ],
)
def test_a_word_of_another_runner_is_neither_a_pass_nor_a_skip(name, word, document):
    """Whoever writes it means something else, or is broken."""
    whole = report(document)
    data = whole.replace(b'"passed"', f'"{word}"'.encode())

    def errors(data):
        found = read(reader_named(name), data).results
        return sum(result.outcome is ResultOutcome.ERROR for result in found)

    assert errors(data) > errors(whole)


def test_what_only_begins_like_json_costs_little():
    for row in (b"{\n", b"[1, x\n", b"[" * 2000 + b"x\n", b"{}\n"):
        with pytest.raises(UnreadableReport, match=r"not the JSON|middle of a document"):
            read(reader_named("ruff"), row * ((1 << 20) // len(row)))


def test_messages_of_failures_are_what_the_assertion_says():
    def messages(reader, name):
        return [r.message for r in read(reader_named(reader), report(name)).results][:2]

    assert messages("junit", "pytest-junit.xml") == [
        'AssertionError: discount must make it cheaper <&> "quoted"\nassert 33.0 == 27.0',
        'TypeError: can only concatenate str (not "int") to str',
    ]
    assert messages("junit", "nextest-junit.xml")[0].startswith(
        "assertion `left == right` failed: must be cheaper\n  left: 33.0"
    )
    assert messages("junit", "phpunit-junit.xml")[0].startswith("must be cheaper <&>\nFailed")
    assert messages("tap", "vitest-tap.tap")[0] == "expected 33 to be 27 // Object.is equality"
    assert messages("go-test", "go-test-json.jsonl")[0] == "Total = 33, want 27"
    assert messages("guess unittest", "unittest-text.txt")[1] == "AssertionError: 33.0 != 27"


def test_a_go_package_that_does_not_compile_is_never_no_failures():
    with pytest.raises(UnreadableReport, match="unused declared but not used"):
        read(reader_named("go-test"), report("go-test-build-failure.jsonl"))


def test_a_stream_of_go_that_was_cut_off_does_not_say_that_nothing_failed():
    began = b'{"Action":"start","Package":"a"}\n{"Action":"run","Package":"a","Test":"T"}\n'
    passed = b'{"Action":"pass","Package":"a","Test":"T"}\n'
    with pytest.raises(UnreadableReport, match="in the middle of package a"):
        read(reader_named("go-test"), began + passed)
    over = b'{"Action":"pass","Package":"a"}\n'
    assert len(read(reader_named("go-test"), began + passed + over).results) == 1
    failed = b'{"Action":"fail","Package":"a","Test":"T"}\n{"Action":"fail","Package":"a"}\n'
    again = began + passed + over + b'{"Action":"start","Package":"b"}\n'
    with pytest.raises(UnreadableReport, match="in the middle of package b"):
        read(reader_named("go-test"), began + failed + again)


def test_a_go_package_that_only_text_tells_of_has_failed_beside_others_that_passed():
    """As Go 1.19 writes it."""
    text = (
        b"# ex/bad\nbad/a_test.go:2:19: cannot find module\nFAIL\tex/bad [setup failed]\n"
        b'FAIL\tex/broken [build failed]\n{"Action":"run","Package":"ex/good","Test":"T"}\n'
        b'{"Action":"pass","Package":"ex/good","Test":"T"}\n{"Action":"pass","Package":"ex/good"}\n'
    )
    found = read(reader_named("go-test"), text)
    assert found.failed == {"ex/bad", "ex/broken"}
    assert [(r.file, r.line, r.message) for r in found.results[:2]] == [
        ("bad/a_test.go", 2, "setup failed"),
        ("", 0, "build failed"),
    ]


def go_events(*events: str) -> bytes:
    """`fail T`: a test; `fail`: the package."""
    lines = (e.partition(" ") for e in events)
    return "\n".join(
        json.dumps({"Action": a, "Package": "p", "Test": t}) for a, _, t in lines
    ).encode()


@pytest.mark.parametrize(
    ("events", "failed", "recovered"),
    [
        (["fail T", "pass T", "fail"], {"p::T", "p"}, {"p::T"}),  # go test -count=2
        (["fail T/a", "fail T", "pass T/a", "pass T", "fail"], {"p::T/a", "p"}, {"p::T/a"}),
        (["fail T", "fail", "pass T", "pass"], {"p::T"}, {"p::T"}),  # gotestsum --rerun-fails
        (["fail", "pass T", "pass"], {"p"}, {"p"}),
        (["fail T", "fail U", "pass T", "fail"], {"p::T", "p::U"}, {"p::T"}),
    ],
)
def test_a_go_package_that_failed_is_told_where_its_tests_passed_in_the_end(
    events, failed, recovered
):
    found = read(reader_named("go-test"), go_events(*events))
    assert (found.failed, found.recovered) == (failed, recovered)


def test_newer_versions_of_go_say_in_events_that_a_package_does_not_compile():
    text = (
        b'{"ImportPath":"example.com/shop/shop","Action":"build-output","Output":"shop/shop.go:4:2: '
        b'declared and not used: unused\\n"}\n'
        b'{"ImportPath":"example.com/shop/shop","Action":"build-fail"}\n'
        b'{"Action":"start","Package":"example.com/shop/shop"}\n'
        b'{"Action":"fail","Package":"example.com/shop/shop","Elapsed":0,'
        b'"FailedBuild":"example.com/shop/shop"}\n'
    )
    found = read(reader_named("go-test"), text, folder="/repo/go")
    assert [line(r) for r in found.results] == ["error go/shop/shop.go:4:2 example.com/shop/shop"]


@pytest.mark.parametrize(
    ("stream", "complaint"),
    [
        ("1..3\nok 1\nok 2\n", "3 tests were planned, 2 ran"),
        ("TAP version 13\nok 1 - a\n", "1 tests ran and there is no plan: the stream was cut off"),
        ("1..2\nok 1\nBail out! no database\n", "Bail out! no database"),
        ("1..2\nok 1\nok 5\n", "the numbers of its tests are not those from 1 to 2"),
        ("1..3\nok 2\nok 2\nok 2\n", "the numbers of its tests are not those from 1 to 3"),
        ("ok 1\nok\nok 1\n1..3\n", "the numbers of its tests are not those from 1 to 3"),
        (
            "    1..2\n    ok 2\n    ok 2\nok 1 - both\n1..1\n",
            "the numbers of its tests are not those from 1 to 2",
        ),
        (
            "# Subtest: a\n    ok 1 - b\n    1..1\n",
            "it ends in the middle of subtests: the stream was cut off",
        ),
        (
            "1..1\nok 1 - a.js {\n    ok 1 - b\n",
            "it ends in the middle of subtests: the stream was cut off",
        ),
        ("1..1\nok 1 - a\n    1..2\n    ok 1 - b\n", "2 tests were planned, 1 ran"),
    ],
)
def test_a_tap_stream_that_is_not_whole_has_an_error(stream, complaint):
    found = read(reader_named("tap"), stream.encode())
    assert [r.message for r in found.results if r.outcome == "error"] == [complaint]


@pytest.mark.parametrize(
    ("stream", "failed"),
    [
        ("    ok 1 - b\n    1..1\nnot ok 1 - hook\n  ---\n  error: 'e'\n  ...\n1..1\n", {"hook"}),
        ("    not ok 1 - b\n    1..1\nnot ok 1 - a\n    ok 1 - c\n    1..1\nnot ok 2 - d\n1..2\n", {"b", "d"}),
        ("        not ok 1 - c\n        1..1\n    not ok 1 - b\n    1..1\nnot ok 1 - a\n1..1\n", {"c"}),
        ("1..2\nnot ok 1 - a.js {\n    1..1\n    ok 1 - b\n}\nok 2 - c\n", {"a.js"}),
        ("1..1\nnot ok 1 - a.js {\n    1..1\n    not ok 1 - s {\n        1..1\n        not ok 1 - b\n    }\n}\n", {"b"}),
        ("    ok 1 - b\n    1..1\nnot ok 1 - a # TODO\n1..1\n", set()),
    ],
)  # fmt: skip
def test_a_tap_test_that_failed_by_itself_is_told_beside_its_subtests(stream, failed):
    """A hook of Node's or its own code: no subtest says so."""
    assert read(reader_named("tap"), stream.encode()).failed == failed


WHOLE_STREAMS = (
    "1..2\nok 1 - a\nok 2 - b\n",
    "1..0 # SKIP no network\n",
    "TAP version 13\n# Subtest: s\n    ok 1 - a\n    1..1\nok 1 - s\n1..1\n# tests 1\n",
    "TAP version 14\nok 1 - a.js {\n    1..1\n    ok 1 - b\n}\n1..1\n",
    "a.t .. \n1..1\nok 1 - a\nok\n",  # prove -v
)
# Begun by a test: behind subtests that were cut off it may be the one that sums them up.
TRAILING_PLANS = ("ok 1 - a\nok 2 - b\n1..2\n", "a.t .. \nok 1 - a\n1..1\nok\n")
CUT_STREAMS = (
    "1..2\nok 1 - a\n",
    "ok 1 - a\nok 2 - b\n",
    "TAP version 13\nok 1 - a\n",
    "1..2\nok - a\n",
    "TAP version 13\n# Subtest: s\n    ok 1 - a\n    1..1\n",
    "TAP version 14\nok 1 - a.js {\n    1..1\n",
    "1..3\n",
)


@pytest.mark.parametrize("first", WHOLE_STREAMS + TRAILING_PLANS)
@pytest.mark.parametrize("second", WHOLE_STREAMS + TRAILING_PLANS)
def test_streams_of_tap_may_stand_one_behind_the_other(first, second):
    """Of `make test` with two programs, of `bats a; bats b`, of `prove -v`."""
    read_one = [read(reader_named("tap"), text.encode()).tests for text in (first, second)]
    both = read(reader_named("tap"), (first + second).encode())
    assert both.tests.get("passed", 0) == sum(tests.get("passed", 0) for tests in read_one)
    assert both.failed == frozenset()


@pytest.mark.parametrize("whole", WHOLE_STREAMS)
@pytest.mark.parametrize("cut", CUT_STREAMS)
def test_a_stream_that_was_cut_off_is_not_made_whole_by_another(whole, cut):
    for text in (whole + cut, cut + whole, whole + cut + whole):
        assert read(reader_named("tap"), text.encode()).failed == {"plan"}


def test_the_tests_of_a_tap_stream_may_end_in_any_order():
    found = read(reader_named("tap"), b"1..4\nok 3\nok\nok 4\nok 1\n")
    assert [r.outcome for r in found.results] == ["passed"] * 4


def test_a_line_that_looks_like_a_numbered_test_and_has_no_plan_contradicts_none():
    """A test may write it: `  ok 200 GET /`."""
    found = read(reader_named("tap"), b"1..1\n  ok 200 GET /\nok 1 - serves\n")
    assert [r.outcome for r in found.results if r.outcome != "passed"] == []


def test_what_go_junit_report_calls_failed_is_said_by_its_text():
    """Written after what version 2 prints: no Go is on the machine of tests."""
    text = (
        b'<testsuites><testsuite name="example.com/shop/cart" tests="1" failures="1">'
        b'<testcase name="TestTotal" classname="example.com/shop/cart" time="0.000">'
        b'<failure message="Failed"><![CDATA[    cart_test.go:9: Total = 33, want 27]]></failure>'
        b"</testcase></testsuite></testsuites>"
    )
    (result,) = read(reader_named("junit"), text, folder="/repo").results
    assert result.message == "Total = 33, want 27"
    assert (result.file.rpartition("/")[2], result.line) == ("cart_test.go", 9)
    nothing = text.replace(b"    cart_test.go:9: Total = 33, want 27", b"")
    assert read(reader_named("junit"), nothing).results[0].message == "Failed"


def test_a_rerun_that_passed_in_the_end_has_recovered():
    surefire = (
        b'<testsuite><testcase classname="A" name="t"><flakyFailure message="once"/></testcase>'
        b'<testcase classname="B" name="t"><failure message="x"/></testcase>'
        b'<testcase classname="B" name="t"/></testsuite>'
    )
    found = read(reader_named("junit"), surefire)
    assert found.tests == {"failed": 1, "passed": 2}
    assert found.failed == found.recovered == {"B::t"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "jest",
            (
                '{"testResults": [{"name": "a.js", "assertionResults": [{"fullName": "t", "status": "failed"}]},'
                ' {"name": "b.js", "assertionResults": [{"fullName": "t", "status": "passed"}]}]}'
            ),
        ),
        (
            "ctrf",
            (
                '{"results": {"tests": [{"name": "t", "status": "failed", "filePath": "a.js"},'
                ' {"name": "t", "status": "passed", "filePath": "b.js"}]}}'
            ),
        ),
        (
            "vitest",  # in two projects, or two tests of one title
            (
                '{"testResults": [{"name": "a.js", "assertionResults": [{"fullName": "t", "status": "failed"},'
                ' {"fullName": "t", "status": "passed"}]}]}'
            ),
        ),
        (
            "ctrf",
            (
                '{"results": {"tests": [{"name": "t", "status": "failed", "browser": "firefox"},'
                ' {"name": "t", "status": "passed", "browser": "webkit"}]}}'
            ),
        ),
        (
            "ctrf",  # a second try is no entry of its own
            '{"results": {"tests": [{"name": "t", "status": "failed"}, {"name": "t", "status": "passed"}]}}',
        ),
        (
            "ctrf",  # of two runs
            (
                '{"results": {"tests": [{"name": "t", "status": "failed"}]}}\n'
                '{"results": {"tests": [{"name": "t", "status": "passed"}]}}'
            ),
        ),
        ("tap", "1..2\nnot ok 1 - t\nok 2 - t\n"),
        ("tap", "1..1\nnot ok 1 - t\n1..1\nok 1 - t\n"),
        (
            "junit",
            (
                '<testsuites><testsuite name="a.js" hostname="firefox"><testcase name="t"><failure/></testcase></testsuite>'
                '<testsuite name="a.js" hostname="webkit"><testcase name="t"/></testsuite></testsuites>'
            ),
        ),
        (
            "junit",  # of Node
            (
                '<testsuites><testcase name="t" classname="test" file="a.js"><failure/></testcase>'
                '<testcase name="t" classname="test" file="b.js"/></testsuites>'
            ),
        ),
        (
            "junit",  # of mocha
            (
                '<testsuites><testsuite name="s" file="a.js"><testcase name="t"><failure/></testcase></testsuite>'
                '<testsuite name="s" file="b.js"><testcase name="t"/></testsuite></testsuites>'
            ),
        ),
    ],
)
def test_another_test_of_the_same_name_is_no_rerun(name, text):
    found = read(reader_named(name), text.encode())
    assert (found.failed, found.recovered) == ({"t"}, frozenset())


@pytest.mark.parametrize(
    ("suite", "name", "full"),
    [
        ("test_x", "test_xs", "test_x::test_xs"),  # of another class, it would be the same test
        ("a", "what a user sees", "a::what a user sees"),
        ("cart", "cart adds", "cart adds"),
        ("test_x", "test_x", "test_x"),
    ],
)
def test_a_name_holds_its_class_once_and_not_by_chance(suite, name, full):
    case = (
        f'<testsuite><testcase classname="{suite}" name="{name}"><failure/></testcase></testsuite>'
    )
    (result,) = read(reader_named("junit"), case.encode()).results
    assert result.name == full


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_first_line_may_begin_with_a_byte_order_mark(encoding):
    found = read(reader_named("matcher gcc"), "lib/a.c:1:2: error: x".encode(encoding), chunk=5)
    assert [(r.file, r.message) for r in found.results] == [("lib/a.c", "x")]


def test_a_hash_within_a_word_of_tap_is_no_directive():
    found = read(reader_named("tap"), b"1..2\nnot ok 1 - a#todo\nnot ok 2 # TODO later\n")
    assert found.tests == {"failed": 1, "xfailed": 1}


def test_the_rules_of_sarif_may_stand_in_an_extension_and_a_suppression_be_rejected():
    text = (
        b'{"runs":[{"tool":{"driver":{"name":"CodeQL","rules":[]},"extensions":[{"rules":['
        b'{"id":"js/x","defaultConfiguration":{"level":"error"}}]}]},"results":[{"message":{"text":"a"},'
        b'"ruleId":"js/x","rule":{"id":"js/x","index":0,"toolComponent":{"index":0}},'
        b'"suppressions":[{"kind":"external","status":"rejected"}],"locations":[{"physicalLocation":'
        b'{"artifactLocation":{"uri":"src/a%20b.js"}}}]}]}]}'
    )
    (result,) = read(reader_named("sarif"), text).results
    assert (result.severity, result.file) == ("error", "src/a b.js")


def test_a_file_of_jest_that_failed_beside_tests_that_passed_is_told():
    """A hook of its own: a quarantine of what else failed does not excuse it."""
    text = (
        b'{"success": false, "testResults": [{"name": "a.js", "status": "failed", "message": "afterAll",'
        b' "assertionResults": [{"fullName": "a", "status": "passed"}]}, {"name": "b.js",'
        b' "status": "failed", "assertionResults": [{"fullName": "b", "status": "failed"}]}]}'
    )
    assert read(reader_named("vitest"), text).failed == {"a.js", "b"}


def test_a_test_that_pytest_ran_again_has_the_outcome_of_its_last_try():
    tries = {"setup": {"outcome": "passed"}, "call": {"outcome": "passed"}}
    report = {"exitcode": 0, "tests": [{"nodeid": "t", "outcome": "rerun", **tries}]}
    found = read(reader_named("pytest-json-report"), json.dumps(report).encode())
    assert found.tests == {"passed": 1}


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("gcc", "/repo/app.c:3: error: 'x' undeclared", "error app.c:3 "),  # -fno-show-column
        ("gcc", "/repo/app.c:3:1: internal compiler error: in f", "error app.c:3:1 "),
        ("mypy", "/repo/app.py:1:10:1:11: error: no  [assignment]", "error app.py:1:10 assignment"),
        ("mypy", '/repo/app.py: error: Duplicate module named "d"', "error app.py "),
        ("tsc", "error TS18003: No inputs were found in config file.", "error - TS18003"),
        ("javac", "error: file not found: No.java", "error - "),
        ("gcc", "/usr/bin/ld: /repo/app.c:(.text+0xa): undefined reference to `f'", "error app.c "),
        ("gcc", "/repo/app.c:3: multiple definition of `f'; b.o:b.c:1: first defined here", "error app.c:3 "),
        ("gcc", "/usr/bin/ld: cannot find -lnosuch: No such file or directory", "error - "),
        ("gcc", "collect2: error: ld returned 1 exit status", "error - "),
        ("gcc", "cc1: fatal error: a.c: No such file or directory\ncompilation terminated.", "error - "),
        ("clang", "clang: error: unsupported option '--bad'", "error - "),
        ("ruff", "/repo/app.py:1:7: invalid-syntax: Expected a parameter", "error app.py:1:7 invalid-syntax:"),
        ("ruff", "ruff failed\n  Cause: Unknown rule selector `ZZZ`", "error - "),
        ("ruff", "error: unexpected argument '--foo' found", "error - "),
        ("flake8", "usage: flake8 [options]\nflake8: error: unrecognized arguments: --foo", "error - "),
        ("shellcheck", "/repo/no.sh: no.sh: openBinaryFile: does not exist (No such file)", "error no.sh "),
        ("eslint-stylish", "\nOops! Something went wrong! :(\n\nESLint: 10.15.0\n", "error - "),
        ("cargo", "error: first\n       second\n       \n       third\n --> /repo/a.rs:1:1\n", "error a.rs:1:1 "),
        ("cargo", "error[E1]: first\n              second\n --> /repo/a.rs:1:1\n", "error a.rs:1:1 E1"),
        ("cargo", "error: linking with `cc` failed: exit status: 1\n  |\n  = note: x\n", "error - "),
        ("cargo", "error: could not find `Cargo.toml` in `/tmp`", "error - "),
        ("cargo", 'error: could not compile `a` (bin "a")\n\nCaused by:\n  a signal', "error - "),
        ("cargo", 'error[E1]: m\n --> /repo/a.rs:1:1\n\nerror: could not compile `a` (bin "a") due to 1 previous error', "error a.rs:1:1 E1"),
        ("cargo", "error[E1]: m\n --> /repo/a.rs:1:1\n\nerror: aborting due to 1 previous error", "error a.rs:1:1 E1"),
        ("eslint-stylish", "/repo/bin/cli\n  2:1  error  bad  rule", "error bin/cli:2:1 rule"),
        ("python", '  File "/repo/app.py", line 4\n    f(1,\n    ~^^\n      2)\n      ^^\nshop.NotFound: 3', "error app.py:4 shop.NotFound"),
    ],
)  # fmt: skip
def test_other_forms_of_what_a_tool_prints_are_errors_too(name, text, found):
    """With other options, of a file as a whole, or of a tool that looked at nothing."""
    results = read(reader_named(f"matcher {name}"), text.encode()).results
    assert [line(result) for result in results] == [found]


def test_what_sarif_suppresses_or_calls_a_pass_is_no_result():
    text = (
        b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":['
        b'{"message":{"text":"a"},"suppressions":[{"kind":"inSource"}]},'
        b'{"message":{"text":"b"},"kind":"pass"},{"message":{"text":"c"},"baselineState":"absent"},'
        b'{"message":{"text":"d"}}]}]}'
    )
    found = read(reader_named("sarif"), text)
    assert [(r.severity, r.message) for r in found.results] == [("warning", "d")]


def test_what_bats_says_of_the_place_is_no_message():
    found = read(reader_named("tap"), report("bats-tap.tap")).results
    assert [one.message.split("\n")[0] for one in found if one.line] == [
        '`[ "$sum" -eq 3 ]\' failed'
    ]


def test_a_rule_of_excerpts_that_is_guessed_from_exists():
    assert set(GUESSERS) <= {rule.name for rule in RULES}


def test_what_a_stream_of_json_says_is_read_by_its_own_reader():
    for name, tool in (("go-test-json.jsonl", "go-test"), ("cargo-build-json.jsonl", "cargo")):
        output = report(name)
        make = guesser(choose_excerpt(output).rule, output)
        assert make is maker(JSON_TOOLS[tool])
    assert guesser("go-test", report("go-test-text.txt")) is GUESSERS["go-test"]
    assert guesser("plain", b"") is None
