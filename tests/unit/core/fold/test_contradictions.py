"""Stories that a log could tell, each event legal in its state, and that contradict themselves."""

import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import (
    CheckExtracted,
    CheckRetryScheduled,
    CheckStarted,
    CheckTerminationRequested,
)
from vibeguard.core.names import AttemptEnd, CancelReason, Outcome, Pool, Reason, TerminationReason
from vibeguard.core.problems import LogCorrupt

LEFT = (ProcessReport(pid=7, command="sleep 600"),)


def exited(code: int = 0, **facts) -> History:
    """A run whose only check has run, and has not been judged yet."""
    planned = {name: facts.pop(name) for name in ("retries", "assertion") if name in facts}
    run = History(check("a", **planned))
    run.ready("a")
    run.start("a")
    run.after(SECOND).exit("a", code=code, **facts)
    return run


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.EXIT_CODE, Reason.INTERNAL}))
@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.SKIPPED])
def test_an_exit_code_of_1_is_that_and_nothing_else(outcome, reason):
    with pytest.raises(LogCorrupt):
        exited(1).settle("a", outcome, reason, attempts=1)


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.INTERNAL])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_command_that_succeeded_passes_for_no_reason(outcome, reason):
    with pytest.raises(LogCorrupt):
        exited(0).settle("a", outcome, reason, attempts=1)


def test_a_failure_cannot_be_waived():
    with pytest.raises(LogCorrupt, match="only a skip"):
        exited(1).settle("a", Outcome.FAILED, Reason.EXIT_CODE, waived=True)


def test_what_was_left_behind_is_said_in_the_settlement():
    with pytest.raises(LogCorrupt, match="left behind"):
        exited(0, leaked=LEFT).settle("a", Outcome.PASSED, leaked=False)


def test_an_output_that_was_not_stored_never_passes():
    with pytest.raises(LogCorrupt, match="not stored"):
        exited(0, error="no room").settle("a", Outcome.PASSED)


def test_a_success_is_not_tried_again():
    with pytest.raises(LogCorrupt, match="succeeded"):
        exited(0, retries=1).add(CheckRetryScheduled, check="a", attempt=2, delay_ns=1)


def test_no_assertion_holds_of_a_command_that_failed():
    with pytest.raises(LogCorrupt, match="did not succeed"):
        exited(1, assertion="n > 0").add(
            CheckExtracted, check="a", attempt=1, assertion="n > 0", assertion_result=True
        )


def test_a_start_that_was_refused_is_not_a_start():
    run = History(check("a"))
    run.ready("a")
    run.queue("a")
    run.exit("a", code=None, end=AttemptEnd.REFUSED)
    with pytest.raises(LogCorrupt, match="refused"):
        run.add(CheckStarted, check="a", attempt=1, pool=Pool.FOREGROUND)


def test_nothing_is_ended_by_a_cancel_that_there_was_not():
    run = History(check("a"))
    run.ready("a")
    run.start("a")
    ending = {"reason": TerminationReason.SIGNAL, "signal": "SIGTERM"}
    with pytest.raises(LogCorrupt, match="that there was not"):
        run.add(CheckTerminationRequested, check="a", attempt=1, **ending)


def test_a_signal_has_an_exit_code_and_fail_fast_has_none():
    for reason, code in ((CancelReason.SIGNAL, None), (CancelReason.FAIL_FAST, 130)):
        with pytest.raises(LogCorrupt, match="exit code"):
            History(check("a")).cancel(reason=reason, by="a", exit_code=code)


def test_fail_fast_names_a_failure():
    with pytest.raises(LogCorrupt, match="which has not failed"):
        History(check("a")).cancel(reason=CancelReason.FAIL_FAST, by="a")


def test_after_a_cancel_nothing_is_skipped():
    run = History(check("a"), check("b"), check("c", requires=(Requirement("a"),)))
    run.ready("a", "b")
    run.fails("a")
    run.cancel(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    with pytest.raises(LogCorrupt, match="kept it from starting"):
        run.skip("c", cause="a")
