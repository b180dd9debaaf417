"""Which chain of checks decided how long a run took."""

from tests.helpers.histories import SECOND, History, check
from tests.helpers.samples import SAMPLES
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.names import Outcome
from vibeguard.core.report.critical_path import critical_path, path_sentence
from vibeguard.core.wording.units import duration


def test_it_goes_back_from_the_last_end_through_what_was_waited_for_longest():
    run = History(
        check("short"),
        check("unit"),
        check("coverage", requires=(Requirement("short"), Requirement("unit"))),
        check("lint"),
    )
    run.ready("short", "unit", "lint")
    run.start("unit")
    run.passes("short")
    run.after(9 * SECOND).exit("unit")
    run.settle("unit", Outcome.PASSED)
    run.after(SECOND).ready("coverage")
    run.passes("lint", ns=0)
    run.passes("coverage", ns=15 * SECOND)
    run.finish()
    assert critical_path(run.state) == ["unit", "coverage"]
    assert path_sentence(run.state) == "unit → coverage: 25s of 26s"


def test_a_requirement_that_was_not_waited_for_held_nothing_up():
    run = SAMPLES["failing"]()
    assert critical_path(run.state) == ["integration"]
    assert "docs" not in path_sentence(run.state)


def test_there_is_none_where_nothing_ran_and_one_to_the_present_where_something_runs():
    assert path_sentence(History().finish().state) == ""
    unfinished = SAMPLES["unfinished"]().state
    assert critical_path(unfinished) == ["b"]
    lasted = duration(unfinished.last_t)
    assert path_sentence(unfinished) == f"b: {lasted} of {lasted}"
