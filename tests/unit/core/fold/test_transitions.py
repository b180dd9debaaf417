"""The state machine of a check, and what each move must agree with (DESIGN sections 3 and 6)."""

from collections.abc import Callable

import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckIdle,
    CheckQueued,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSlow,
    CheckStarted,
    CheckTerminationRequested,
    FrontierAdvanced,
    RunFinished,
    RunForegroundSettled,
    RunPaused,
    RunResumed,
)
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    Reason,
    TerminationReason,
    Verdict,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt

SIGNAL = {"reason": CancelReason.SIGNAL, "by": "SIGTERM", "exit_code": 143}
ENDED = {"end": AttemptEnd.EXITED, "exit_code": 0, "elapsed_ns": 0, "active_ns": 0}
FINISHED = {**ENDED, "output_path": "output/a.1.log", "output_bytes": 0, "output_sha256": ""}


def run_in(state: CheckState, **planned) -> History:
    """A run whose only check, `a`, has come to this state in the usual way."""
    run = History(check("a", **{"retries": 1, **planned}))
    if state is CheckState.PENDING:
        return run
    run.ready("a")
    if state is CheckState.READY:
        return run
    run.queue("a")
    if state is CheckState.QUEUED:
        return run
    run.start("a")
    if state is CheckState.RUNNING:
        return run
    run.after(SECOND).exit("a", code=1 if state is CheckState.BACKOFF else 0)
    if state is CheckState.BACKOFF:
        run.add(CheckRetryScheduled, check="a", attempt=2, delay_ns=1)
    else:
        run.settle("a", Outcome.PASSED)
    return run


def running(**planned) -> History:
    return run_in(CheckState.RUNNING, **planned)


def over(code: int | None = 0, *, retries: int = 1, assertion: str = "", **facts) -> History:
    """A run whose only check has been run once, and has not been judged."""
    run = running(retries=retries, assertion=assertion)
    run.after(SECOND).exit("a", code=code, **facts)
    return run


def refused(message: str, act: Callable[[], object]) -> None:
    """The act is no possible next event, in these words."""
    with pytest.raises(LogCorrupt, match=message):
        act()


# What may happen to a check, and in which states.
MOVES = {
    CheckQueued: ("ready backoff", {"attempt": 1, "pool": Pool.FOREGROUND}),
    CheckRequirementWaived: (
        "queued",
        {"requirement": "b", "choice": WhilePending.SKIP, "state": CheckState.PENDING},
    ),
    CheckStarted: ("queued", {"attempt": 1, "pool": Pool.FOREGROUND, "pid": 4000}),
    CheckSlow: ("running", {"attempt": 1, "elapsed_ns": 1}),
    CheckIdle: ("running", {"attempt": 1, "elapsed_ns": 1, "idle_ns": 1}),
    CheckHang: ("running", {"attempt": 1, "processes": (), "silent_ns": 1, "last_lines": ()}),
    CheckTerminationRequested: (
        "running",
        {"attempt": 1, "reason": TerminationReason.TIMEOUT, "signal": "SIGTERM"},
    ),
    CheckAttemptFinished: ("running queued", {"attempt": 1, **FINISHED}),
    CheckExtracted: ("running", {"attempt": 1}),
    CheckRetryScheduled: ("running", {"attempt": 2, "delay_ns": 1}),
}


@pytest.mark.parametrize("state", list(CheckState))
@pytest.mark.parametrize("move", MOVES)
def test_a_move_is_refused_in_every_state_that_it_does_not_belong_to(move, state):
    """The whole table, by hand; where it belongs, other rules than this one may refuse it."""
    legal, facts = MOVES[move]
    run = run_in(state)
    if state.value in legal.split():
        try:
            run.add(move, check="a", **facts)
        except LogCorrupt as problem:
            assert f"while it is {state.value}" not in problem.what
    else:
        refused(f"while it is {state.value}", lambda: run.add(move, check="a", **facts))


def test_only_what_is_pending_and_has_its_requirements_becomes_ready():
    run = History(check("a"), check("b", requires=(Requirement("a"),)))
    frontier = {"number": 0}
    refused("before a passed", lambda: run.add(FrontierAdvanced, checks=("b",), **frontier))
    ready = run_in(CheckState.READY)
    refused("without being pending", lambda: ready.ready("a"))
    refused("without being pending", lambda: run_in(CheckState.READY).ready("nobody"))


@pytest.mark.parametrize("other", [{"attempt": 2}, {"pool": Pool.BACKGROUND}])
def test_attempt_and_pool_are_those_of_the_check(other):
    facts = {"check": "a", "attempt": 1, "pool": Pool.FOREGROUND, **other}
    ready, queued = run_in(CheckState.READY), run_in(CheckState.QUEUED)
    refused("not its own", lambda: ready.add(CheckQueued, **facts))
    refused("that was not queued", lambda: queued.add(CheckStarted, pid=4000, **facts))


@pytest.mark.parametrize("pool", list(Pool))
def test_nothing_starts_without_a_free_slot(pool):
    slots = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings(slots=1))
    run = History(check("a", pool=pool), check("b", pool=pool), settings=slots)
    run.ready("a", "b")
    run.start("a")
    run.queue("b")
    refused("without a free slot", lambda: run.start("b"))


def test_checks_of_one_group_do_not_run_together():
    run = History(check("a", group="db"), check("b", group="db"))
    run.ready("a", "b")
    run.start("a")
    run.queue("b")
    refused("a of group db ran together", lambda: run.start("b"))


def test_an_attempt_ends_once_under_its_own_number_and_in_one_way():
    run = running()
    refused("not under way", lambda: run.exit("a", code=None, end=AttemptEnd.REFUSED))
    other = {"check": "a", "attempt": 2, **FINISHED}
    refused("attempt 2 ended, not 1", lambda: run.add(CheckAttemptFinished, **other))
    how = "contradicts its exit status"
    refused(how, lambda: run.exit("a", code=None))
    refused(how, lambda: run.exit("a", code=0, signal="SIGTERM"))
    refused(how, lambda: run.exit("a", code=0, end=AttemptEnd.LOST))
    run.exit("a")
    refused("not under way", lambda: run.exit("a"))
    queued = run_in(CheckState.QUEUED)
    refused("not under way", lambda: queued.exit("a"))


def test_there_is_no_news_of_an_attempt_that_is_not_under_way():
    slow = {"check": "a", "elapsed_ns": 1}
    run = running()
    refused("not under way", lambda: run.add(CheckSlow, attempt=2, **slow))
    refused("not under way", lambda: over().add(CheckSlow, attempt=1, **slow))


def test_silence_ends_only_what_has_an_idle_timeout():
    idle = {"attempt": 1, "reason": TerminationReason.IDLE, "signal": "SIGTERM"}
    run = running()
    refused("does not have", lambda: run.add(CheckTerminationRequested, check="a", **idle))


def test_an_attempt_is_judged_after_its_end():
    run = running()
    early = "while its attempt is under way"
    refused(early, lambda: run.add(CheckExtracted, check="a", attempt=1))
    refused(early, lambda: run.add(CheckRetryScheduled, check="a", attempt=2, delay_ns=1))
    refused("its attempt is under way", lambda: run.settle("a", Outcome.PASSED))


def test_values_are_extracted_once_and_from_the_last_attempt():
    run = over()
    words = "extracted twice or from another"
    refused(words, lambda: run.add(CheckExtracted, check="a", attempt=2))
    run.add(CheckExtracted, check="a", attempt=1)
    refused(words, lambda: run.add(CheckExtracted, check="a", attempt=1))


def test_another_attempt_is_the_next_one_and_was_planned():
    def again(run: History, attempt: int) -> Callable[[], object]:
        return lambda: run.add(CheckRetryScheduled, check="a", attempt=attempt, delay_ns=1)

    refused("was not planned", again(over(1, retries=5), 3))
    refused("was not planned", again(over(1, retries=0), 2))
    run = over(1)
    run.cancel(**SIGNAL)
    refused("after the run was cancelled", again(run, 2))


def ended_by(reason: TerminationReason) -> History:
    """The run's check was ended for this reason, and exited with 0 all the same."""
    run = running(retries=1)
    run.add(CheckTerminationRequested, check="a", attempt=1, reason=reason, signal="SIGTERM")
    run.after(SECOND).exit("a")
    return run


def test_what_was_ended_by_us_has_not_passed_whatever_its_exit_code():
    run = ended_by(TerminationReason.TIMEOUT)
    refused("ended by us", lambda: run.settle("a", Outcome.PASSED))


def test_what_was_cancelled_is_not_tried_again():
    run = ended_by(TerminationReason.CANCEL)
    again = {"check": "a", "attempt": 2, "delay_ns": 1}
    refused("was cancelled", lambda: run.add(CheckRetryScheduled, **again))


@pytest.mark.parametrize("result", [None, False])
def test_a_check_with_an_assertion_passes_only_if_it_held(result):
    """Not looked at is not held."""
    run = over(assertion="n > 0")
    if result is not None:
        looked_at = {"assertion": "n > 0", "assertion_result": result}
        run.add(CheckExtracted, check="a", attempt=1, **looked_at)
    refused("did not hold", lambda: run.settle("a", Outcome.PASSED))


def test_the_foreground_settles_once_with_what_has_settled_and_what_has_not():
    run = History(check("a"), check("bg", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND))
    run.ready("a", "bg")
    right = {"counts": {"passed": 1}, "pending": ("bg",)}
    refused("unsettled", lambda: run.add(RunForegroundSettled, **right))
    run.passes("a")
    wrong = {**right, "counts": {"passed": 2}}
    refused("do not add up", lambda: run.add(RunForegroundSettled, **wrong))
    refused("not those that are", lambda: run.add(RunForegroundSettled, **{**right, "pending": ()}))
    run.add(RunForegroundSettled, **right)
    refused("a second", lambda: run.add(RunForegroundSettled, **right))


def test_a_pause_begins_once_and_is_no_longer_than_it_was():
    run = running()
    run.add(RunPaused)
    refused("while paused", lambda: run.add(RunPaused))
    run.after(SECOND)
    refused("longer than the time", lambda: run.add(RunResumed, paused_ns=2 * SECOND))
    run.add(RunResumed, paused_ns=SECOND)
    refused("without run.paused", lambda: run.add(RunResumed, paused_ns=0))


def test_a_run_finishes_when_all_has_settled_and_then_there_is_only_the_seal():
    verdict = {"verdict": Verdict.PASSED, "exit_code": 0, "counts": {"passed": 1}, "elapsed_ns": 0}
    refused("while checks are unsettled", lambda: running().add(RunFinished, **verdict))
    run = run_in(CheckState.SETTLED)
    refused("without run.foreground_settled", lambda: run.add(RunFinished, **verdict))
    run.foreground_settled()
    run.add(RunFinished, **verdict)
    refused("only the seal", lambda: run.add(RunPaused))


def test_a_check_that_never_failed_has_not_failed():
    """The outcome is the one that the exit status bears out."""
    refused("exit code is 0", lambda: over().settle("a", Outcome.FAILED, Reason.EXIT_CODE))
