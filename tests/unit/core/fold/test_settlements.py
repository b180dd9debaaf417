"""What each reason to settle needs beside it in the log: with it the fold accepts, else it objects."""

from typing import Any

import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.config_parts import Requirement, Where
from vibeguard.core.model.event_parts import ProcessReport, StagedView
from vibeguard.core.model.events import CheckResults, CheckSubmitted, CheckTerminationRequested
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.results import Expectation, ResultsSource
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    LeakPolicy,
    OnChange,
    Outcome,
    Pool,
    Reason,
    StagedWay,
    TerminationReason,
)
from vibeguard.core.problems import LogCorrupt

LEFT = (ProcessReport(pid=7, command="sleep 600"),)
ASSERTION = {"assertion": "n > 0"}
GROK = {"grok": ("%{NUMBER:n}",)}
RESULTS = {"results": (ResultsSource("junit", "r.xml"),)}
HELD = {"assertion": "n > 0", "assertion_result": True}
FALSE = {"assertion": "n > 0", "assertion_result": False}
UNKNOWN = {"assertion": "n > 0", "assertion_result": None}
READ = {"values": {"n": "1"}}
MISSED = {"unmatched": ("%{NUMBER:n}",)}


def over(
    planned: dict[str, Any],
    *,
    extracted: dict[str, Any] | None = None,
    failing: int | None = None,
    ended: TerminationReason | None = None,
    staged: bool = False,
    **facts: Any,
) -> History:
    """A run whose only check has an attempt behind it, with what was read of it."""
    view = {"staged": StagedView(way=StagedWay.COPY)} if staged else {}
    run = History(check("a", **planned), started=view)
    run.ready("a")
    run.start("a")
    if ended is not None:
        ending = {"reason": ended, "signal": "SIGTERM"}
        run.add(CheckTerminationRequested, check="a", attempt=1, **ending)
    run.after(SECOND).exit("a", extracted=extracted, **facts)
    if failing is not None:
        guessed = not planned.get("results")
        run.add(CheckResults, check="a", attempt=1, failing=failing, guessed=guessed)
    return run


# What is wrong with a settlement, or "" where nothing is; the reason; the plan; what is in the log.
STORIES: list[tuple[str, Reason, dict[str, Any], dict[str, Any]]] = [
    ("", Reason.ASSERTION, ASSERTION, {"extracted": FALSE}),
    ("came to something else", Reason.ASSERTION, ASSERTION, {"extracted": UNKNOWN}),
    ("came to something else", Reason.ASSERTION, ASSERTION, {"extracted": HELD}),
    ("no assertion", Reason.ASSERTION, ASSERTION, {}),
    ("no assertion", Reason.ASSERTION, GROK, {"extracted": READ}),
    ("did not succeed", Reason.ASSERTION, ASSERTION, {"code": 1}),
    ("", Reason.NOT_EXTRACTED, ASSERTION, {"extracted": UNKNOWN}),
    ("came to something else", Reason.NOT_EXTRACTED, ASSERTION, {"extracted": FALSE}),
    ("", Reason.LEAK, {"leaks": LeakPolicy.FAIL}, {"leaked": LEFT}),
    ("left nothing behind", Reason.LEAK, {"leaks": LeakPolicy.WARN}, {"leaked": LEFT}),
    ("left nothing behind", Reason.LEAK, {"leaks": LeakPolicy.FAIL}, {}),
    ("", Reason.LEAK, {**ASSERTION, "leaks": LeakPolicy.FAIL}, {"leaked": LEFT, "extracted": HELD}),
    (
        "did not hold",
        *(Reason.LEAK, {**ASSERTION, "leaks": LeakPolicy.FAIL}),
        {"leaked": LEFT, "extracted": FALSE},
    ),
    (
        "did not hold",
        *(Reason.LEAK, {**ASSERTION, "leaks": LeakPolicy.FAIL}),
        {"leaked": LEFT},
    ),
    ("", Reason.RESULTS_CONTRADICT, RESULTS, {"failing": 1}),
    ("no test of it failed", Reason.RESULTS_CONTRADICT, RESULTS, {"failing": 0}),
    ("no results", Reason.RESULTS_CONTRADICT, RESULTS, {}),
    ("no results", Reason.RESULTS_CONTRADICT, {}, {"failing": 1}),
    ("did not succeed", Reason.RESULTS_CONTRADICT, RESULTS, {"failing": 1, "code": 1}),
    ("", Reason.EXPECTATION, {**RESULTS, "expect": Expectation(min=1)}, {"failing": 0}),
    ("nothing is expected", Reason.EXPECTATION, RESULTS, {"failing": 0}),
    ("", Reason.RESULTS, RESULTS, {"failing": 0}),
    ("", Reason.CHANGED_FILES, {"on_change": OnChange.FAIL}, {}),
    ("lets it change files", Reason.CHANGED_FILES, {"on_change": OnChange.NOTE}, {}),
    ("did not succeed", Reason.CHANGED_FILES, {"on_change": OnChange.FAIL}, {"code": 1}),
    ("", Reason.FILE, {"file": "f"}, {}),
    ("nothing of the kind", Reason.FILE, GROK, {}),
    ("", Reason.GROK_LIMIT, GROK, {}),
    ("nothing of the kind", Reason.GROK_LIMIT, ASSERTION, {}),
    ("were read", Reason.GROK_LIMIT, GROK, {"extracted": READ}),
    ("were read", Reason.GROK_LIMIT, GROK, {"extracted": MISSED}),
    ("did not succeed", Reason.GROK_LIMIT, GROK, {"code": 1}),
    ("", Reason.BAD_VALUE, GROK, {"extracted": READ}),
    ("", Reason.BAD_VALUE, ASSERTION, {"extracted": UNKNOWN}),
    ("was evaluated", Reason.BAD_VALUE, ASSERTION, {"extracted": HELD}),
    ("nothing of the kind", Reason.BAD_VALUE, {"file": "f"}, {}),
    ("", Reason.JUDGE_TIMEOUT, GROK, {}),
    ("", Reason.JUDGE_TIMEOUT, ASSERTION, {}),
    ("", Reason.JUDGE_TIMEOUT, {"file": "f"}, {}),
    ("", Reason.JUDGE_TIMEOUT, RESULTS, {}),
    ("nothing of the kind", Reason.JUDGE_TIMEOUT, {}, {}),
    ("", Reason.TREE_MOVED, {}, {"staged": True, "code": 1}),
    ("was not what it checked", Reason.TREE_MOVED, {}, {"code": 1}),
    ("not stored", Reason.TREE_MOVED, {}, {"staged": True, "error": "no room"}),
    ("", Reason.OUTPUT_LOST, {}, {"error": "no room"}),
    ("", Reason.OUTPUT_LOST, GROK, {}),
    ("was not lost", Reason.OUTPUT_LOST, {}, {}),
    ("did not succeed", Reason.OUTPUT_LOST, GROK, {"code": 1}),
    ("were read", Reason.OUTPUT_LOST, GROK, {"extracted": READ}),
    ("", Reason.UNKILLABLE, {}, {"unkillable": LEFT}),
    ("still alive", Reason.UNKILLABLE, {}, {}),
    ("", Reason.LOST, {}, {"code": None, "end": AttemptEnd.LOST}),
    ("another one", Reason.LOST, {}, {}),
    ("another one", Reason.INTERNAL, {}, {"code": None, "end": AttemptEnd.LOST}),
    ("", Reason.INTERNAL, {}, {}),
    ("not stored", Reason.INTERNAL, {}, {"error": "no room"}),
    (
        "",
        Reason.TIMEOUT,
        {},
        {"code": None, "signal": "SIGTERM", "ended": TerminationReason.TIMEOUT},
    ),
    (
        "no such timeout",
        Reason.IDLE,
        {},
        {"code": None, "signal": "SIGTERM", "ended": TerminationReason.TIMEOUT},
    ),
    ("no such timeout", Reason.TIMEOUT, {}, {"code": 1}),
    (
        "not stored",
        *(Reason.TIMEOUT, {}),
        {"code": None, "signal": "SIGTERM", "ended": TerminationReason.TIMEOUT, "error": "no room"},
    ),
    ("", Reason.SIGNAL, {}, {"code": None, "signal": "SIGSEGV"}),
    ("no signal", Reason.SIGNAL, {}, {"code": 1}),
    ("exit code is 0", Reason.EXIT_CODE, {}, {}),
    (
        "",
        Reason.OUTPUT_LIMIT,
        {},
        {"code": None, "signal": "SIGTERM", "ended": TerminationReason.OUTPUT_LIMIT},
    ),
    ("not ended for its output", Reason.OUTPUT_LIMIT, {}, {"code": 1}),
    ("ended by us", Reason.EXIT_CODE, {}, {"code": 1, "ended": TerminationReason.TIMEOUT}),
]
OUTCOMES = {
    **dict.fromkeys(
        (
            *(Reason.ASSERTION, Reason.NOT_EXTRACTED, Reason.LEAK, Reason.RESULTS_CONTRADICT),
            *(Reason.EXPECTATION, Reason.CHANGED_FILES, Reason.SIGNAL, Reason.EXIT_CODE),
            Reason.OUTPUT_LIMIT,
        ),
        Outcome.FAILED,
    ),
    Reason.TIMEOUT: Outcome.TIMEOUT,
    Reason.IDLE: Outcome.TIMEOUT,
}


@pytest.mark.parametrize(("problem", "reason", "planned", "facts"), STORIES)
def test_a_reason_needs_what_bears_it_out(problem, reason, planned, facts):
    run = over(planned, **facts)
    leaked = bool(facts.get("leaked"))
    outcome = OUTCOMES.get(reason, Outcome.ERROR)
    if problem:
        with pytest.raises(LogCorrupt, match=problem):
            run.settle("a", outcome, reason, leaked=leaked)
    else:
        run.settle("a", outcome, reason, leaked=leaked)
        assert run.state.checks["a"].outcome is outcome


# What is wrong; how the attempt ended; what the settlement says.
CONTRADICTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("it was running", {}, {"outcome": Outcome.SKIPPED, "reason": Reason.REQUIREMENT}),
    ("counts other attempts", {}, {"outcome": Outcome.PASSED, "attempts": 2, "flaky": True}),
    ("its flakiness", {}, {"outcome": Outcome.PASSED, "flaky": True}),
    ("earlier pass stands", {}, {"outcome": Outcome.PASSED, "reason": Reason.REUSED}),
    ("gives no reason", {"code": 1}, {"outcome": Outcome.FAILED}),
    ("no reason for that", {"code": 1}, {"outcome": Outcome.ERROR, "reason": Reason.EXIT_CODE}),
    (
        "its quarantine",
        {"code": 1},
        {"outcome": Outcome.FAILED, "reason": Reason.EXIT_CODE, "quarantined": True},
    ),
    (
        "nothing to do with that",
        {"code": 1},
        {"outcome": Outcome.FAILED, "reason": Reason.EXIT_CODE, "cause": "a"},
    ),
    ("left behind", {"leaked": LEFT}, {"outcome": Outcome.PASSED, "leaked": True}),
]


@pytest.mark.parametrize(("problem", "facts", "said"), CONTRADICTIONS)
def test_what_a_settlement_says_agrees_with_the_attempt_before_it(problem, facts, said):
    run = over({"leaks": LeakPolicy.IGNORE}, **facts)
    with pytest.raises(LogCorrupt, match=problem):
        run.settle("a", **said)


@pytest.mark.parametrize("failing", [None, 1])
def test_results_that_are_asked_for_have_to_be_there_and_clean_for_a_pass(failing):
    with pytest.raises(LogCorrupt, match="its results speak against it"):
        over(RESULTS, failing=failing).settle("a", Outcome.PASSED)
    over(RESULTS, failing=0).settle("a", Outcome.PASSED)
    over({}, failing=1).settle("a", Outcome.PASSED)  # nobody asked for these


def test_results_come_once_of_the_attempt_that_is_over_and_as_the_config_asks():
    run = over(RESULTS, failing=0)
    with pytest.raises(LogCorrupt, match="twice"):
        run.add(CheckResults, check="a", attempt=1)
    with pytest.raises(LogCorrupt, match="does not ask for"):
        over(RESULTS).add(CheckResults, check="a", attempt=1, guessed=True)
    under_way = History(check("a", **RESULTS))
    under_way.ready("a")
    under_way.start("a")
    with pytest.raises(LogCorrupt, match="under way"):
        under_way.add(CheckResults, check="a", attempt=1)


def test_a_skip_names_the_root_of_what_kept_it():
    def chain() -> History:
        after_a, after_b = (Requirement("a"),), (Requirement("b"),)
        run = History(check("a"), check("b", requires=after_a), check("c", requires=after_b))
        run.ready("a")
        run.fails("a")
        run.skip("b", cause="a")
        return run

    chain().skip("c", cause="a")
    for facts in ({"cause": "b"}, {"cause": "a", "waived": True}):
        with pytest.raises(LogCorrupt, match="nothing that it requires"):
            chain().settle("c", Outcome.SKIPPED, Reason.REQUIREMENT, **facts)


def test_fail_fast_blames_the_failure_that_the_cancel_names():
    def cancelled(by: str) -> History:
        run = History(check("a"), check("b"), check("c"))
        run.ready("a", "b", "c")
        run.fails("a")
        run.fails("b")
        run.cancel(reason=CancelReason.FAIL_FAST, by=by)
        return run

    cancelled("a").settle("c", Outcome.CANCELLED, Reason.FAIL_FAST, cause="a")
    for by, cause in (("a", "b"), ("a", "c"), ("a", "")):
        with pytest.raises(LogCorrupt, match="did not cause that"):
            cancelled(by).settle("c", Outcome.CANCELLED, Reason.FAIL_FAST, cause=cause)
    with pytest.raises(LogCorrupt, match="for another reason"):
        cancelled("a").settle("c", Outcome.CANCELLED, Reason.CANCEL)


def test_what_waits_for_a_worker_waits_since_it_was_first_said():
    """Said again with other workers there; with another token it is another wait."""
    settings = ResolvedSettings(parallel=4, async_parallel=4, pool=PoolSettings())
    run = History(check("a", where=Where(), pool=Pool.WORKERS), settings=settings)
    run.ready("a")
    run.queue("a")
    facts = {"check": "a", "attempt": 1, "engine": "p", "wanted": ()}
    run.add(CheckSubmitted, token="t", present=(), **facts)
    began = run.at
    run.after(SECOND).add(CheckSubmitted, token="t", present=("gpu",), **facts)
    record = run.state.checks["a"]
    assert (record.awaits.t, record.awaits.present) == (began, ("gpu",))
    run.after(SECOND).add(CheckSubmitted, token="u", present=(), **facts)
    assert (record.awaits.t, record.awaits.token) == (run.at, "u")
    with pytest.raises(LogCorrupt, match="not for a worker"):
        run.add(CheckSubmitted, token="u", present=(), **{**facts, "attempt": 2})
    run.start("a")
    assert record.awaits is None
