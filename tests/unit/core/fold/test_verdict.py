"""What a run is worth, at its end and before: never a pass before its seal (DESIGN section 8)."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.helpers.histories import History, check
from vibeguard.core.fold.fold import fold
from vibeguard.core.fold.verdict import (
    NOTHING_CONCERNED,
    NOTHING_RAN,
    Ruling,
    exit_code_so_far,
    fails_the_run,
    is_decided_early,
    only_the_background_is_left,
    outranks,
    verdict_of,
    was_executed,
)
from vibeguard.core.model.config_parts import Where
from vibeguard.core.model.events import CheckRetryScheduled, CheckReused, RunCancelRequested
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    ExitCode,
    Outcome,
    Pool,
    Reason,
    ReusePolicy,
    Severity,
    Verdict,
)

SETTINGS = ResolvedSettings(parallel=4, async_parallel=4, error_exit_code=9, reuse=True)
PASSED = Ruling(Verdict.PASSED, ExitCode.PASSED)
FAILED = Ruling(Verdict.FAILED, 9)


def of_one(how: str, **fields: Any) -> History:
    """A check that has settled like this, in a run whose failures exit with 9."""
    history = History(check("a", reuse=ReusePolicy.ON, **fields), settings=SETTINGS)
    history.ready("a")
    if how == "passes":
        history.passes("a")
    elif how == "fails":
        history.fails("a")
    elif how == "reused":
        history.add(CheckReused, check="a", run="before", seal="5" * 64, key="4" * 64)
        history.settle("a", Outcome.PASSED, Reason.REUSED)
    return history


def cancel(reason: CancelReason, exit_code: int | None = None) -> RunCancelRequested:
    """A request to cancel the run."""
    return RunCancelRequested(seq=1, t=1, reason=reason, exit_code=exit_code)


@pytest.mark.parametrize(
    ("how", "severity", "ruling"),
    [
        ("passes", Severity.ERROR, PASSED),
        ("passes", Severity.WARNING, PASSED),
        ("reused", Severity.ERROR, PASSED),
        ("fails", Severity.ERROR, FAILED),
        ("fails", Severity.WARNING, PASSED),
    ],
)
def test_a_run_fails_by_a_check_of_severity_error(how: str, severity: Severity, ruling: Ruling):
    assert verdict_of(of_one(how, severity=severity).state) == ruling


@pytest.mark.parametrize("excuse", ["waived", "quarantined"])
def test_what_is_excused_fails_no_run(excuse: str):
    record = of_one("fails").state.checks["a"]
    assert fails_the_run(record)
    record.settled = replace(record.settled, **{excuse: True})
    assert not fails_the_run(record)


def test_what_has_not_settled_has_not_failed():
    history = of_one("")
    assert not fails_the_run(history.state.checks["a"])
    assert not was_executed(history.state.checks["a"])


@pytest.mark.parametrize(("how", "executed"), [("passes", True), ("fails", True), ("reused", True)])
def test_a_check_counts_as_run_where_it_ran_now_or_before(how: str, *, executed: bool):
    assert was_executed(of_one(how).state.checks["a"]) is executed


# How the attempts of a check on a worker end, the last one for good; whether one of them ran.
ATTEMPTS = {
    ("lost",): False,
    ("refused",): False,
    ("never started",): False,
    ("lost", "lost"): False,
    ("lost", "refused"): False,
    ("lost", "never started"): False,
    ("fails",): True,
    ("lost", "fails"): True,
    ("fails", "lost"): True,
    ("fails", "refused"): True,
    ("fails", "never started"): True,
}


@pytest.mark.parametrize(("ends", "executed"), ATTEMPTS.items())
def test_what_a_worker_lost_or_refused_did_not_run_whatever_was_started(
    ends: tuple[str, ...], *, executed: bool
):
    warning = {"severity": Severity.WARNING, "pool": Pool.WORKERS, "where": Where()}
    slots = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings(), error_exit_code=9)
    history = History(check("a", retries=9, retry_lost=9, **warning), settings=slots)
    history.ready("a")
    for number, end in enumerate(ends, 1):
        history.queue("a")
        if end != "never started":
            history.start("a", worker="w")
        if end == "fails":
            history.exit("a", code=1)
        else:
            how = AttemptEnd.LOST if end == "lost" else AttemptEnd.REFUSED
            history.exit("a", code=None, end=how, error="no more of it")
        if number < len(ends):
            history.add(CheckRetryScheduled, check="a", attempt=number + 1, delay_ns=0)
    reason = {"lost": Reason.LOST, "fails": Reason.EXIT_CODE}.get(ends[-1], Reason.NOT_STARTABLE)
    outcome = Outcome.FAILED if ends[-1] == "fails" else Outcome.ERROR
    history.settle("a", outcome, reason, attempts=len(ends) - ends.count("never started"))
    assert was_executed(history.state.checks["a"]) is executed
    nothing = Ruling(Verdict.FAILED, 9, NOTHING_RAN)
    assert verdict_of(history.state) == (PASSED if executed else nothing)


def test_a_run_without_a_check_fails_unless_no_changed_file_concerned_one():
    narrowed = History(settings=SETTINGS, narrowed="changed files")
    assert verdict_of(narrowed.state) == Ruling(Verdict.PASSED, 0, NOTHING_CONCERNED)
    whole = History(settings=SETTINGS)
    assert verdict_of(whole.state) == Ruling(Verdict.FAILED, 9, NOTHING_RAN)


def test_a_narrowed_run_whose_checks_did_not_run_fails():
    warns = check("a", severity=Severity.WARNING)
    history = History(warns, settings=SETTINGS, narrowed="changed files")
    history.settle("a", Outcome.CANCELLED, Reason.CANCEL)
    assert verdict_of(history.state) == Ruling(Verdict.FAILED, 9, NOTHING_RAN)


def test_a_run_that_has_no_plan_yet_fails_with_1():
    history = of_one("fails")
    history.state.planned = None
    assert verdict_of(history.state) == Ruling(Verdict.FAILED, ExitCode.FAILED)
    assert exit_code_so_far(history.state) == ExitCode.FAILED


@pytest.mark.parametrize("how", ["passes", "fails"])
def test_a_cancel_with_an_exit_code_decides_whatever_the_checks_did(how: str):
    history = of_one(how)
    history.state.cancel = cancel(CancelReason.SIGNAL, 130)
    assert verdict_of(history.state) == Ruling(Verdict.CANCELLED, 130, "signal")
    assert exit_code_so_far(history.state) == 130


def test_a_cancel_without_one_leaves_it_to_the_checks():
    history = of_one("fails")
    history.state.cancel = cancel(CancelReason.FAIL_FAST)
    assert verdict_of(history.state) == FAILED
    assert exit_code_so_far(history.state) == 9


FIRST, LATER = 130, 143


@pytest.mark.parametrize(
    ("present", "later", "decides"),
    [
        (None, (CancelReason.CANCEL, None), True),
        (None, (CancelReason.LOG_FAILURE, 4), True),
        ((CancelReason.SIGNAL, FIRST), (CancelReason.SIGNAL, LATER), False),
        ((CancelReason.SIGNAL, FIRST), (CancelReason.CANCEL, None), False),
        ((CancelReason.FAIL_FAST, None), (CancelReason.SIGNAL, LATER), True),
        ((CancelReason.FAIL_FAST, None), (CancelReason.CANCEL, None), False),
        ((CancelReason.SIGNAL, FIRST), (CancelReason.LOG_FAILURE, 4), True),
        ((CancelReason.LOG_FAILURE, 4), (CancelReason.LOG_FAILURE, 3), False),
        ((CancelReason.LOG_FAILURE, 4), (CancelReason.SIGNAL, LATER), False),
    ],
)
def test_the_first_exit_code_stands_and_what_could_not_be_stored_comes_before(
    present: "tuple[CancelReason, int | None] | None",
    later: "tuple[CancelReason, int | None]",
    *,
    decides: bool,
):
    assert outranks(cancel(*later), present and cancel(*present)) is decides


def test_between_the_verdict_and_the_seal_a_pass_is_pending():
    events = of_one("passes").finish().events
    assert exit_code_so_far(fold(events[:-1])) == ExitCode.PENDING
    assert exit_code_so_far(fold(events)) == ExitCode.PASSED


def test_a_failure_decides_before_the_seal():
    events = of_one("fails").finish().events
    assert exit_code_so_far(fold(events[:-1])) == 9
    assert exit_code_so_far(fold(events)) == 9


def in_the_background(how: str) -> History:
    """A settled foreground, while a check in the background is at work."""
    history = History(check("a"), check("b", pool=Pool.BACKGROUND))
    history.ready("a", "b")
    history.start("b")
    assert not only_the_background_is_left(history.state)
    getattr(history, how)("a")
    history.foreground_settled()
    return history


def test_a_settled_foreground_is_an_answer_while_the_background_is_at_work():
    history = in_the_background("passes")
    assert only_the_background_is_left(history.state)
    assert not is_decided_early(history.state)
    history.exit("b")
    history.settle("b", Outcome.PASSED)
    assert not only_the_background_is_left(history.state)


def test_a_failure_in_the_foreground_is_not_mended_by_the_background():
    history = in_the_background("fails")
    assert is_decided_early(history.state)
    history.cancel(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    assert not is_decided_early(history.state)


def test_where_the_foreground_was_all_there_is_the_end_is_waited_for():
    history = of_one("fails")
    history.foreground_settled()
    assert not only_the_background_is_left(history.state)
    assert not is_decided_early(history.state)
