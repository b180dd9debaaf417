"""Excerpts of what real tools wrote: the fixtures are their output, captured with colours and all."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.reports import report
from vibeguard.core.excerpt import GAP, LAST_LINES, RULES, choose_excerpt, last_lines
from vibeguard.core.excerpt.lines import LONGEST_LINE, clean

FIXTURES = Path(__file__).parent / "fixtures"
DOCUMENT = Path(__file__).parents[4] / "docs" / "excerpt-rules.md"

# fixture, rule, lines that must be in the excerpt, texts that must not
CASES = {
    "pytest": (
        "pytest",
        [
            "E       assert 140 == 135",
            "test_cart.py:12: AssertionError",
            "E   ValueError: invalid literal for int() with base 10: ''",
            "FAILED test_cart.py::test_discount_is_a_percentage - assert 140 == 135",
        ],
        ["rootdir", "Captured stdout", "collected"],
    ),
    "pytest_collection": (
        "pytest",
        ["E   ModuleNotFoundError: No module named 'nothing_of_this_name'", "ERROR test_import.py"],
        ["Hint: make sure"],
    ),
    "unittest": (
        "unittest",
        ["AssertionError: 140 != 135", "FAILED (failures=1, errors=1)"],
        ["test_ok", "Ran 3 tests"],
    ),
    "jest": (
        "jest",
        [
            "  ● cart › discount is a percentage",  # noqa: RUF001
            '    -   "total": 135,',
            '    +   "total": 140,',
            "      at Object.toEqual (cart.test.js:3:82)",
            "Tests:       2 failed, 1 passed, 3 total",
        ],
        ["Snapshots:", "Ran all test suites"],
    ),
    "vitest": (
        "jest",
        [
            "AssertionError: expected 140 to be 135 // Object.is equality",
            " ❯ src/cart.test.ts:9:33",  # noqa: RUF001
        ],
        ["money.test.ts", "Duration"],
    ),
    "node_test": (
        "node-test",
        ["test at cart.test.js:4:1", "  140 !== 135", "  Error: inner broke"],
        ["Test.runInAsyncScope", "total of nothing", "duration_ms"],
    ),
    "node_test_tap": (
        "tap",
        ["not ok 2 - discount is a percentage", "    140 !== 135", "# fail 3"],
        ["Test.runInAsyncScope", "total of nothing"],
    ),
    "mocha": (
        "mocha",
        ['      -  "a": 140', "      at Context.<anonymous> (test/a.js:4:49)", "  2 failing"],
        ["passing", "processImmediate"],
    ),
    "go_test": (
        "go-test",
        [
            "    cart_test.go:14: Total([100 50], 10) = 140, want 135",
            "--- FAIL: TestDiscountIsAPercentage (0.00s)",
            "    --- FAIL: TestParse/blank (0.00s)",
            "FAIL\texample.com/shop/cart\t0.003s",
        ],
        ["PASS", "money", "=== RUN"],
    ),
    "go_build": (
        "go-test",
        ["cart/cart.go:13:9: undefined: sums", "FAIL\texample.com/shop/cart [build failed]"],
        ["money"],
    ),
    "cargo_test": (
        "cargo-test",
        ["assertion `left == right` failed: discount of ten percent", "  left: 140", " right: 135"],
        ["Compiling", "core::panicking", "... ok"],
    ),
    "mypy": (
        "mypy",
        [
            'typed.py:11: error: Name "undefined_name" is not defined  [name-defined]',
            "Found 5 errors in 1 file (checked 1 source file)",
        ],
        [],
    ),
    "mypy_pretty": ("mypy", ["        return n * 2", "               ^~~~~"], []),
    "rustc": (
        "rustc",
        [
            "error[E0277]: cannot subtract `&str` from `i64`",
            " --> src/lib.rs:3:32",
            "error[E0382]: use of moved value: `s`",
            "error: could not compile `shop` (lib) due to 2 previous errors; 1 warning emitted",
        ],
        ["unused variable", "Compiling", "library/core"],
    ),
    "tsc": (
        "tsc",
        ["src/t.ts(2,3): error TS2322: Type 'number' is not assignable to type 'string'."],
        [],
    ),
    "tsc_pretty": (
        "tsc",
        ['4 const s: number = f("x");', "Found 3 errors in the same file, starting at: src/t.ts:2"],
        ["\x1b"],
    ),
    "javac": (
        "javac",
        ["Shop.java:6: error: cannot find symbol", "  symbol:   variable sums", "2 errors"],
        [],
    ),
    "maven": (
        "maven",
        ["[ERROR] /home/dev/shop/src/main/java/Shop.java:[6,16] cannot find symbol"],
        ["Re-run Maven", "[Help 1]", "Scanning"],
    ),
    "gcc": (
        "gcc",
        [
            "main.c:7:19: error: ‘undeclared’ undeclared (first use in this function)",  # noqa: RUF001
            "    7 |     return helper(undeclared);",
            "make: *** [Makefile:3: main] Error 1",
        ],
        ["unused variable", "note:"],
    ),
    "ld": ("gcc", ["link.c:(.text+0xa): undefined reference to `helper'"], ["gcc -o link"]),
    "ruff": (
        "ruff-source",
        ["F821 Undefined name `undefined_name`", "  --> typed.py:11:19", "Found 3 errors."],
        [],
    ),
    "ruff_concise": ("ruff", ["typed.py:11:19: F821 Undefined name `undefined_name`"], []),
    "ruff_format": ("ruff-source", [" --> ugly.py:1:6"], []),
    "eslint": (
        "eslint",
        [
            "/home/dev/web/src/app.js",
            "  2:5  error    'b' is not defined                      no-undef",
            "✖ 6 problems (5 errors, 1 warning)",
        ],
        ["eqeqeq"],
    ),
    "prettier": ("prettier", ["[warn] src/app.js"], ["Checking formatting"]),
    "shellcheck": (
        "shellcheck",
        [
            "In deploy.sh line 2:",
            "         ^---------^ SC2045 (error): Iterating over ls output is fragile. Use globs.",
        ],
        ["www.shellcheck.net", "Did you mean"],
    ),
    "git_merge": ("git-conflict", ["CONFLICT (content): Merge conflict in f"], ["Auto-merging"]),
    "git_diff_check": ("git-conflict", ["f:3: leftover conflict marker"], []),
    "git_error": (
        "error-lines",
        ["fatal: repository 'https://example.org/shop.git/' not found"],
        ["Cloning"],
    ),
    "traceback": (
        "python-traceback",
        [
            "RuntimeError: cannot load settings.json",
            "The above exception was the direct cause of the following exception:",
            '  File "/home/dev/crash.py", line 4, in load',
        ],
        ["loading"],
    ),
    "java_exception": (
        "java-exception",
        [
            'Caused by: java.lang.NumberFormatException: For input string: "x1"',
            "\tat Boom.main(Boom.java:4)",
        ],
        ["launcher"],
    ),
    "node_exception": (
        "node-exception",
        ["TypeError: settings is not an object", "    at load (/home/dev/n/boom.js:1:25)"],
        ["node:internal"],
    ),
    "coverage": (
        "coverage",
        ["Coverage failure: total of 62 is less than fail-under=95"],
        ["Stmts"],
    ),
    "make": ("make", ["three files differ", "make: *** [M2:4: lint] Error 3"], []),
    "sh": ("shell", ["sh: 1: frobnicate: not found"], []),
    "plain": (LAST_LINES, ["broken  https://example.org/old"], []),
}


@pytest.mark.parametrize("fixture", CASES)
def test_the_lines_that_matter_are_chosen_by_the_rule_of_the_tool(fixture):
    rule, wanted, unwanted = CASES[fixture]
    excerpt = choose_excerpt((FIXTURES / f"{fixture}.txt").read_bytes())
    assert excerpt.rule == rule
    assert [line for line in wanted if line not in excerpt.lines] == []
    shown = "\n".join(excerpt.lines)
    assert [text for text in unwanted if text in shown] == []


@pytest.mark.parametrize(
    ("name", "rule", "wanted"),
    [
        ("go-test-json.jsonl", "go-test", "    shop_test.go:19: Total = 33, want 27"),
        ("go-test-build-failure.jsonl", "go-test", "FAIL\texample.com/shop/broken [build failed]"),
        ("cargo-build-json.jsonl", "rustc", "error[E0369]: cannot add `i32` to `&str`"),
    ],
)
def test_of_a_stream_of_json_the_text_for_people_is_shown(name, rule, wanted):
    excerpt = choose_excerpt(report(name))
    assert excerpt.rule == rule
    assert wanted in excerpt.lines
    assert not [line for line in (*excerpt.lines, *last_lines(report(name))) if "{" in line[:1]]


@pytest.mark.parametrize(
    "line",
    [
        '{"Action":"output"}',
        '{"Action":"rest","Package":"p"}',
        '{"Action":"output","Package":7,"Output":"x"}',
        '{"reason":"of my own","message":{}}',
        '{"reason":"compiler-message","message":"text"}',
        '{"Action":"output","Package":"p","Output":"cut o',
    ],
)
def test_json_that_is_no_such_stream_is_shown_as_it_is(line):
    assert last_lines(line.encode()) == (line,)


@pytest.mark.parametrize("key", ["Action", "reason"])
def test_json_that_is_nested_too_deeply_is_shown_as_it_is(key):
    """A failing check that writes such a line ended the run as a defect."""
    line = f'{{"{key}":"output","more":{"[" * 5_000}{"]" * 5_000}}}'
    (shown,) = last_lines(line.encode())
    assert shown[:300] == line[:300]


def test_every_fixture_has_a_case_and_every_case_a_fixture():
    assert sorted(CASES) == sorted(path.stem for path in FIXTURES.glob("*.txt"))


def test_the_fixtures_cover_at_least_twelve_tools():
    assert len({rule for rule, _, _ in CASES.values()}) >= 12


@pytest.mark.parametrize("fixture", CASES)
def test_the_first_line_has_its_number_in_the_whole_output(fixture):
    output = (FIXTURES / f"{fixture}.txt").read_bytes()
    excerpt = choose_excerpt(output)
    lines = clean(output).decode().split("\n")
    assert lines[excerpt.first_line - 1].rstrip() == excerpt.lines[0]


def test_the_published_list_names_the_rules_in_their_order():
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    listed = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    assert listed == [(f"`{rule.name}`", rule.tool, rule.picks) for rule in RULES]


def test_names_of_rules_are_unique():
    names = [rule.name for rule in RULES] + [LAST_LINES]
    assert len(set(names)) == len(names)


def test_a_hundred_errors_are_cut_in_the_middle_and_keep_the_count():
    output = "".join(f"a.py:{n}: error: bad  [misc]\n" for n in range(100))
    excerpt = choose_excerpt(f"{output}Found 100 errors in 1 file\n".encode())
    assert len(excerpt.lines) == 41
    assert excerpt.lines[0] == "a.py:0: error: bad  [misc]"
    assert excerpt.lines.count(GAP) == 1
    assert excerpt.lines[-1] == "Found 100 errors in 1 file"


def test_a_number_counts_the_lines_of_a_middle_that_was_not_read():
    noise = b"".join(b"compiling file %d\n" % n for n in range(100_000))
    excerpt = choose_excerpt(noise + b"a.py:1: error: bad  [misc]\nFound 1 error in 1 file\n")
    assert excerpt.rule == "mypy"
    assert excerpt.first_line == 100_001


def test_an_error_at_the_start_of_a_long_output_is_found():
    noise = b"".join(b"linking object %d\n" % n for n in range(100_000))
    excerpt = choose_excerpt(b"main.c:7:19: error: bad\n    7 | x\n" + noise)
    assert excerpt.rule == "gcc"
    assert excerpt.first_line == 1


def test_the_last_lines_are_at_most_twenty_and_leave_out_blank_ends():
    output = "".join(f"line {n}\n" for n in range(30)) + "\n\n  \n"
    tail = last_lines(output.encode())
    assert len(tail) == 20
    assert (tail[0], tail[-1]) == ("line 10", "line 29")


def test_the_last_lines_take_at_most_four_kib_and_four_hundred_characters_each():
    tail = last_lines(("x" * 10_000 + "\n").encode() * 30)
    assert all(len(line) == LONGEST_LINE for line in tail)
    assert sum(len(line) + 1 for line in tail) <= 4096


def test_nothing_written_gives_nothing():
    assert choose_excerpt(b"").lines == ()
    assert choose_excerpt(b"\n\n  \n").lines == ()
    assert last_lines(b"") == ()


def test_colours_and_progress_bars_are_shown_as_a_terminal_would():
    assert last_lines(b"\x1b[31mred\x1b[0m\r\n10%\r50%\r100%\r\n") == ("red", "100%")


def test_what_is_no_utf8_becomes_a_replacement_character():
    assert last_lines(b"caf\xe9\n") == ("caf\ufffd",)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_bounded_excerpt(output):
    excerpt = choose_excerpt(output)
    assert len(excerpt.lines) <= 41
    assert all(len(line) <= LONGEST_LINE and "\n" not in line for line in excerpt.lines)


@given(
    st.lists(
        st.sampled_from([(FIXTURES / f"{name}.txt").read_bytes() for name in CASES]), max_size=4
    )
)
def test_outputs_of_several_tools_on_end_give_an_excerpt(outputs):
    excerpt = choose_excerpt(b"".join(outputs))
    assert bool(excerpt.lines) == bool(outputs)


@pytest.mark.parametrize(
    "output",
    [
        b"\n" * 5_000_000,
        b"\r" * 5_000_000,
        b"\x1b[" * 2_000_000,
        b" " * 5_000_000,
        (b" " * 300 + b"x\n") * 20_000,
        b"1 failed, " * 400_000,
        (b"=" * 399 + b"\n") * 20_000,
        b"Traceback (most recent call last):\n\nDuring handling of\n\n" * 50_000,
        b"error: x\n\n" * 100_000,
        b"TypeError: a\n\n\n" * 50_000,
        b"a:1:1 " * 400_000,
    ],
    ids=range(11),
)
@pytest.mark.slow
def test_hostile_output_takes_bounded_work(output):
    """Generous bound: the quadratic forms of these patterns took minutes."""
    start = time.process_time()
    choose_excerpt(output)
    assert time.process_time() - start < 5
