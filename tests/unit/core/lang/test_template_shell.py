"""Fixes are command lines: what came out of a check's output must stay plain text for a real shell."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vibeguard.core.lang.template import render

HOSTILE = 'it\'s "$(touch hacked)" `touch hacked`; touch hacked & | > f \\ * ! # ~ {a,b}\nnew $HOME'


def fix(text, value=HOSTILE, **variables):
    return render(text, {"x": value}, variables, shell_quote=True)


def arguments(command):
    """Run a command line with a real shell; return the words that it was given after the first."""
    script = f"show() {{ for word; do printf '%s\\0' \"$word\"; done; }}\n{command}"
    result = subprocess.run(["sh", "-c", script], capture_output=True, check=False, text=True)
    return result.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("show {{.x}}", [HOSTILE]),
        ("show 'a {{.x}} b'", [f"a {HOSTILE} b"]),
        ('show "a {{.x}} b"', [f"a {HOSTILE} b"]),
        ("show --file={{.x}}", [f"--file={HOSTILE}"]),
        ('show "$(printf %s {{.x}})"', [HOSTILE]),
        ('show "$(printf %s "{{.x}}")"', [HOSTILE]),
        ("show {{.x}} '{{.x}}' \"{{.x}}\"", [HOSTILE] * 3),
        ('show "it\'s" {{.x}}', ["it's", HOSTILE]),
        ("show a\\'b {{.x}}", ["a'b", HOSTILE]),
        ('show "\\"" {{.x}}', ['"', HOSTILE]),
        ("show '\\' {{.x}}", ["\\", HOSTILE]),
        ("show a#b {{.x}}", ["a#b", HOSTILE]),
        ("# it's a comment\nshow {{.x}}", [HOSTILE]),
        ("(show {{.x}})", [HOSTILE]),
        ("show \\$ {{.x}}", ["$", HOSTILE]),
        ('{{printf "show a-%s" .x}}', []),
        ("show {{if .x}}{{.x}}{{end}}", [HOSTILE]),
        ('show {{printf "a-%s" .x}}', [f"a-{HOSTILE}"]),
        ("show {{.x | print}}", [HOSTILE]),
        ("show {{with .x}}{{.}}{{end}}", [HOSTILE]),
        ("{{$y := .x}}show {{$y}}", [HOSTILE]),
    ],
)
def test_a_shell_takes_the_value_for_plain_text(template, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if words:
        assert arguments(fix(template)) == words
    else:
        arguments(fix(template))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "template",
    [
        "show `printf %s {{.x}}`",
        "cat <<END\n{{.x}}\nEND",
        'show "${none:-{{.x}}}"',
        "show $'{{.x}}'",
        "show \\{{.x}}",
        "# {{.x}}",
    ],
)
def test_where_no_quoting_helps_nothing_dangerous_is_left(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = fix(template)
    arguments(command)
    assert list(tmp_path.iterdir()) == []
    assert "$(touch" not in command


def test_a_harmless_value_stays_as_it_is():
    assert fix("rm {{.x}} '{{.x}}' `{{.x}}`", "src/a.py") == "rm src/a.py 'src/a.py' `src/a.py`"


def test_an_empty_value_is_an_empty_word():
    assert arguments(fix("show {{.x}} b", "")) == ["", "b"]


def test_variables_of_the_config_are_the_authors_own_words():
    assert fix("go test {{.packages}} -run {{.x}}", "A B", packages="./... ./cmd") == (
        "go test ./... ./cmd -run 'A B'"
    )


def test_a_variable_that_wins_over_an_extracted_value_is_not_quoted():
    assert fix("run {{.x}}", "evil;", x="a b") == "run a b"


def test_a_fix_that_is_no_template_is_shown_as_written():
    assert fix("awk '{{print $1}}' {{.x}") == "awk '{{print $1}}' {{.x}"


@settings(max_examples=60)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20),
    st.sampled_from(
        ["show {{.x}}", 'show "{{.x}}"', "show '{{.x}}'", 'show "$(printf %s {{.x}}.)"']
    ),
)
def test_any_value_survives_a_real_shell(value, template):
    word = value + "." if "printf" in template else value
    assert arguments(fix(template, value)) == [word]
