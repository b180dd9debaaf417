"""Suggestions and fixes as a reader gets them: a fix is a command that no value can make into another."""

import shutil
import string
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.helpers.histories import SECOND, History, check
from vibeguard.core.lang.template import MOST_CHARACTERS
from vibeguard.core.model.config_parts import Where
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import AttemptEnd, Outcome, Pool, Reason
from vibeguard.core.report.authored import advice_of
from vibeguard.core.report.build import build_report

PLAIN = string.ascii_letters + string.digits + "_@%+=:,./-"
HOSTILE = "ab1 \n\t'\"`$(){}[]<>|&;*?!#~^\\=-:/.,@%+é\u00a0\x00\x1b"
CANARY = "canary"
SHELLS = ("sh", "bash", "zsh")
# Places where a shell reads a word, most of them more than once.
PLACES = (
    "show {{.x}}",
    "show 'a' {{.x}} b",
    'show "a {{.x}} b"',
    "show 'a {{.x}} b'",
    "show --file={{.x}}",
    "show {{printf `%s` .x}}",
    "eval show {{.x}}",
    "eval eval \"show '{{.x}}'\"",
    'sh -c "printf %s {{.x}}"',
    "sh -c \"sh -c 'printf %s {{.x}}'\"",
    "show `printf %s {{.x}}`",
    'show "$(printf %s {{.x}})"',
    "cat <<END\n{{.x}}\nEND",
    "show ${unset_name:-{{.x}}}",
    "show a # {{.x}}",
    "y={{.x}}; show $y",
    "case a in {{.x}}) show 1 ;; esac",
    "for word in {{.x}}; do show $word; done",
    "alias later='show {{.x}}'",
    "trap 'show {{.x}}' EXIT",
    "echo {{.x}} | xargs printf %s",
    "{{if .x}}show {{.x}}{{end}}",
    "show {{or .nope .x}}",
    "{{if .x}}show {{or .x `b`}}{{end}}",
    "show {{printf `%s` (and .x .x)}}",
)


def advised(code=1, values=None, reason=Reason.EXIT_CODE, variables=None, **keys):
    """The advice, and the document's violation, of a check that failed after it said `values`."""
    run = History(check("a", **keys), vars=variables or {})
    run.ready("a")
    run.start("a")
    run.after(SECOND).exit("a", code=code, extracted={"values": values or {}})
    run.settle("a", Outcome.FAILED, reason)
    state = run.finish().state
    return advice_of(state, state.checks["a"]), build_report(state).violations[0]


def labels(advice):
    return [section.label for section in advice.sections()]


@pytest.mark.parametrize(
    "value", ["main.go", "src/a_b-c.py:12", "@scope/pkg@1.2.3", "50%", "+x", "/"]
)
def test_a_plain_value_enters_a_fix(value):
    advice, violation = advised(fix="gofmt -w {{.f}}", values={"f": value})
    assert advice.fix == violation.fix == f"gofmt -w {value}"
    assert (violation.fix_template, violation.fix_values) == ("", {})
    assert labels(advice) == ["fix"]


@pytest.mark.parametrize(
    "value",
    [
        "$(touch x)",
        "a b",
        "-rf",
        "=ls",
        "a;b",
        "é",
        "a\n",
        "\n",
        "",
        "~",
        "a*",
        "\u0661",
        "x\u200b",
    ],
)
def test_any_other_value_leaves_no_command(value):
    advice, violation = advised(fix="gofmt -w {{.f}}", values={"f": value})
    assert advice.fix == violation.fix == ""
    assert violation.fix_template == "gofmt -w {{.f}}"
    assert violation.fix_values == {"f": value}
    assert labels(advice) == ["fix (not a command)"]


def test_a_name_without_a_value_leaves_no_command_since_a_shell_would_read_from_a_file():
    advice, violation = advised(fix="cp {{.f}} b")
    assert (violation.fix, violation.fix_values) == ("", {"f": None})
    (section,) = advice.sections()
    assert section.text == "cp {{.f}} b\nf was not extracted"


def test_a_value_that_a_condition_only_looks_at_does_not_enter():
    fix = '{{if eq .kind "two words"}}make {{or .nope "a"}}{{else}}make b{{end}}'
    advice, _ = advised(fix=fix, values={"kind": "two words"})
    assert advice.fix == "make a"


@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_enters_by_whatever_way_is_seen(place):
    assert advised(fix=place, values={"x": "a b"})[0].fix == ""


def test_variables_are_the_author_s_own_words():
    fix = "{{.tool}} {{.f}}"
    assert advised(fix=fix, values={"f": "a"}, variables={"tool": "go fmt"})[0].fix == "go fmt a"


@pytest.mark.parametrize("code", [126, 127])
def test_there_is_no_fix_for_what_a_command_found_that_never_ran(code):
    advice, violation = advised(code=code, fix="make it", suggestion="Look.")
    assert (violation.fix, violation.fix_template, violation.suggestion) == ("", "", "Look.")
    assert labels(advice) == ["suggestion"]


@pytest.mark.parametrize("pool", [Pool.FOREGROUND, Pool.WORKERS])
def test_nor_for_what_was_refused(pool):
    where = Where() if pool is Pool.WORKERS else None
    settings = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings())
    unit = check("a", fix="make it", suggestion="Look.", pool=pool, where=where)
    run = History(unit, settings=settings)
    run.ready("a")
    if where is None:
        run.queue("a")
    else:
        run.start("a", worker="w")
    nothing = {"elapsed_ns": 0, "active_ns": 0, "output_path": "", "output_bytes": 0}
    run.exit("a", code=None, end=AttemptEnd.REFUSED, error="no room", **nothing)
    attempts = run.state.checks["a"].attempt if where else 0
    run.settle("a", Outcome.ERROR, Reason.NOT_STARTABLE, attempts=attempts)
    state = run.finish().state
    assert labels(advice_of(state, state.checks["a"])) == ["suggestion"]
    assert build_report(state).violations[0].fix == ""


def test_a_fix_that_is_too_long_is_no_command():
    advice, violation = advised(fix="echo " + "a" * 900_000, suggestion="b" * 900_000)
    assert violation.fix == ""
    for text in (violation.fix_template, violation.suggestion):
        assert len(text) < MOST_CHARACTERS + 100
        assert "of 900,0" in text.splitlines()[-1]
    assert labels(advice) == ["suggestion", "fix (not a command)"]


def run_by(shell, script, folder):
    """What the script prints; it may touch nothing in the folder."""
    begin = "show() { for word; do printf '%s\\n' \"$word\"; done; }\n"
    done = subprocess.run(
        [shell, "-c", begin + script], cwd=folder, capture_output=True, check=False, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert [path.name for path in folder.iterdir()] == [CANARY], script
    assert (folder / CANARY).read_text() == "", script
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=examples(0.1))
@given(data=st.data())
def test_whatever_was_extracted_a_shell_takes_it_for_a_word(shell, tmp_path_factory, data):
    """Each value in each place, read once or more often; those that are refused are not run."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: what it does with a fix was NOT tried")
    folder = tmp_path_factory.mktemp("fix")
    (folder / CANARY).touch()
    plain = st.text(PLAIN, min_size=1, max_size=12)
    hostile = st.sampled_from(
        [f"$(echo x>{CANARY})", f"`rm {CANARY}`", f";rm {CANARY}", f"a>{CANARY}"]
    )
    values = data.draw(
        st.lists(plain | st.text(HOSTILE, max_size=8) | hostile, min_size=8, max_size=8)
    )
    script, offered = [], 0
    for value in values:
        for place in PLACES:
            advice, _ = advised(fix=place, values={"x": value})
            if advice.fix:
                offered += 1
                script.append(f"({advice.fix}\n) 2>/dev/null")
    printed = run_by(shell, "\n".join(script), folder)
    for value in values:
        if advised(fix="show {{.x}}", values={"x": value})[0].fix:
            assert printed.count(value) >= len(PLACES) - 3, value
