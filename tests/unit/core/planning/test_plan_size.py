"""A plan is one line of the log, which has a limit."""

import pytest

from tests.helpers.configs import load
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.core.problems import UsageError


def test_a_plan_that_no_log_could_hold_is_refused_before_anything_runs() -> None:
    """The config is short, its plan is not: in JSON a control character takes six bytes."""
    text = 'vars: {v: "' + r"\x01" * 40_000 + '"}\nchecks:\n'
    text += "".join(f"  - {{id: c{n}, run: 'true', fix: '{{{{.v}}}}'}}\n" for n in range(350))
    config = load(text)
    settings = resolve_settings(config.settings, usable_cpus=1)
    with pytest.raises(UsageError, match="the plan of this run is larger than 63"):
        make_plan(config.checks, settings, variables=config.vars)
    few = make_plan(config.checks[:100], settings, variables=config.vars)
    assert len(few.checks) == 100
