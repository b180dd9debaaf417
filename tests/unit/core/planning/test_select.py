"""Which checks a command line selects, what they bring along, and what is said about the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.configs import load
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.planning.select import Selection, select
from vibeguard.core.problems import UsageError

CONFIG = load(
    """
checks:
  - {id: fmt, run: x, tags: [quick]}
  - {id: vet, run: x, tags: [quick, go]}
  - {id: unit, run: x, requires: [fmt, vet], tags: [go]}
  - {id: db, run: x, tags: [slow]}
  - {id: integration, run: x, requires: [unit, db], tags: [slow, go]}
  - {id: deploy, run: x, requires: [integration]}
  - {id: docs, run: x}
"""
)


def ids(selection: Selection) -> str:
    """The selected checks in order."""
    return " ".join(check.id for check in selection.checks)


def test_without_a_selection_everything_runs() -> None:
    """And nothing is said about it."""
    assert select(CONFIG, (), (), (), no_deps=False) == Selection(CONFIG.checks)


@pytest.mark.parametrize(
    ("named", "tags", "expected"),
    [
        (["unit"], [], "fmt vet unit"),
        (["docs", "fmt"], [], "fmt docs"),
        (["deploy"], [], "fmt vet unit db integration deploy"),
        ([], ["quick"], "fmt vet"),
        ([], ["slow"], "fmt vet unit db integration"),
        ([], ["quick", "slow"], "fmt vet unit db integration"),
        (["vet", "docs"], ["go"], "vet"),
        (["unit", "unit"], [], "fmt vet unit"),
    ],
)
def test_what_is_asked_for_brings_in_what_it_requires(
    named: list[str], tags: list[str], expected: str
) -> None:
    """In the order of the config, whatever the order of the command line."""
    selection = select(CONFIG, named, tags, (), no_deps=False)
    assert ids(selection) == expected
    assert selection.notes == ()


def test_no_deps_runs_what_is_asked_for_alone() -> None:
    """Requirements that do not run are dropped, and named."""
    selection = select(CONFIG, ["unit", "vet"], (), (), no_deps=True)
    assert ids(selection) == "vet unit"
    assert selection.checks[1].requires == (Requirement("vet"),)
    assert selection.notes == ("not run, though required (--no-deps): fmt",)


def test_no_deps_with_nothing_missing_says_nothing() -> None:
    """There is nothing to say."""
    assert select(CONFIG, (), (), (), no_deps=True).notes == ()


def test_an_excluded_tag_takes_dependents_along() -> None:
    """And one line says so."""
    selection = select(CONFIG, (), (), ["slow"], no_deps=False)
    assert ids(selection) == "fmt vet unit docs"
    assert selection.notes == (
        "left out by --exclude-tags slow: db, integration; left out because they require them: deploy",
    )


def test_a_dependent_of_something_excluded_is_left_out_even_if_named() -> None:
    """What it needs is named."""
    selection = select(CONFIG, ["deploy", "docs"], (), ["slow"], no_deps=False)
    assert ids(selection) == "docs"
    assert selection.notes == (
        "left out because they require db, integration (--exclude-tags slow): deploy",
    )


def test_what_only_a_left_out_check_needs_does_not_run() -> None:
    """Requirements are there for their dependents."""
    assert ids(select(CONFIG, ["integration", "docs"], (), ["quick"], no_deps=False)) == "docs"


def test_with_no_deps_an_excluded_requirement_excludes_nobody() -> None:
    """It would not have run anyway."""
    selection = select(CONFIG, ["deploy"], (), ["slow"], no_deps=True)
    assert ids(selection) == "deploy"


@pytest.mark.parametrize(
    ("named", "tags", "exclude", "what", "do"),
    [
        (["unti"], [], [], 'there is no check "unti"', 'did you mean "unit"?'),
        (["zzz"], [], [], 'there is no check "zzz"', "vibeguard list"),
        ([""], [], [], 'there is no check ""', "vibeguard list"),
        ([], ["slwo"], [], 'no check has the tag "slwo"', 'did you mean "slow"?'),
        ([], [], ["Slow"], 'no check has the tag "Slow"', 'did you mean "slow"?'),
        ([], ["zzz"], [], 'no check has the tag "zzz"', "vibeguard tags"),
        (["fmt"], ["slow"], [], "none of the named checks has the tag slow", ""),
        (["db"], [], ["slow"], "--exclude-tags slow leaves nothing to run", ""),
        (["deploy"], [], ["slow"], "the other checks require excluded ones", "--no-deps"),
    ],
)
def test_selections_that_match_nothing_are_usage_errors(
    named: list[str], tags: list[str], exclude: list[str], what: str, do: str
) -> None:
    """Never a green run."""
    with pytest.raises(UsageError) as refused:
        select(CONFIG, named, tags, exclude, no_deps=False)
    assert what in refused.value.what
    assert do in refused.value.do


def test_long_lists_are_counted_not_printed() -> None:
    """A note is one line."""
    checks = [CheckConfig(id="base", run="x", tags=("slow",))]
    checks += [CheckConfig(id=f"c{i}", run="x", requires=(Requirement("base"),)) for i in range(9)]
    checks.append(CheckConfig(id="free", run="x"))
    (note,) = select(Config(checks=tuple(checks)), (), (), ["slow"], no_deps=False).notes
    assert note.endswith("they require them: c0, c1, c2, c3, c4 and 4 more")


@st.composite
def selections(draw: st.DrawFn) -> tuple[Config, list[str], list[str], list[str], bool]:
    """A random acyclic config and a random command line for it."""
    checks = []
    for n in range(draw(st.integers(1, 8))):
        requires = draw(st.sets(st.integers(0, n - 1))) if n else set()
        tags = draw(st.sets(st.sampled_from("xyz")))
        entries = tuple(Requirement(f"c{r}") for r in sorted(requires))
        checks.append(CheckConfig(id=f"c{n}", run="r", requires=entries, tags=tuple(sorted(tags))))
    known = sorted({tag for check in checks for tag in check.tags})
    some_tags = st.lists(st.sampled_from(known), max_size=2) if known else st.just([])
    named = draw(st.lists(st.sampled_from([check.id for check in checks]), max_size=3))
    config = Config(checks=tuple(draw(st.permutations(checks))))
    return config, named, draw(some_tags), draw(some_tags), draw(st.booleans())


@given(selections())
def test_every_selection_is_closed_and_explained(
    case: tuple[Config, list[str], list[str], list[str], bool],
) -> None:
    """Nothing selected requires what is not; nothing excluded runs; nothing asked for vanishes."""
    config, named, tags, exclude, no_deps = case
    try:
        selection = select(config, named, tags, exclude, no_deps=no_deps)
    except UsageError:
        return
    chosen = {check.id for check in selection.checks}
    assert [c.id for c in config.checks if c.id in chosen] == [c.id for c in selection.checks]
    for check in selection.checks:
        assert {entry.check for entry in check.requires} <= chosen
        assert set(exclude).isdisjoint(check.tags)
    asked = {
        c.id
        for c in config.checks
        if (not named or c.id in named) and (not tags or set(tags) & set(c.tags))
    }
    if asked - chosen:
        assert selection.notes
    if not exclude and not no_deps:
        assert asked <= chosen
        assert selection.notes == ()
