"""Earlier passes that stand for a check, checks that confirm them, and what ran before it knew."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.histories import RUN_ID, SECOND, History, check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.events import (
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckReused,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import (
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    Reason,
    ReusePolicy,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt

EARLIER = {"run": "earlier", "seal": "5ea1", "key": "4e7"}
CONFIRM = "lint@confirm"


def reusable(id_: str, *requires: Requirement, **fields: Any) -> PlannedCheck:
    """A check for which an earlier pass may stand."""
    fields = {"reuse": ReusePolicy.ON, **fields}
    return check(id_, requires=requires, **fields)


def confirming() -> PlannedCheck:
    """The check that runs `lint` again in the background."""
    return reusable(
        CONFIRM, Requirement("lint"), reuse=ReusePolicy.OFF, pool=Pool.BACKGROUND, confirms="lint"
    )


def run_of(*checks: PlannedCheck, reuse: bool = True) -> History:
    """A run with `--reuse`, unless it is said otherwise."""
    return History(*checks, settings=ResolvedSettings(parallel=4, async_parallel=4, reuse=reuse))


def reuse(history: History, id_: str, **other: str) -> None:
    """An earlier pass stands for the check."""
    history.add(CheckReused, check=id_, **{**EARLIER, **other})


def reused(run: History, id_: str) -> None:
    """The whole of it: the pass is found, and the check has settled."""
    reuse(run, id_)
    run.settle(id_, Outcome.PASSED, Reason.REUSED)


def refused(words: str, act: Callable[[], object]) -> None:
    """The act is no possible next event, in these words."""
    with pytest.raises(LogCorrupt, match=words):
        act()


def test_an_earlier_pass_counts_only_where_run_and_config_allow_it():
    allowed = "which its run or its config does not allow"
    without = run_of(reusable("lint"), reuse=False)
    without.ready("lint")
    refused(allowed, lambda: reuse(without, "lint"))
    off = run_of(check("lint", reuse=ReusePolicy.OFF))
    off.ready("lint")
    refused(allowed, lambda: reuse(off, "lint"))


@pytest.mark.parametrize("what", [{"run": ""}, {"seal": ""}, {"key": ""}, {"run": RUN_ID}])
def test_an_earlier_pass_is_of_another_run_with_its_seal_and_key(what: dict[str, str]):
    run = run_of(reusable("lint"))
    run.ready("lint")
    refused("without an earlier pass", lambda: reuse(run, "lint", **what))
    reused(run, "lint")
    assert run.state.checks["lint"].outcome is Outcome.PASSED


def test_an_earlier_pass_is_found_once_and_by_no_run_that_is_cancelled():
    run = run_of(reusable("lint"), check("other"))
    run.ready("lint", "other")
    reuse(run, "lint")
    refused("lint was reused twice", lambda: reuse(run, "lint"))
    late = run_of(reusable("lint"), check("other"))
    late.ready("lint", "other")
    late.cancel(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    refused("lint was moved towards a start after", lambda: reuse(late, "lint"))


def test_an_earlier_pass_counts_only_together_with_passes_of_what_it_requires():
    """Also where the config would let the check run without."""
    slow = check("slow", pool=Pool.BACKGROUND)
    run = run_of(slow, reusable("lint", Requirement("slow", WhilePending.PROCEED)))
    run.ready("slow", "lint")
    words = "before all that it requires had passed"
    refused(words, lambda: reuse(run, "lint"))
    run.fails("slow")
    refused(words, lambda: reuse(run, "lint"))
    passed = run_of(check("build"), reusable("lint", Requirement("build")))
    passed.ready("build")
    passed.passes("build")
    passed.ready("lint")
    reused(passed, "lint")
    assert passed.state.checks["lint"].ran_before == ()


def test_what_an_earlier_pass_stands_for_settles_by_it():
    run = run_of(reusable("lint"))
    run.ready("lint")
    reuse(run, "lint")
    refused("it was ready", lambda: run.settle("lint", Outcome.FAILED, Reason.REUSED))
    words = "whether an earlier pass stands for it"
    refused(words, lambda: run.settle("lint", Outcome.PASSED))


def test_what_no_earlier_pass_stands_for_does_not_settle_by_one():
    run = run_of(reusable("lint"))
    run.ready("lint")
    run.start("lint")
    run.exit("lint")
    words = "whether an earlier pass stands for it"
    refused(words, lambda: run.settle("lint", Outcome.PASSED, Reason.REUSED))


def test_what_starts_on_a_reused_pass_ran_before_that_was_confirmed():
    """Also what is reused itself; but not the check that confirms it."""
    run = run_of(
        reusable("lint"), confirming(), reusable("test", Requirement("lint")), check_after("deploy")
    )
    run.ready("lint")
    reused(run, "lint")
    run.ready(CONFIRM, "test", "deploy")
    reused(run, "test")
    run.start(CONFIRM)
    run.start("deploy")
    assert run.state.checks["test"].ran_before == (CONFIRM,)
    assert run.state.checks["deploy"].ran_before == (CONFIRM,)
    assert run.state.checks[CONFIRM].ran_before == ()


def check_after(id_: str) -> PlannedCheck:
    """A check that requires `lint`, and may be tried again."""
    return check(id_, requires=(Requirement("lint"),), retries=1)


def test_what_starts_after_the_confirmation_ran_before_nothing():
    run = run_of(reusable("lint"), confirming(), check_after("deploy"))
    run.ready("lint")
    reused(run, "lint")
    run.ready(CONFIRM, "deploy")
    run.passes(CONFIRM)
    run.start("deploy")
    assert run.state.checks["deploy"].ran_before == ()


def to_confirm(how: Callable[[History], object]) -> History:
    """A run in which it is the turn of the confirming check, after this became of `lint`."""
    run = run_of(reusable("lint"), confirming(), check("other"))
    run.ready("lint", "other")
    how(run)
    return run


def nothing_to_confirm(run: History, **facts: Any) -> None:
    """The confirming check is skipped."""
    facts = {"cause": "lint", "waived": True, **facts}
    run.settle(CONFIRM, Outcome.SKIPPED, Reason.NOTHING_TO_CONFIRM, **facts)


@pytest.mark.parametrize("how", [lambda run: run.passes("lint"), lambda run: run.fails("lint")])
def test_what_was_not_reused_needs_no_confirmation(how: Callable[[History], object]):
    run = to_confirm(how)
    for other in ({"waived": False}, {"cause": "other"}, {"cause": ""}):
        refused("its plan asks for that", lambda other=other: nothing_to_confirm(run, **other))
    nothing_to_confirm(run)
    assert run.state.checks[CONFIRM].outcome is Outcome.SKIPPED


@pytest.mark.parametrize("how", [lambda run: reused(run, "lint"), lambda run: None])
def test_there_is_something_to_confirm_where_a_pass_was_reused(how: Callable[[History], object]):
    refused("there was a pass to confirm", lambda: nothing_to_confirm(to_confirm(how)))


def test_a_check_that_confirms_none_is_not_skipped_for_it():
    run = run_of(check("lint"), check("other"))
    run.ready("lint", "other")
    run.passes("lint")
    facts = {"cause": "lint", "waived": True}
    words = "there was a pass to confirm, or it confirms none"
    refused(words, lambda: run.settle("other", Outcome.SKIPPED, Reason.NOTHING_TO_CONFIRM, **facts))


def test_after_a_cancel_nothing_is_skipped_for_want_of_a_reused_pass():
    run = to_confirm(lambda run: run.passes("lint"))
    run.cancel(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    refused("its plan asks for that", lambda: nothing_to_confirm(run))


def waiting(choice: WhilePending, *, retries: int = 0) -> History:
    """`after` is queued while `slow`, which it requires in this way, runs in the background."""
    slow = check("slow", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND)
    run = History(slow, check("after", requires=(Requirement("slow", choice),), retries=retries))
    run.ready("slow", "after")
    run.start("slow")
    run.queue("after")
    facts = {"check": "after", "requirement": "slow", "state": CheckState.RUNNING}
    run.add(CheckRequirementWaived, choice=choice, **facts)
    return run


def test_what_goes_on_without_a_requirement_ran_before_it_noted_once():
    run = waiting(WhilePending.PROCEED, retries=1)
    run.start("after")
    run.exit("after", code=1)
    run.add(CheckRetryScheduled, check="after", attempt=2, delay_ns=1)
    run.start("after")
    assert run.state.checks["after"].ran_before == ("slow",)


def test_a_skip_for_a_pending_requirement_is_one_that_its_config_asks_for():
    pending = Reason.DEPENDENCY_PENDING
    words = "its config did not ask for it"
    skipped = {"outcome": Outcome.SKIPPED, "reason": pending}
    run = waiting(WhilePending.SKIP)
    for facts in ({"cause": "slow"}, {"cause": "after", "waived": True}, {"waived": True}):
        refused(words, lambda facts=facts: run.settle("after", **skipped, **facts))
    run.settle("after", **skipped, cause="slow", waived=True)
    goes_on = waiting(WhilePending.PROCEED)
    refused(words, lambda: goes_on.settle("after", **skipped, cause="slow", waived=True))
