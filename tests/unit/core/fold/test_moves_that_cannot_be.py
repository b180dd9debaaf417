"""Events that no run could have recorded at this point: each rule of the fold refuses one."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.fold.fold import apply, fold
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import (
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckReused,
    CheckStarted,
    CheckTerminationRequested,
    FrontierAdvanced,
    LogSealed,
    RunCancelRequested,
    RunDegraded,
    RunFinished,
    RunPaused,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    CheckState,
    LeakPolicy,
    Outcome,
    Pool,
    Reason,
    ReusePolicy,
    Severity,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt

LEFT = (ProcessReport(pid=7, command="sleep 600"),)
SIGNAL = {"reason": CancelReason.SIGNAL, "by": "SIGTERM", "exit_code": 143}


def ready(**planned) -> History:
    """A run whose only check has yet to be queued."""
    run = History(check("a", **planned))
    run.ready("a")
    return run


def started(**planned) -> History:
    """A run whose only check runs."""
    run = ready(**planned)
    run.start("a")
    return run


def waiting(choice: WhilePending, *others: PlannedCheck) -> History:
    """`after` is queued while `slow`, which it requires in this way, runs in the background."""
    slow = check("slow", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND)
    run = History(slow, check("after", requires=(Requirement("slow", choice),)), *others)
    run.ready("slow", "after")
    run.start("slow")
    run.queue("after")
    return run


def cancelled(run: History) -> History:
    """The same run after a signal."""
    run.cancel(**SIGNAL)
    return run


def waive(run: History, **other) -> None:
    """`after` goes on without `slow`."""
    facts = {
        "check": "after",
        "requirement": "slow",
        "choice": WhilePending.PROCEED,
        "state": CheckState.RUNNING,
        **other,
    }
    run.add(CheckRequirementWaived, **facts)


def refused(message: str, act: Callable[[], object]) -> None:
    """The act is no possible next event, in these words."""
    with pytest.raises(LogCorrupt, match=message):
        act()


def test_after_a_cancel_nothing_is_moved_towards_a_start():
    """Not queued, not started, not waived, and no frontier advances."""
    words = "after the run was cancelled"
    run = cancelled(ready())
    refused(words, lambda: run.queue("a"))
    queued = ready()
    queued.queue("a")
    cancelled(queued)
    start = {"check": "a", "attempt": 1, "pool": Pool.FOREGROUND, "pid": 4000}
    refused(words, lambda: queued.add(CheckStarted, **start))
    after = waiting(WhilePending.PROCEED)
    refused(words, lambda: waive(cancelled(after)))
    refused(words, lambda: cancelled(History(check("a"))).ready("a"))


def test_a_requirement_is_waived_as_the_config_says_while_it_is_pending_and_once():
    run = waiting(WhilePending.PROCEED)
    how = "in a way that it does not have"
    refused(how, lambda: waive(run, choice=WhilePending.SKIP))
    refused(how, lambda: waive(run, requirement="after"))
    refused(how, lambda: waive(run, requirement="nobody"))
    refused("not pending so", lambda: waive(run, state=CheckState.READY))
    waive(run)
    refused("twice", lambda: waive(run))


def test_what_has_settled_is_not_waived():
    run = waiting(WhilePending.PROCEED)
    run.after(SECOND).exit("slow")
    run.settle("slow", Outcome.PASSED)
    refused("not pending so", lambda: waive(run, state=CheckState.SETTLED))


@pytest.mark.parametrize(
    ("code", "words"), [(None, "before slow settled"), (1, "although slow did not pass")]
)
def test_a_start_needs_what_it_requires_to_have_passed(code, words):
    """Also where the config would have let it go on, had that been recorded."""
    run = waiting(WhilePending.PROCEED)
    if code is not None:
        run.after(SECOND).exit("slow", code=code)
        run.settle("slow", Outcome.FAILED, Reason.EXIT_CODE)
    refused(words, lambda: run.start("after"))


def test_an_attempt_was_not_active_for_longer_than_it_lasted():
    run = started()
    refused("active longer", lambda: run.after(SECOND).exit("a", active_ns=2 * SECOND))


def test_what_an_earlier_pass_stands_for_is_not_queued():
    settings = ResolvedSettings(parallel=4, async_parallel=4, reuse=True)
    run = History(check("a", reuse=ReusePolicy.ON), settings=settings)
    run.ready("a")
    run.add(CheckReused, check="a", run="earlier", seal="5" * 64, key="k")
    refused("earlier pass stands for it", lambda: run.queue("a"))


def test_time_does_not_run_backwards():
    run = ready()
    run.after(SECOND).queue("a")
    run.at -= 1
    refused("dated before", lambda: run.start("a"))


def test_the_first_two_events_and_the_last_have_their_places():
    begun, planned, *_ = events = passed().finish().events
    refused("does not begin with", lambda: fold([replace(planned, seq=0)]))
    refused("not followed by", lambda: fold([begun, RunPaused(seq=1, t=0)]))
    refused("second run.started", lambda: fold([begun, planned, replace(begun, seq=2)]))
    refused("second run.planned", lambda: fold([begun, planned, replace(planned, seq=2)]))
    assert isinstance(events[-1], LogSealed)
    refused("follows the seal", lambda: fold([*events, RunPaused(seq=len(events), t=events[-1].t)]))


def passed() -> History:
    """A run whose only check has passed."""
    run = ready()
    run.passes("a")
    return run


def test_a_plan_names_each_check_once_and_requires_only_what_it_names():
    refused("planned twice", lambda: History(check("a"), check("a")))
    refused("not planned", lambda: History(check("a", requires=(Requirement("b"),))))


def test_frontiers_are_numbered_in_turn():
    run = History(check("a"))
    refused("must follow", lambda: run.add(FrontierAdvanced, number=1, checks=("a",)))


@pytest.mark.parametrize(("parallel", "async_parallel"), [(5, 4), (4, 5), (0, 4), (4, 0)])
def test_the_parallelism_is_only_lowered_and_never_to_nothing(parallel, async_parallel):
    run = ready()
    facts = {"parallel": parallel, "async_parallel": async_parallel, "reason": "EMFILE"}
    refused("does not lower", lambda: run.add(RunDegraded, **facts))


def test_what_is_over_is_not_cancelled():
    refused("after the last check settled", lambda: passed().add(RunCancelRequested, **SIGNAL))


def test_a_run_lasted_no_longer_than_its_log():
    finished = next(e for e in passed().finish().events if isinstance(e, RunFinished))
    run = passed()
    run.foreground_settled()
    longer = replace(finished, elapsed_ns=finished.t + 1)
    refused("longer than its log", lambda: apply(run.state, longer))


def test_a_seal_counts_the_events_before_it():
    *events, seal = passed().finish().events
    assert isinstance(seal, LogSealed)
    refused("counts other events", lambda: fold([*events, replace(seal, events=seal.events + 1)]))


def test_what_a_config_calls_a_failure_does_not_pass():
    run = started(leaks=LeakPolicy.FAIL)
    run.after(SECOND).exit("a", leaked=LEFT)
    refused("left processes behind", lambda: run.settle("a", Outcome.PASSED, leaked=True))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"code": 1, "unkillable": LEFT}, "still alive"),
        ({"code": 1, "error": "no room"}, "not stored"),
        ({"code": None, "end": AttemptEnd.LOST}, "did not end by itself"),
    ],
)
def test_what_cannot_be_judged_has_not_failed_and_is_not_tried_again(facts, words):
    run = started(retries=1)
    run.after(SECOND).exit("a", **facts)
    refused(words, lambda: run.settle("a", Outcome.FAILED, Reason.EXIT_CODE))
    again = {"check": "a", "attempt": 2, "delay_ns": 1}
    refused(words, lambda: run.add(CheckRetryScheduled, **again))


def test_what_a_cancel_could_not_end_is_an_error():
    run = cancelled(started())
    ending = {"reason": TerminationReason.SIGNAL, "signal": "SIGTERM"}
    run.add(CheckTerminationRequested, check="a", attempt=1, **ending)
    run.after(SECOND).exit("a", code=None, signal="SIGTERM", unkillable=LEFT)
    refused("still alive", lambda: run.settle("a", Outcome.CANCELLED, Reason.INTERRUPTED))


def test_what_could_not_be_killed_need_not_have_a_status_and_nothing_else_may_lack_one():
    run = started()
    run.after(SECOND)
    refused("contradicts its exit status", lambda: run.exit("a", code=None))
    refused(
        "contradicts its exit status",
        lambda: run.exit("a", code=1, signal="SIGTERM", unkillable=LEFT),
    )
    run.exit("a", code=None, unkillable=LEFT)
    run.settle("a", Outcome.ERROR, Reason.UNKILLABLE)


def test_an_assertion_that_held_has_not_failed():
    run = started(assertion="n > 0")
    looked_at = {"assertion": "n > 0", "assertion_result": True}
    run.after(SECOND).exit("a", extracted=looked_at)
    refused("something else", lambda: run.settle("a", Outcome.FAILED, Reason.ASSERTION))
    refused("was evaluated", lambda: run.settle("a", Outcome.ERROR, Reason.BAD_VALUE))


def test_what_has_started_or_was_stopped_by_a_cancel_is_not_skipped():
    run = started(retries=1)
    run.after(SECOND).exit("a", code=1)
    run.add(CheckRetryScheduled, check="a", attempt=2, delay_ns=1)
    run.queue("a")
    refused("had started", lambda: run.settle("a", Outcome.SKIPPED, Reason.REQUIREMENT, attempts=1))
    late = waiting(WhilePending.SKIP)
    waive(late, choice=WhilePending.SKIP)
    cancelled(late)
    facts = {"cause": "slow", "waived": True}
    refused(
        "kept it from starting",
        lambda: late.settle("after", Outcome.SKIPPED, Reason.DEPENDENCY_PENDING, **facts),
    )


def test_a_skip_is_not_excused_by_one_requirement_where_another_failed():
    both = (Requirement("after"), Requirement("other"))
    run = waiting(
        WhilePending.SKIP, check("other", severity=Severity.WARNING), check("last", requires=both)
    )
    waive(run, choice=WhilePending.SKIP)
    pending = {"reason": Reason.DEPENDENCY_PENDING, "cause": "slow", "waived": True}
    run.settle("after", Outcome.SKIPPED, **pending)
    run.ready("other")
    run.fails("other")
    skipped = {"outcome": Outcome.SKIPPED, "reason": Reason.REQUIREMENT}
    excused = {**skipped, "cause": "slow", "waived": True}
    refused("one of them did not pass", lambda: run.settle("last", **excused))
    run.settle("last", **skipped, cause="other")
