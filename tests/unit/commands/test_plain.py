"""Plain words are read without cyclopts, and mean what cyclopts takes them for."""

from functools import partial

import pytest
from cyclopts import CycloptsError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.unit.commands.test_parse_properties import FLAGS, VALUES, WORD
from vibeguard.commands import application
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, names_of, split
from vibeguard.commands.plain import plain_call
from vibeguard.commands.table import COMMANDS, function_of
from vibeguard.core.problems import UsageError

PLAIN = [
    ["run"],
    ["check", "a", "b", "-p", "3", "--tags", "x,y"],
    ["-v", "run", "--max-wait", "1m30s", "--failed"],
    ["run", "-p2", "-cx.yaml"],
    ["run", "--changed=main", "--format=agent", "--detach"],
    ["report", "--format", "agent", "--since", "3", "latest~1"],
    ["status", "--json"],
    ["validate", "-c", "x.yaml"],
    ["wait", "--until", "check", "unit", "--max-wait", "2s"],
    ["hook", "verdict", "0123abc"],
    ["hook", "failures"],
    ["list", "--tags", "a"],
]
OF_THE_PARSER = [
    ["run", "--help"],
    ["run", "-vp3"],
    ["run", "--", "a"],
    ["run", "-p", "2", "-p", "3"],
    ["run", "--json=false"],
    ["run", "--format", "TEXT"],
    ["run", "-p", "x"],
    ["run", "--nope"],
    ["help", "run"],
    ["status", "a", "b"],
    ["explain"],
    ["nope"],
    [],
]
TRICKY = [
    *VALUES, "none", "None", "null", "true", "1e3", "0x10", "007", "1_0", " 2", "²", "=x", "a=b", "a,b",
    "latest", "latest~1", "foreground", "JSON", "pre_commit", "512MiB", "10s", "last", "-3",
]  # fmt: skip


def meaning(call) -> tuple[object, tuple[object, ...], dict[str, object]]:
    """Function and arguments of a call, with the defaults that one reader says and one does not."""
    assert isinstance(call, partial)
    defaults = call.func.__kwdefaults__ or {}
    arguments = call.args or call.func.__defaults__ or ()
    return call.func, arguments, defaults | call.keywords


def by_the_parser(words: list[str]):
    """What cyclopts makes of the words; None where it refuses them."""
    try:
        return meaning(application.parse(words, {}))
    except (CycloptsError, UsageError):
        return None


def by_us(words: list[str]):
    """What is read without it; None where the words are refused, "no" where they are not ours."""
    try:
        call = plain_call(words, {})
    except UsageError:
        return None
    return "no" if call is None else meaning(call)


def are_understood_alike(words: list[str]) -> bool:
    """Whether both say the same, or the parser alone has to: what it is asked for may be help."""
    ours = by_us(words)
    return ours == "no" or ours == by_the_parser(words)


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_usual_words_are_plain(words):
    """What people and hooks write costs no parser."""
    assert plain_call(words, {}) is not None
    assert by_us(words) == by_the_parser(words)


@pytest.mark.parametrize("words", OF_THE_PARSER, ids=" ".join)
def test_help_mistakes_and_rare_forms_are_left_to_the_parser(words):
    """It has the sentences for them."""
    assert plain_call(words, {}) is None


def flags_of(verb: str) -> list[tuple[str, bool]]:
    """Every spelling of the flags of a command, and whether it is a switch."""
    annotations = function_of(verb).__annotations__
    kinds = {
        kind
        for kind in annotations.values()
        if isinstance(kind, type) and issubclass(kind, Options)
    }
    return [
        (name, bool in (base, *getattr(base, "__args__", ())))
        for kind in kinds | {GlobalOptions}
        for field, annotation in sorted(kind.annotations().items())
        for base, said in [split(annotation)]
        for name in names_of(field, said)
    ]


def every_form() -> list[list[str]]:
    """Each flag of each command in each way of writing it.

    One value after another, so that each flag meets some of each kind in time.
    """
    found = []
    values = iter(TRICKY * 20)
    for verb in COMMANDS:
        for name, switch in flags_of(verb):
            value = next(values)
            forms = [[name]] if switch else [[name, value], [f"{name}={value}"], [name + value]]
            found += [[verb, *form] for form in forms]
    return found


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(7, id="a sample"),
        pytest.param(1, id="all", marks=pytest.mark.nightly),  # the parser takes a minute for them
    ],
)
def test_every_flag_of_every_command_with_a_value_means_the_same_to_both(step):
    forms = every_form()[::step]
    assert len(forms) > 100
    for words in forms:
        assert are_understood_alike(words), words


@st.composite
def words_of_a_command(draw) -> list[str]:
    """A verb among flags of its own, with values that fit and such that do not."""
    verb = draw(st.sampled_from(sorted(COMMANDS)))
    flag = st.sampled_from([name for name, _ in flags_of(verb)])
    value = st.sampled_from(TRICKY)
    attached = st.builds("{}={}".format, flag, value)
    groups = draw(
        st.lists(st.one_of(flag, value, attached, WORD, st.sampled_from(FLAGS)), max_size=6)
    )
    place = draw(st.integers(0, len(groups)))
    return [*groups[:place], verb, *groups[place:]]


@settings(max_examples=examples(0.5))
@example(["run", "--until", "check", "--json", "unit"])
@example(["wait", "--until", "check", "--json", "unit"])
@example(["report", "--output", "-v", "x"])
@example(["run", "--failed", "--json", "latest"])
@example(["hook", ""])
@given(words_of_a_command())
def test_whatever_words_come_both_understand_them_alike(words):
    """Or the parser alone does."""
    assert are_understood_alike(words)
