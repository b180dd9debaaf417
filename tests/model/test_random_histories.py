"""Random legal histories against a naive model, and every single mutation of them."""

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.helpers.mutations import mutations
from tests.helpers.naive import naive, plain, told
from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import SECOND_NS, check, run_virtually
from vibeguard.core.fold.fold import apply, fold
from vibeguard.core.judge import Judgement, judge
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.model.state import State
from vibeguard.core.names import CancelReason, LeakPolicy, Outcome, Reason, Severity
from vibeguard.core.problems import LogCorrupt
from vibeguard.core.scheduling.forecast import forecast

FOREVER = float("inf")
PROPERTY = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole run takes minutes
    suppress_health_check=list(HealthCheck),
)
LEFT_BEHIND = (ProcessReport(pid=7, command="sleep 600"),)
LARGEST_OUTPUT = 64

durations = st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0, 30.0])
outputs = st.sampled_from([b"", b"n=1", b"n=0", b"n=x", b"x" * (LARGEST_OUTPUT + 1)])
SCRIPTS = st.one_of(
    st.builds(Script, duration_s=durations, output=outputs),
    st.builds(
        Script, duration_s=durations, exit_code=st.sampled_from([0, 0, 1, 2]), output=outputs
    ),
    st.builds(Script, duration_s=durations, leaked=st.just(LEFT_BEHIND)),
    st.builds(Script, duration_s=durations, signal=st.just("SIGSEGV")),
    st.builds(Script, duration_s=st.just(FOREVER), ignores_term_s=durations),
    st.just(Script(duration_s=FOREVER, unkillable=LEFT_BEHIND)),
    st.just(Script(duration_s=1, output_error="no room")),
    st.just(Script(refuse="no such shell")),
    st.builds(Script, duration_s=durations, lost=st.just(True)),
)


@st.composite
def graphs(draw):
    """Checks that require earlier ones, of every kind that ends differently, and what they do."""
    checks, table = [], {}
    asynchronous: list[bool] = []
    for number in range(draw(st.integers(1, 6))):
        asynchronous.append(draw(st.sampled_from([False, False, True])))
        requires = []
        for earlier in range(number):
            if draw(st.integers(0, 2)) == 0:
                choices = ["wait", "skip", "proceed"] if asynchronous[earlier] else ["wait"]
                requires.append((f"c{earlier}", draw(st.sampled_from(choices))))
        grok, assertion = draw(st.sampled_from([("", ""), ("", ""), ("n=%{DATA:n}$", "n >= 1")]))
        checks.append(
            check(
                f"c{number}",
                *requires,
                mode="async" if asynchronous[-1] else "sync",
                timeout_s=10,
                weight=draw(st.integers(1, 2)),
                retries=draw(st.integers(0, 1)),
                severity=draw(st.sampled_from([Severity.ERROR, Severity.ERROR, Severity.WARNING])),
                group=draw(st.sampled_from(["", "", "g"])),
                leaks=draw(st.sampled_from(LeakPolicy)),
                grok=(grok,) if grok else (),
                assertion=assertion,
                slow_after_ns=draw(st.sampled_from([None, SECOND_NS])),
                idle_timeout_ns=draw(st.sampled_from([None, 4 * SECOND_NS])),
                output_limit_bytes=LARGEST_OUTPUT,
            )
        )
        table[f"c{number}"] = draw(st.lists(SCRIPTS, min_size=1, max_size=2))
    return checks, table


@st.composite
def interruptions(draw):
    """What happens to a run from outside: moments and what is asked for then."""
    kinds = ["pause", "resume", "cancel c0", "cancel c1", "SIGINT", "cancel", "run timeout"]
    moments = st.tuples(st.sampled_from([0.25, 1.0, 3.0, 8.0]), st.sampled_from(kinds))
    return draw(st.lists(moments, max_size=2))


def histories():
    """Whole legal runs with their seal."""
    return st.builds(_history, graphs(), interruptions(), st.integers(1, 3), st.booleans())


def _history(graph, happening, parallel, fail_fast) -> list[Event]:
    checks, table = graph

    async def during(run):
        for wait_s, what in happening:
            await trio.sleep(wait_s)
            _interrupt(run, what)
        await trio.sleep(1)
        run.resume()

    async def judge_really(planned, number, ended, _before_waiting):
        scripts = table[planned.id]
        text = scripts[min(number, len(scripts)) - 1].output[:LARGEST_OUTPUT]
        result = ended.result
        status = result.exit_code, result.signal
        judged = judge(planned, *status, ended.struck, text, grok_limit_bytes=1 << 20)
        fails = bool(result.leaked) and planned.leaks is LeakPolicy.FAIL
        if judged.outcome is Outcome.PASSED and fails:
            return Judgement(Outcome.FAILED, Reason.LEAK)
        return judged

    options = {"parallel": parallel, "async_parallel": 1, "fail_fast": fail_fast}
    run = run_virtually(checks, table, during=during, judge=judge_really, audited=False, **options)
    last = run.events[-1]
    seal = LogSealed(seq=len(run.events), t=last.t, events=len(run.events), bytes=0, sha256="")
    return [*run.events, seal]


def _interrupt(run, what: str) -> None:
    verb, _, check_id = what.partition(" ")
    if what == "pause":
        run.pause()
    elif what == "resume":
        run.resume()
    elif what == "SIGINT":
        run.cancel(CancelReason.SIGNAL, by="SIGINT")
    elif what == "run timeout":
        run.cancel(CancelReason.RUN_TIMEOUT)
    elif verb == "cancel" and check_id:
        run.cancel_check(check_id)
    else:
        run.cancel(CancelReason.CANCEL)


@settings(PROPERTY, max_examples=examples(1))
@given(histories())
def test_a_history_folds_to_what_a_naive_model_says_at_every_event(events):
    state, log = State(), plain(events)
    for count, event in enumerate(events, 1):
        apply(state, event)
        if count > 1:
            assert told(state) == naive(log[:count])
    assert state.finished is not None
    assert state.finished.exit_code == naive(log)["exit_code"]


@settings(PROPERTY, max_examples=examples(0.3))
@given(histories())
def test_a_forecast_can_be_made_of_every_prefix(events):
    """Also in the middle of a step: the scheduler that it plays on is made from any State."""
    state = State()
    for event in events:
        apply(state, event)
        found = forecast(state, state.last_t)
        assert found.end_ns is None or found.end_ns >= (found.foreground_ns or 0) >= 0


@settings(PROPERTY, max_examples=examples(0.6))
@given(histories())
def test_a_single_mutation_is_rejected_or_changes_nothing_that_counts(events):
    """What is accepted has the same outcomes, reasons, verdict and exit code, or is not sealed."""
    truth = _what_counts(fold(events))
    checks = list(fold(events).checks)
    believed = []
    for name, forged in mutations(events, checks):
        try:
            state = fold(forged)
        except LogCorrupt:
            continue
        if state.sealed is not None and _what_counts(state) != truth:
            believed.append(name)
    assert believed == []


def _what_counts(state):
    """Every settlement but what is only shown, and what the run came to."""
    settled = {
        id_: (s.outcome, s.reason, s.cause, s.attempts, s.flaky, s.leaked, s.waived)
        for id_, record in state.checks.items()
        if (s := record.settled) is not None
    }
    finished = state.finished
    return settled, finished.verdict, finished.exit_code, finished.reason, finished.counts
