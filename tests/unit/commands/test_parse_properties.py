"""Whatever words come: a call, a help screen, or a usage error, and the scanner agrees on the verb."""

from functools import partial

import pytest
from cyclopts import CycloptsError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from vibeguard.cli import verb_of
from vibeguard.commands.failures import explain
from vibeguard.commands.plain import parse
from vibeguard.commands.table import COMMANDS
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import UsageError

FLAGS = [
    "-c", "-v", "-p", "-vp2", "-p=2", "-cx", "-f", "-t", "-o", "-h", "-", "--", "---", "-=", "--=",
    "--json", "--json=false", "--json=", "--json.a", "--json.a=1", "--tags", "--tags=", "--tags=a,b",
    "--tags.x", "--exclude-tags", "--parallel", "--parallel=2", "--fail-fast", "--fail-fast=false",
    "--error-exit-code", "--error-exit-code=3", "--max-wait", "--max-wait=foreground", "--until",
    "--until=check", "--check", "--since", "--format", "--format=json", "--version", "--help",
    "--output", "--template", "--list-templates", "--write", "--keep-size", "--keep-size=1MiB",
    "--config.path", "--common", "--options", "--no-json", "--empty-tags", "--state-dir",
]  # fmt: skip
VALUES = [
    "",
    "a",
    "2",
    "-1",
    "0",
    "check",
    "git",
    "bash",
    "1m",
    "{}",
    "[]",
    '{"a": 1}',
    "@file",
    "ä",
    "a b",
]
WORD = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from([*COMMANDS, "check"]),
    st.sampled_from(VALUES),
    st.text(max_size=6),
)


@example(["--", "run"])
@example(["run", "--tags", "--", "x"])
@example(["-"])
@example([""])
@settings(max_examples=examples(0.5))  # cyclopts takes a tenth of a second for most of them
@given(st.lists(WORD, max_size=6))
def test_any_words_give_a_call_or_a_usage_error(words):
    """Never a traceback of the parser's own."""
    try:
        call = parse(words, {})
    except (UsageError, CycloptsError) as error:
        problems, code = explain(error, verb_of(words))
        assert code is ExitCode.USAGE
        assert all(problem.what for problem in problems)
    else:
        assert callable(call)


@pytest.mark.parametrize("verb", ["run", "check", "list", "validate", "runs", "init", "tail"])
@settings(max_examples=examples(0.2))
@given(
    before=st.lists(
        st.sampled_from(
            [["-v"], ["--json"], ["-p", "3"], ["-vp", "3"], ["-p3"], ["-c", "x"], ["--tags", "run"],
             ["--tags=list"], ["--fail-fast"], ["--log-dir", "tail"], ["--error-exit-code", "2"]]
        ),
        max_size=4,
    )
)  # fmt: skip
def test_the_scanner_finds_the_verb_that_the_parser_finds(verb, before):
    """Two readers of one command line must not disagree: one starts a supervisor."""
    words = [*(word for group in before for word in group), verb]
    call = parse(words, {})
    assert isinstance(call, partial)
    assert call.func.__module__ == f"vibeguard.commands.{verb.replace('check', 'run')}"
    assert verb_of(words) == verb
