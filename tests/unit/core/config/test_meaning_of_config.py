"""References, cycles, variables, patterns and assertions: what needs a look at the whole config."""

import subprocess
import sys
import time

import pytest

from tests.helpers.configs import check, complaints, load, load_check, only_complaint, problems
from vibeguard.core.lang.interpolate import MAX_CHARACTERS
from vibeguard.core.names import WhilePending


def graph(**requires: str) -> str:
    """A config with a check for each name, one a line from line 2, requiring what it says."""
    return "checks:\n" + "".join(
        f"  - {{id: {name}, run: x, requires: [{others}]}}\n" for name, others in requires.items()
    )


def test_a_duplicate_id_is_shown_at_the_second() -> None:
    """With the line of the first."""
    assert only_complaint(graph(a="") + "  - {id: a, run: y}\n").startswith(
        '3:10: duplicate id "a", first in line 2'
    )
    assert only_complaint("prompts: [{id: p}, {id: p}]\n" + check()).startswith(
        '1:25: duplicate prompt "p", first in line 1'
    )


def test_ids_that_differ_in_case_alone_are_different() -> None:
    """As on Linux."""
    assert [c.id for c in load(graph(a="", A="a")).checks] == ["a", "A"]


def test_a_duplicate_id_that_an_alias_repeats_is_shown_where_it_is_used() -> None:
    """The id itself is written only once."""
    base = "x-b: &b {id: q, run: r}\nchecks:\n"
    assert complaints(base + "  - *b\n  - *b\n")[0].startswith("4:5: ")
    assert complaints(base + "  - <<: *b\n  - <<: *b\n")[0].startswith("4:5: ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (graph(fmt="", b="fnt"), '3:32: unknown check "fnt" is required: did you mean "fmt"?'),
        (
            graph(fmt="", b="zzz"),
            '3:32: unknown check "zzz" is required: name a check of this config',
        ),
        (graph(fmt="", b="Fmt"), 'did you mean "fmt"?'),
        (graph(a="a"), "2:32: the check requires itself: a -> a"),
        (graph(a="b", b="a"), "2:32: dependency cycle: a -> b -> a"),
        (graph(x="b", b="c", c="b"), "3:32: dependency cycle: b -> c -> b"),
        (graph(a="c", b="a", c="b"), "2:32: dependency cycle: a -> c -> b -> a"),
        (
            check("on: {failure: [fxi]}") + "prompts: [{id: fix}]\n",
            '4:20: unknown prompt "fxi": did you mean "fix"?',
        ),
        (
            check("on: {failure: [zzz]}"),
            'unknown prompt "zzz": add it to prompts; a text of your own is written without a list',
        ),
    ],
)
def test_references(text: str, complaint: str) -> None:
    """To checks and prompts, with what was probably meant."""
    assert complaint in only_complaint(text)


def test_every_cycle_is_reported() -> None:
    """Those that share a check too: each needs its own cut."""
    text = graph(a="b, c", b="a", c="a", x="y", y="x")
    assert [line.split(": ")[2] for line in complaints(text)] == [
        "a -> b -> a",
        "a -> c -> a",
        "x -> y -> x",
    ]


def test_a_cycle_of_ten_thousand() -> None:
    """Needs no recursion, and its message can be read."""
    names = {f"c{i}": f"c{i + 1}" for i in range(9_999)} | {"c9999": "c0"}
    (problem,) = problems(graph(**names))
    assert problem.what.startswith("dependency cycle: c0 -> c1 -> ")
    assert problem.what.endswith("-> c9999 -> c0")
    assert len(problem.what) < 200


def test_a_chain_of_ten_thousand_is_fine() -> None:
    """In either order of the file."""
    names = {f"c{i}": f"c{i + 1}" for i in range(9_999)} | {"c9999": ""}
    assert len(load(graph(**names)).checks) == 10_000
    assert len(load(graph(**dict(reversed(names.items())))).checks) == 10_000


def test_ten_thousand_unknown_references_do_not_take_minutes() -> None:
    """Looking for near names stops at some point, and nobody reads more than two hundred."""
    text = graph(**{f"check_{i}": f"chekc_{i}" for i in range(3_000)})
    start = time.perf_counter()
    found = problems(text)
    assert len(found) == 201
    assert found[-1].what == "and 2800 more mistakes"
    assert found[0].do == 'did you mean "check_0"?'
    assert time.perf_counter() - start < 20


def test_a_requirement_that_is_written_twice_counts_once() -> None:
    """Unless the two say different things."""
    assert len(load(graph(a="", b="a, a")).checks[1].requires) == 1
    text = graph(a="", b="a, {check: a, while_pending: skip}").replace(
        "id: a, run: x", "id: a, run: x, async: true"
    )
    assert '"a" is required twice, with different while_pending' in only_complaint(text)


@pytest.mark.parametrize("choice", ["skip", "proceed"])
@pytest.mark.parametrize(
    ("required", "is_async"),
    [
        ("async: true", True),
        ("async: false", False),
        ("async: auto", False),
        ("timeout: 61s", True),
        ("timeout: 60s", False),
        ("timeout: 2m, async: false", False),
        ("timeout: 1s, async: yes", True),
        ("severity: error", False),
    ],
)
def test_only_an_async_requirement_can_be_pending(
    choice: str, required: str, is_async: bool
) -> None:
    """Explicitly, or by its timeout."""
    text = (
        check(f"requires: [{{check: b, while_pending: {choice}}}]")
        + f"  - {{id: b, run: x, {required}}}\n"
    )
    if is_async:
        assert load(text).checks[0].requires[0].while_pending is WhilePending(choice)
    else:
        assert (
            f"4:42: while_pending: {choice} is for async checks; b is not async"
            in only_complaint(text)
        )


def test_wait_is_for_everybody() -> None:
    """It is the default."""
    assert load(check("requires: [{check: b, while_pending: wait}]") + "  - {id: b, run: x}\n")


def test_async_after_decides_what_is_async() -> None:
    """A timeout above it."""
    text = (
        check("requires: [{check: b, while_pending: skip}]") + "  - {id: b, run: x, timeout: 11s}\n"
    )
    assert load("settings: {async_after: 10s}\n" + text)
    assert "is not async" in only_complaint("settings: {async_after: 11s}\n" + text)


def test_variables_go_into_run_file_grok_and_assert() -> None:
    """And into suggestion and fix, as text, before they are templates; a prompt stays as it is."""
    text = "vars: {v: 80, other: '{{.v}}0'}\n" + check(
        "file: out/{{.v}}.txt",
        "grok: ['{{.v}} %{INT:a}']",
        "assert: 'a > {{.other}}'",
        "suggestion: '{{.v}}'",
        "fix: 'echo {{.v}}'",
        "on: {failure: '{{.v}}'}",
        "env: {A: '{{.v}}'}",
    ).replace("run: x", "run: 'echo {{.v}} {{.other}} {{ .v }} {{.V}} {{.Names}} {{.v}}{{.v}}'")
    a = load(text).checks[0]
    assert a.run == "echo 80 800 {{ .v }} {{.V}} {{.Names}} 8080"
    assert (a.file, a.grok, a.assertion) == ("out/80.txt", ("80 %{INT:a}",), "a > 800")
    assert (a.suggestion, a.fix, a.on.failure[0].content) == ("80", "echo 80", "{{.v}}")
    assert a.env == {"A": "{{.v}}"}
    assert load(text).vars == {"v": "80", "other": "800"}


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ("{a: '{{.b}}', b: '{{.a}}'}", "1:11: cycle of variables: a -> b -> a"),
        ("{a: 'x{{.a}}'}", "1:11: cycle of variables: a -> a"),
        ("{z: 1, b: '{{.c}}', c: '{{.b}}'}", "cycle of variables: b -> c -> b"),
    ],
)
def test_variables_that_use_each_other(variables: str, complaint: str) -> None:
    """At the first of them."""
    assert complaint in only_complaint(f"vars: {variables}\n" + check())


def test_a_bomb_of_variables_is_refused() -> None:
    """Ten variables of ten others each, and so on."""
    rows = "".join(f"  v{i}: '{f'{{{{.v{i + 1}}}}}' * 10}'\n" for i in range(10))
    assert "longer than 1 MiB" in only_complaint(f"vars:\n{rows}  v10: x\n" + check())


def test_many_texts_with_long_variables_are_refused() -> None:
    """Each is within its limit, together they are not."""
    long = "x" * (MAX_CHARACTERS // 2)
    text = f"vars: {{v: {long}}}\nchecks:\n" + "".join(
        f"  - {{id: c{i}, run: 'echo {{{{.v}}}}'}}\n" for i in range(200)
    )
    found = problems(text)
    assert found
    assert all("longer than 16 MiB together" in problem.what for problem in found)


def test_run_may_become_empty() -> None:
    """Which is as bad as an empty one."""
    assert '"run" is empty once variables are in' in only_complaint(
        "vars: {v: }\n" + check().replace("run: x", "run: '{{.v}}'")
    )


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("grok: 'abc ('", "4:"),
        ("grok: '%{NOSUCH:a}'", "4:14"),
        ("grok: [ok, 'ab %{NOSUCH:a}']", "4:22"),
        ("grok: 'x%{INT:a-b}'", "4:"),
        ("assert: a and b", "4:15"),
        ("assert: 'a < '", "4:"),
        ("assert: 10 % 3 == 1", "4:16"),
    ],
)
def test_patterns_and_assertions_are_compiled_now(line: str, place: str) -> None:
    """The error stands at the character that is wrong."""
    assert only_complaint(check(line)).startswith(place)


@pytest.mark.parametrize("key", ["assert", "grok"])
def test_long_texts_with_a_mistake_each_are_looked_at_until_it_takes_too_long(key: str) -> None:
    """A variable makes forty long ones of little."""
    text = f"vars: {{v: '{' ' * 30_000}'}}\nchecks:\n" + "".join(
        f"  - {{id: c{n}, run: x, {key}: '{{{{.v}}}}( {n}'}}\n" for n in range(40)
    )
    found = problems(text)
    assert len(found) < 20
    assert "are so large together" in found[-1].what


def test_an_error_in_a_block_stands_in_its_line() -> None:
    """At the very character."""
    text = check("grok:", "  - |-", "    one", "    two %{NOSUCH:a}")
    assert only_complaint(text).startswith("7:15: ")


def test_an_error_behind_a_variable_keeps_its_place() -> None:
    """What a variable brought in stands where it is used."""
    text = "vars: {v: 'some long text', bad: '%{NOSUCH:a}'}\n"
    assert only_complaint(text + check("grok: '{{.v}} %{NOSUCH:a}'")).startswith("5:21: ")
    assert only_complaint(text + check("grok: 'ab {{.bad}}'")).startswith("5:15: ")


def test_a_command_that_variables_make_too_long() -> None:
    """At the variable that is too much."""
    text = f"vars: {{v: {'x' * (MAX_CHARACTERS // 2)}}}\n" + check()
    text = text.replace("run: x", "run: '{{.v}} {{.v}} {{.v}}'")
    assert only_complaint(text).startswith("4:18: variables make this text longer than 1 MiB")


def test_the_same_wrong_pattern_is_reported_wherever_it_is_written() -> None:
    """It is compiled once, but wrong twice."""
    text = check("grok: '%{NOSUCH:a}'") + "  - {id: b, run: x, grok: '%{NOSUCH:a}'}\n"
    assert len(complaints(text)) == 2


def test_a_config_without_patterns_does_not_load_the_pattern_library() -> None:
    """Start-up time is a feature."""
    program = (
        "import sys; from vibeguard.core.config.load import load_config;"
        "load_config(b'checks: [{id: a, run: x}]', 'f');"
        "sys.exit(any(name in sys.modules for name in ('re2', 'trio', 'vibeguard.core.lang.grok')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_mistake_of_meaning_at_once() -> None:
    """Also those of single values."""
    text = (
        graph(a="b", b="a, nobody")
        + "  - {id: a, run: x, timeout: 5, assert: '(', on: {failure: [p]}}\n"
    )
    assert [line.split(":")[0] for line in complaints(text)] == ["2", "3", "4", "4", "4", "4"]


def test_notes_of_a_single_check_are_kept() -> None:
    """What is fine stays fine beside variables."""
    assert load_check("grok: '%{INT:a}'", "assert: a > 1").assertion == "a > 1"


BESIDE = """\
checks:
  - {id: a, run: x, timeot: 5s, requires: [nobody, b]}
  - {id: 1b, run: x, requires: [a]}
  - {id: c, run: x, requires: [1b, a], grok: '%{NOSUCH}'}
  - {id: a, run: x}
"""


def test_no_mistake_hides_another() -> None:
    """Shape and meaning are one stage: unknown key, unknown requirement, duplicate id, bad grok."""
    assert [line.split(": ")[1] for line in complaints(BESIDE)] == [
        'unknown key "timeot" in a check',
        'unknown check "nobody" is required',
        'unknown check "b" is required',
        'invalid id "1b"',
        'there is no grok pattern with the name "NOSUCH"',
        'duplicate id "a", first in line 2',
    ]


@pytest.mark.parametrize(
    ("checks", "both"),
    [
        ("{id: a, requires: [c]}", ('no "run"', 'unknown check "c"')),
        ("{id: a, rnu: x, on: {failure: [p]}}", ('"rnu"', 'unknown prompt "p"')),
        ("{id: a, requires: [a]}", ('no "run"', "requires itself")),
        ("{id: a, run: x, requires: [{chek: b}, d]}", ('"chek"', 'unknown check "d"')),
        ("{id: a, run: x, tags: [Bad], requires: [a]}", ('"Bad"', "requires itself")),
        ("{id: a, run: x, timeout: 5, assert: 'a and'}", ("no unit", "and is not an operator")),
        ("{id: a, run: x, z: 1, requires: [b]}, {id: b, run: x, requires: [a]}", ('"z"', "cycle")),
        ("{id: a, run: x, results: {junt: x}}, {id: a, run: x}", ('"junt"', "duplicate id")),
    ],
)
def test_no_mistake_of_a_check_hides_another_of_it(checks: str, both: tuple[str, str]) -> None:
    found = "\n".join(complaints(f"checks: [{checks}]"))
    assert all(what in found for what in both)


@pytest.mark.parametrize(
    "refused",
    [
        "chekcs: [{id: b, run: x}]\n",
        "x: {y: [b]}\n",
        "checks: [{id: b, run: x}]\n",
    ],
)
def test_a_name_that_something_refused_defines_is_not_unknown(refused: str) -> None:
    """One mistake, one complaint."""
    assert len(complaints(check("requires: [b]") + refused)) == 1


@pytest.mark.parametrize(
    "line",
    ["  - {name: b, run: x}\n", "  - b\n", "  - {id: z, id: b, run: x}\n", "  - {id: [b]}\n"],
)
def test_nor_one_of_a_check_that_was_refused(line: str) -> None:
    """However little of it could be read."""
    found = complaints(check("requires: [b]") + line)
    assert found
    assert not any("unknown check" in complaint for complaint in found)


def test_nor_one_that_an_alias_of_nothing_may_bring() -> None:
    """Nobody knows what would have stood there."""
    assert only_complaint(check("requires: [b]") + "  - *nothing\n").startswith("5:5: *nothing")


def test_a_prompt_or_variable_that_was_refused_is_not_missed() -> None:
    """Neither where it is shown nor where it is put in."""
    text = "prompts: [{id: 1p}, {name: q}]\n" + check("on: {failure: [1p, q]}")
    assert not any("unknown prompt" in complaint for complaint in complaints(text))
    text = "vars: {v: [1]}\n" + check("assert: 'a > {{.v}}'")
    assert only_complaint(text).startswith('1:11: the variable "v" takes a text')
    text = "vars: {v: '{{.w}}', w: '{{.v}}'}\n" + check("assert: 'a > {{.v}}'")
    assert "cycle of variables" in only_complaint(text)


def test_what_a_refused_value_would_have_said_is_not_guessed() -> None:
    """A check whose timeout is wrong may be async."""
    text = check("requires: [{check: b, while_pending: skip}]")
    assert "has no unit" in only_complaint(text + "  - {id: b, run: x, timeout: 600}\n")


@pytest.mark.parametrize(
    "line",
    [
        "requires: ['']",
        "tags: ['']",
        "on: {failure: ['']}",
        "on: {timeout: [p, '']}",
        "requires: [{check: ''}]",
        "inputs: ['src/**', '']",
        "outputs: ['']",
        "files: [a, '']",
        "tools: ['']",
        "env_inputs: ['']",
        "results: {junit: ''}",
        "artifacts: ['']",
    ],
)
def test_an_empty_entry_is_a_mistake(line: str) -> None:
    """Dropped, it would take a gate away without a word."""
    assert " is empty: " in only_complaint("prompts: [{id: p}]\n" + check(line))


@pytest.mark.parametrize(
    "blank", ["'  '", "''", "~", '"\\n\\t"', "|2\n\n", "'{{.v}}'", "' {{.w}} '"]
)
def test_a_blank_assertion_is_none(blank: str) -> None:
    """As in the original, which judged it once variables were in."""
    text = "vars: {v: ' ', w: }\n" + check(f"assert: {blank}", "grok: '%{INT:n}'")
    assert load(text).checks[0].assertion == ""


def test_git_s_variables_are_kept_in_the_foreground_only() -> None:
    """A background check must never write into the index of whoever commits."""
    assert "a is async: remove git_env" in only_complaint(check("git_env: keep", "async: true"))
    assert load_check("git_env: keep").git_env == "keep"
    assert load("settings: {git_env: keep}\n" + check("async: true"))


def test_of_very_many_mistakes_the_first_are_shown() -> None:
    """And at ten thousand nobody looks any further."""
    found = problems(check() + "  - x\n" * 100_000)
    assert len(found) == 201
    assert (found[0].line, found[199].line) == (4, 203)
    assert found[200].what == "and at least 9800 more mistakes"
