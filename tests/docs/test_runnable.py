"""The examples in README and docs/ do what their pages say."""

from pathlib import Path

import pytest

from tests.docs.examples import Example, mistakes, runnable

EXAMPLES = list(runnable())


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_does_what_its_page_says(example: Example, tmp_path: Path) -> None:
    """Every line of the example ends with the exit code that stands beside it (0 if none does)."""
    assert mistakes(example, tmp_path) == []


def test_four_of_the_five_patterns_have_a_runnable_example() -> None:
    """docs/async.md shows every pattern that needs no cluster."""
    assert len([example for example in EXAMPLES if example.page == "docs/async.md"]) == 4
