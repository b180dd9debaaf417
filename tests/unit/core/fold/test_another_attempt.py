"""Which attempts may be followed by another one, and what a start that was refused leaves."""

import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import (
    CheckResults,
    CheckRetryScheduled,
    CheckTerminationRequested,
)
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.results import Expectation, ResultsSource
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    AttemptEnd,
    CheckState,
    LeakPolicy,
    Outcome,
    Pool,
    Reason,
    TerminationReason,
)
from vibeguard.core.problems import LogCorrupt

LEFT = {"leaked": (ProcessReport(pid=7, command="sleep 600"),)}
LOST = {"code": None, "end": AttemptEnd.LOST}
REFUSED = {"code": None, "end": AttemptEnd.REFUSED}
ONE_SLOT = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings(slots=1))


def started(**planned) -> History:
    """A run whose only check runs."""
    run = History(check("a", **planned))
    run.ready("a")
    run.start("a")
    return run


def again(run: History) -> None:
    """The check's present attempt is to be followed by another one."""
    attempt = run.state.checks["a"].attempt + 1
    run.add(CheckRetryScheduled, check="a", attempt=attempt, delay_ns=1)


@pytest.mark.parametrize(
    ("planned", "facts"),
    [
        ({"retries": 1, "assertion": "n > 0"}, {}),  # which may have been false
        ({"retries": 1, "leaks": LeakPolicy.FAIL}, LEFT),
        ({"retry_lost": 1}, LOST),
    ],
)
def test_what_may_have_failed_although_its_command_did_not_is_tried_again(planned, facts):
    run = started(**planned)
    run.after(SECOND).exit("a", **facts)
    again(run)
    assert run.state.checks["a"].state is CheckState.BACKOFF


def reported(failing: int, **planned) -> History:
    """A run whose only check has exited with 0 beside results of which so many failed."""
    run = started(retries=1, results=(ResultsSource("tap"),), **planned)
    run.after(SECOND).exit("a")
    tests = {"failed": failing} if failing else {"passed": 1}
    run.add(CheckResults, check="a", attempt=1, tests=tests, failing=failing, guessed=False)
    return run


@pytest.mark.parametrize(("failing", "planned"), [(1, {}), (0, {"expect": Expectation(min=2)})])
def test_what_its_results_speak_against_is_tried_again(failing, planned):
    run = reported(failing, **planned)
    again(run)
    assert run.state.checks["a"].state is CheckState.BACKOFF


def test_results_of_which_nothing_is_expected_are_no_reason_where_none_failed():
    with pytest.raises(LogCorrupt, match="its command succeeded"):
        again(reported(0))


@pytest.mark.parametrize(
    ("planned", "facts"), [({"leaks": LeakPolicy.FAIL}, {}), ({"leaks": LeakPolicy.WARN}, LEFT)]
)
def test_leftovers_are_a_reason_where_there_are_some_and_the_config_says_so(planned, facts):
    run = started(retries=1, **planned)
    run.after(SECOND).exit("a", **facts)
    with pytest.raises(LogCorrupt, match="its command succeeded"):
        again(run)


def test_what_is_lost_is_tried_again_as_often_as_the_config_says():
    run = started(retries=5, retry_lost=1)
    run.after(SECOND).exit("a", **LOST)
    again(run)
    run.start("a")
    run.after(SECOND).exit("a", **LOST)
    with pytest.raises(LogCorrupt, match="did not end by itself"):
        again(run)


def test_what_was_cancelled_is_not_tried_again_whatever_its_exit_code():
    run = started(retries=1)
    why = {"reason": TerminationReason.CANCEL, "signal": "SIGTERM"}
    run.add(CheckTerminationRequested, check="a", attempt=1, **why)
    run.after(SECOND).exit("a", code=1)
    with pytest.raises(LogCorrupt, match="was cancelled"):
        again(run)


def test_a_start_that_was_refused_frees_no_slot():
    run = History(check("a"), check("b"), check("c"), settings=ONE_SLOT)
    run.ready("a", "b", "c")
    run.start("a")
    run.queue("b")
    run.exit("b", **REFUSED)
    with pytest.raises(LogCorrupt, match="without a free slot"):
        run.start("c")


def test_a_worker_may_refuse_what_was_recorded_as_started_and_its_slot_is_free():
    run = History(*(check(name, pool=Pool.WORKERS) for name in "ab"), settings=ONE_SLOT)
    run.ready("a", "b")
    run.start("a", worker="w")
    run.after(SECOND).exit("a", **REFUSED)
    run.settle("a", Outcome.ERROR, Reason.NOT_STARTABLE)
    run.passes("b")
