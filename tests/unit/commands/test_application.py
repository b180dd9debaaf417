"""How a command line becomes a call: flags in any place and form, the environment, the mistakes."""

import inspect
import shlex
import subprocess
import sys
from functools import partial

import pytest
from cyclopts import CycloptsError

from vibeguard.commands import application
from vibeguard.commands.application import EXAMPLES, build
from vibeguard.commands.failures import explain
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.plain import parse
from vibeguard.commands.run_options import RunOptions
from vibeguard.commands.table import COMMANDS, function_of
from vibeguard.commands.translated import twin_of
from vibeguard.commands.words import join_until_check
from vibeguard.core.problems import UsageError


def parsed(*words: str, **environ: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Positional and keyword arguments of the call that the words ask for."""
    call = parse(list(words), environ)
    assert isinstance(call, partial)
    return call.args, call.keywords


def shared(*words: str, **environ: str) -> GlobalOptions:
    """The global options that the words give."""
    common = parsed(*words, **environ)[1]["common"]
    assert isinstance(common, GlobalOptions)
    return common


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "x.yaml", "-v", "run", "a", "-p", "3"],
        ["run", "a", "-c", "x.yaml", "-vp", "3"],
        ["run", "-vp3", "a", "--config=x.yaml"],
        ["check", "-vp=3", "-cx.yaml", "a"],
        ["--verbose", "--parallel", "3", "check", "--config", "x.yaml", "a"],
    ],
)
def test_global_flags_mean_the_same_before_and_after_the_verb_and_in_every_form(words):
    """Before, after, combined, attached, with and without an equals sign."""
    assert shared(*words) == GlobalOptions(config="x.yaml", verbose=True, parallel=3)
    assert parsed(*words)[0] == ("a",)


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        (["--tags", "a,b"], ("a", "b")),
        (["--tags=a,b", "--tags", "c"], ("a", "b", "c")),
        (["--tags", " a , b ,"], ("a", "b")),
        (["--tags", ""], ()),
        (["--tags="], ()),
        ([], ()),
    ],
)
def test_tags_are_comma_lists_that_may_be_repeated_and_an_empty_one_is_no_filter(words, tags):
    """`--tags ''` filters nothing."""
    assert shared("run", *words).tags == tags
    assert (
        shared("run", *(word.replace("--tags", "--exclude-tags") for word in words)).exclude_tags
        == tags
    )


@pytest.mark.parametrize(
    ("word", "value"),
    [("--json", True), ("--json=true", True), ("--json=false", False), ("--json=0", False)],
)
def test_a_switch_may_be_given_a_value(word, value):
    """`--json=false` is how scripts switch a default off."""
    assert shared("run", word).json is value


def test_of_a_flag_that_is_given_twice_the_last_one_counts():
    """An alias with flags in it can be overridden."""
    assert shared("run", "-p", "2", "-p", "3", "--json", "--json=false").parallel == 3
    assert shared("run", "--json", "--json=false").json is False


def test_fail_fast_tells_said_from_not_said():
    """A config's fail_fast can be switched off by a flag."""
    assert shared("run").fail_fast is None
    assert shared("--fail-fast", "run", "a").fail_fast is True
    assert shared("run", "--fail-fast=false").fail_fast is False


def test_what_follows_two_dashes_is_an_id():
    """Even where it looks like a flag."""
    assert parsed("run", "-v", "--", "-c", "--json")[0] == ("-c", "--json")
    assert shared("run", "--", "--json").json is False


@pytest.mark.parametrize(("code", "kept"), [("0", None), ("1", 1), ("42", 42), ("255", 255)])
def test_error_exit_code_is_1_to_255_and_0_means_the_default(code, kept):
    """0 would make a failed run green."""
    assert shared("run", "--error-exit-code", code).error_exit_code == kept


@pytest.mark.parametrize("code", ["256", "1000000"])
def test_an_exit_code_that_no_shell_can_see_is_refused(code):
    """256 would arrive as 0."""
    with pytest.raises(UsageError, match="error-exit-code"):
        shared("run", f"--error-exit-code={code}")


def test_variables_stand_in_for_flags_and_flags_win():
    """VIBEGUARD_PARALLEL and VIBEGUARD_LOG_DIR; an empty one counts as unset."""
    environ = {"VIBEGUARD_PARALLEL": "7", "VIBEGUARD_LOG_DIR": "logs"}
    assert shared("run", **environ) == GlobalOptions(parallel=7, log_dir="logs")
    flags = shared("run", "-p", "2", "--log-dir", "here", **environ)
    assert flags == GlobalOptions(parallel=2, log_dir="here")
    assert shared("run", VIBEGUARD_PARALLEL="", VIBEGUARD_LOG_DIR="") == GlobalOptions()


@pytest.mark.parametrize("text", ["zero", "0", "-1", "1.5", " 2", "²", "9" * 6, "9" * 5_000])
def test_a_bad_variable_is_refused_by_name(text):
    """The user sees which variable is wrong."""
    with pytest.raises(UsageError, match="VIBEGUARD_PARALLEL"):
        shared("run", VIBEGUARD_PARALLEL=text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--nope"], "--nope"),
        (["rnu"], 'Did you mean "run"'),
        (["run", "-p", "x"], "-p"),
        (["run", "-p", "1_0"], '-p: "1_0" is not a whole number'),
        (["run", "--parallel=-3"], '--parallel: "-3" is not a whole number, 0 or more'),
        (["run", "--error-exit-code=-1"], '--error-exit-code: "-1" is not a whole number'),
        (["prune", "--keep-runs=-1"], '--keep-runs: "-1" is not a whole number, 0 or more'),
        (["prune", "--keep-runs", "1_0"], '--keep-runs: "1_0" is not a whole number'),
        (["run", "--error-exit-code", "1_0"], '--error-exit-code: "1_0" is not a whole number'),
        (["worker", "--slots", "1_0"], '--slots: "1_0" is not a whole number'),
        (["report", "--budget", "1_0"], '--budget: "1_0" is not a whole number'),
        (["run", "-p", "\u0663"], '-p: "\u0663" is not a whole number'),
        (["run", "-p", "9" * 5000], '9..." is too large a number'),
        (["run", "--json=maybe"], "--json"),
        (["-c"], "-c"),
        (["run", "--max-wait"], "--max-wait"),
        (["run", "--max-wait", "3x"], "3x"),
        (["run", "--max-wait", "3"], "3s"),
        (["report", "--format", "jsn"], 'Did you mean "json"'),
        (["status", "a", "b"], "b"),
        (["wait", "--until", "never"], "never"),
        (["completion"], "SHELL"),
        (["tail", "--no-json"], "--no-json"),
    ],
)
def test_a_command_line_that_cannot_be_is_refused_with_the_word_that_is_wrong(words, said):
    """And with a suggestion where one is near."""
    with pytest.raises(CycloptsError) as refused:
        parse(words, {})
    assert said in str(refused.value)


def test_no_slots_is_refused():
    """A run without a slot would never end."""
    with pytest.raises(UsageError, match="--parallel"):
        shared("run", "--parallel=0")


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("wait --until check unit", "wait --until check --check unit"),
        ("wait --until=check unit latest", "wait --until=check --check unit latest"),
        ("wait --until check --check unit", "wait --until check --check unit"),
        ("wait --until check", "wait --until check"),
        ("run check", "run check"),
        ("check unit", "check unit"),
        ("wait --until end x", "wait --until end x"),
        ("run -- --until check x", "run -- --until check x"),
    ],
)
def test_until_check_id_reads_like_a_sentence(words, joined):
    """`--until check ID` is `--until check --check ID`."""
    assert join_until_check(tuple(words.split())) == joined.split()


def test_max_wait_is_nanoseconds_or_the_foreground():
    """Go durations, as everywhere."""
    assert parsed("run", "--max-wait", "1m30s")[1]["options"].max_wait == 90 * 10**9
    assert parsed("run", "--max-wait", "foreground")[1]["options"].max_wait == "foreground"
    assert parsed("wait", "--max-wait", "500ms")[1]["options"].max_wait == 500_000_000


def test_every_command_exists_takes_the_global_flags_and_says_what_it_does():
    """The table names functions; each is there and typed for the parser."""
    app = build()
    for name in COMMANDS:
        function = function_of(name)
        assert "common" in inspect.signature(function).parameters
        assert function.__doc__
        assert app[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_screen_explains_every_word_and_flag_that_the_command_takes(name):
    """Nobody has to guess what may stand for RUN."""
    for argument in build()[name].assemble_argument_collection():
        if argument.show and argument.name not in ("common", "options"):
            assert argument.parameter.help, argument.name


def test_no_command_is_imported_before_it_is_used():
    """Start-up pays for one command."""
    script = (
        "import sys; from vibeguard.commands.plain import parse; parse(['completion', 'bash']);"
        "print([m for m in sys.modules if m.startswith('vibeguard.commands.')"
        " and m.rsplit('.')[-1] in ('run', 'tail', 'report', 'list', 'init', 'hook')] + "
        "[m for m in ('trio', 're2', 'yaml', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_no_source_is_searched_for_docstrings_of_flags():
    """It took a third of the time of a completion script; what a flag says stands beside it."""
    with pytest.raises(OSError, match=r"class definition|source code"):  # 3.11, 3.13
        inspect.getsource(twin_of(RunOptions))


@pytest.mark.parametrize("words", [["nope", "--help"], ["-v", "nope", "-h"], ["help", "nope"]])
def test_nobody_is_helped_with_a_command_that_is_not_there(words):
    with pytest.raises(CycloptsError) as refused:
        parse(words)
    (problem,), code = explain(refused.value, "")
    assert (problem.what, code) == ('Unknown command "nope"', 2)


@pytest.mark.parametrize("words", [["--help"], ["-c", "nope", "--help"], ["help"], ["check", "-h"]])
def test_help_is_given_without_a_command_too(words, capsys):
    assert parse(words)() == 0
    assert "Usage: vibeguard" in capsys.readouterr().out


def test_a_help_screen_comes_to_its_end_on_any_terminal(monkeypatch, capsys):
    """In one column or two rich never did, and some containers say that they have none."""
    for columns in ("0", "2", "9" * 11, "9" * 5000):
        monkeypatch.setenv("COLUMNS", columns)
        assert parse(["--help"])() == 0
        assert "explain" in capsys.readouterr().out.split()


@pytest.mark.parametrize("call", [call for calls in EXAMPLES.values() for call in calls])
def test_the_examples_of_help_screens_are_calls(call):
    words = shlex.split(call.partition(" >")[0])
    assert EXAMPLES[words[0]]
    assert application.parse(words)


def test_a_help_screen_has_examples_and_does_not_call_one_of_many_values_the_only_one(capsys):
    application.parse(["run", "--help"])
    shown = capsys.readouterr().out
    assert "Examples:\n  vibeguard run lint unit\n" in shown
    assert "[choices: foreground]" not in shown
