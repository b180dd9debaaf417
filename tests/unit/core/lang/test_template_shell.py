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
        ('show "$\\\n(printf %s {{.x}})"', [HOSTILE]),
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
        "show a \\\n# it's {{.x}}",
    ],
)
def test_where_no_quoting_helps_nothing_dangerous_is_left(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = fix(template)
    arguments(command)
    assert list(tmp_path.iterdir()) == []
    assert "$(touch" not in command


READ_TWICE = [
    'bash -c "ls {{.x}}"',
    "sh -c 'ls {{.x}}'",
    "bash -c 'ls \"{{.x}}\"'",
    "sh -c ls\\ {{.x}}",
    "eval ls {{.x}}",
    'eval "ls {{.x}}"',
    "sh -ec 'ls {{.x}}'",
    "/bin/bash -lc 'ls {{.x}}'",
    "bash +c 'ls {{.x}}'",
    "A=b sh -c 'ls {{.x}}'",
    "env A=b sh -c 'ls {{.x}}'",
    "nice -n 1 timeout 5 sh -c 'ls {{.x}}'",
    "exec sh -c 'ls {{.x}}'",
    "true && ! sh -c 'ls {{.x}}'",
    "if true; then sh -c 'ls {{.x}}'; fi",
    "(sh -c 'ls {{.x}}')",
    "bash -e -o pipefail -c 'ls {{.x}}'",
    "bash --norc -c 'ls {{.x}}'",
    "bash 2>&1 -c 'ls {{.x}}'",
    "bash >/dev/null -c 'ls {{.x}}'",
    "bash > /dev/null -c 'ls {{.x}}'",
    "bash</dev/null -c 'ls {{.x}}'",
    "sh -c -e 'ls {{.x}}'",
    "sh \\\n -c 'ls {{.x}}'",
    "\"sh\" '-c' 'ls {{.x}}'",
    "s\\h -''c 'ls {{.x}}'",
    "SHELL=sh; $SHELL -c 'ls {{.x}}'",
    "SHELL=sh; \"${SHELL:-sh}\" -c 'ls {{.x}}'",
    "$(command -v sh) -c 'ls {{.x}}'",
    "`command -v sh` -c 'ls {{.x}}'",
    "sh -c \"$(printf '%s ' ls {{.x}})\"",
    "{{.shell}} -c 'ls {{.x}}'",
    'sh -c {{printf "ls %s" .x}}',
    "echo a | xargs sh -c 'ls {{.x}}'",
    "find . -exec sh -c 'ls {{.x}}' \\;",
]


@pytest.mark.parametrize("template", READ_TWICE)
@pytest.mark.parametrize(
    "value", ["$(touch hacked)", "`touch hacked`", "; touch hacked;", "'; touch hacked; '", HOSTILE]
)
def test_what_a_second_shell_reads_is_no_command(template, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = fix(template, value, shell="sh")
    result = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=20)
    assert list(tmp_path.iterdir()) == []
    assert b"syntax error" not in result.stderr
    assert b"ls" in result.stdout + result.stderr  # ls does complain: there is no such file


@pytest.mark.parametrize(
    "template",
    [
        "eval ls {{.x}}",
        "sh -c {{.x}}",
        'sh -c "eval ls {{.x}}"',
        "`eval {{.x}}`",
        "sh <<END\neval ls {{.x}}\nEND",
    ],
)
def test_no_pattern_is_left_that_would_find_the_file_of_that_name(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value = "$(touch hacked)"
    (tmp_path / value).touch()
    subprocess.run(["sh", "-c", fix(template, value)], capture_output=True, check=False)
    assert [path.name for path in tmp_path.iterdir()] == [value]


def test_commands_for_other_machines_and_users_are_read_twice_too():
    for start in ("ssh host", "su me -c", "sudo su -c", "xargs -n 1", "watch -n 5", "trap"):
        assert fix(start + " 'ls {{.x}}'", "$(a b)") == start + " 'ls __a_b_'"


ARITHMETIC = [
    "echo $(( {{.x}} + 1 ))",
    "echo $((1+{{.x}}))",
    'echo "$((({{.x}}) * 2))"',
    'echo "$[ {{.x}} ]"',
    "echo $[{{.x}}]",
    "(( n = {{.x}} ))",
    "for ((i={{.x}}; i < 1; i++)); do :; done",
    "let n={{.x}}",
    "[[ {{.x}} -eq 1 ]]",
    "[[ -f a && {{.x}} -gt 0 ]]",
    "list[{{.x}}]=1",
    "list=([{{.x}}]=1 [2]={{.x}})",
    "list=( [{{.x}}]=1 )",
    'echo "$(case x in x) echo "{{.x}}";; esac)" "{{.x}}"',
    'flock lock -c "echo {{.x}}"',
    'script -qc "echo {{.x}}" /dev/null',
]


@pytest.mark.parametrize("template", ARITHMETIC)
@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(
    "value",
    ["$(touch hacked)", "`touch hacked`", "a[$(touch hacked)]", "0)); touch hacked; echo $((0"],
)
def test_what_a_shell_calculates_with_is_no_command(template, shell, value, tmp_path, monkeypatch):
    """In arithmetic single quotes mean nothing, and the subscript of an array is expanded."""
    monkeypatch.chdir(tmp_path)
    command = fix(template, value)
    subprocess.run([shell, "-c", command], capture_output=True, check=False, timeout=20)
    assert not (tmp_path / "hacked").exists()
    assert fix(template, "42") == template.replace("{{.x}}", "42")


def test_a_command_whose_name_is_extracted_may_be_a_shell():
    values = {"tool": "eval", "x": "$(a)"}
    assert render("{{.tool}} {{.x}}", values, {}, shell_quote=True) == "eval __a_"


@pytest.mark.parametrize(
    "start",
    [
        "ruff check --fix",
        "git commit -c",
        "grep -c bash",
        "bash fix.sh -c",
        "sh -e fix",
        "evaluate",
        "git push -c",
        "sh -c true; show -c",
        "sh -c true && show -c",
        "sh -c true | show -c",
        "sh -c true &\nshow",
        "sh -c true\nshow -c",
        "show $(sh -c true)",
        "(sh -c true) && show",
        "echo $(eval a) b",
        "# eval\nshow",
        "echo 'eval ls'",
        "case a in eval) show",
        "C={{.x}} ",
        "echo $((1 + 2)) $((3 * (4 + 5)))",
        "ls file[0-9].txt a[{{.x}}]b",
        "((n += 1)); [ -f a ] &&",
        "[[ -d a && -d b ]] && show",
        "( [ -f a ] && show",
        "case a in a) show",
        "flock lock show",
        "test -f",
    ],
)
def test_the_commands_beside_a_second_shell_are_quoted_as_ever(start):
    assert fix(start + " {{.x}}", "a b") == fix(start, "a b") + " 'a b'"


def test_a_value_in_the_environment_passes_through_a_second_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = fix("""F={{.x}} sh -c 'printf "%s\\0" "$F"'""")
    result = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True)
    assert result.stdout == HOSTILE + "\0"
    assert list(tmp_path.iterdir()) == []


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
