"""The files of an attempt are named in the plan: unique where a file system folds case."""

from tests.helpers.configs import load
from vibeguard.core.planning.plan import make_plan, resolve_settings


def test_the_files_of_an_attempt_are_named_by_check_and_attempt() -> None:
    """Two ids that differ in case alone have files of their own."""
    config = load("checks: [{id: a, run: 'true'}, {id: A, run: 'true'}]\n")
    settings = resolve_settings(config.settings, usable_cpus=1)
    small, large = make_plan(config.checks, settings, variables={}).checks
    assert small.output_name(2).startswith("output/a")
    assert small.output_name(2).endswith(".2.log")
    assert small.output_name(1).casefold() != large.output_name(1).casefold()
    assert small.artifacts_name(1) == f"artifacts/{small.stem}.1"
