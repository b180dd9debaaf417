"""How long the rest may take: exact where durations are known, better with every run, never wild."""

import pytest
from msgspec.structs import replace

from tests.helpers.histories import History
from tests.helpers.histories import check as planned_check
from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import SECOND_NS, check, plan_of, run_virtually
from vibeguard.core.fold.fold import apply
from vibeguard.core.history import definition_of, estimates, samples_of
from vibeguard.core.model.config_parts import Where
from vibeguard.core.model.events import CheckSubmitted, FrontierAdvanced, RunPlanned
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.model.state import State
from vibeguard.core.model.status import Forecast
from vibeguard.core.names import Pool
from vibeguard.core.scheduling.forecast import forecast

GRAPH = [
    check("a"),
    check("b", "a"),
    check("c"),
    check("long", mode="async"),
    check("after", "long", "b"),
    check("heavy", weight=2),
]
TOOK = {"a": 3, "b": 4, "c": 5, "long": 20, "after": 2, "heavy": 6}


def scripts(took):
    return {name: Script(duration_s=seconds) for name, seconds in took.items()}


def expected(took):
    return {name: round(seconds * SECOND_NS) for name, seconds in took.items()}


def states_of(events):
    """The State after the plan, and after each later event."""
    state = State()
    for event in events:
        apply(state, event)
        if state.planned is not None and not isinstance(event, RunPlanned):
            yield state


def test_with_exact_durations_the_forecast_is_exact_at_every_moment():
    run = run_virtually(GRAPH, scripts(TOOK), parallel=2, expected_ns=expected(TOOK))
    ended = max(record.settled_t for record in run.state.checks.values())
    foreground = run.state.foreground_settled_t
    checked = 0
    for state in states_of(run.events):
        # Within one step of the scheduler several events have the same time: it is not at rest.
        found = forecast(state, state.last_t)
        if found.end_ns is not None and _at_rest(state, run.events):
            assert state.last_t + found.end_ns == pytest.approx(ended, abs=10)
            if state.foreground_settled is None:
                assert state.last_t + found.foreground_ns == pytest.approx(foreground, abs=10)
            checked += 1
    assert checked > 3


def _at_rest(state, events):
    """Whether time passes before the next event."""
    return state.next_seq < len(events) and events[state.next_seq].t > state.last_t


def test_the_error_shrinks_with_history():
    """Wild durations at first; the median of what passed settles down."""
    durations = [30, 8, 11, 10, 9, 10, 60, 10, 11, 10]
    errors, samples = [], []
    for seconds in durations:
        took = {**TOOK, "long": seconds}
        found = estimates(samples, _definitions(), "m")
        known = {name: estimate.expected_ns for name, estimate in found.items()}
        run = run_virtually(GRAPH, scripts(took), parallel=2, expected_ns=known)
        at_start = next(s for s in states_of(run.events) if _at_rest(s, run.events))
        guess = forecast(at_start, at_start.last_t).end_ns
        usual = scripts({**TOOK, "long": 10})  # in the order that this history gives
        typical = run_virtually(GRAPH, usual, parallel=2, expected_ns=known).elapsed_s
        errors.append(None if guess is None else abs(guess / SECOND_NS - typical))
        samples += samples_of(run.state, "m")
    assert errors[0] is None
    assert errors[1] > 10
    assert max(errors[5:]) <= 1


def _definitions():
    return {c.id: definition_of(c.run, c.cwd) for c in GRAPH}


def test_priority_from_history_shortens_a_graph_where_plain_order_is_bad():
    """Slowest last in the config, one slot too few: by the graph alone it would run last."""
    checks = [*(check(f"short{i}") for i in range(6)), check("slow")]
    took = {**{f"short{i}": 2 for i in range(6)}, "slow": 12}
    plain = run_virtually(checks, scripts(took), parallel=2).elapsed_s
    ordered = run_virtually(checks, scripts(took), parallel=2, expected_ns=expected(took)).elapsed_s
    assert ordered == 12
    assert plain == 18


def test_without_any_duration_there_is_no_forecast():
    run = run_virtually([check("a")], scripts({"a": 1}))
    state = next(s for s in states_of(run.events) if _at_rest(s, run.events))
    assert forecast(state, state.last_t).end_ns is None


def test_what_is_overdue_is_never_said_to_be_over():
    run = run_virtually([check("a")], scripts({"a": 100}), expected_ns=expected({"a": 10}))
    state = next(s for s in states_of(run.events) if _at_rest(s, run.events))
    assert forecast(state, state.last_t + 50 * SECOND_NS).end_ns == 5 * SECOND_NS


def test_the_wait_for_a_worker_is_part_of_the_forecast():
    """Less what a check has waited already."""
    where = {"pool": Pool.WORKERS, "where": Where(), "expected_queue_ns": 6 * SECOND_NS}
    settings = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings())
    run = History(planned_check("a", expected_ns=10 * SECOND_NS, **where), settings=settings)
    run.ready("a")
    run.queue("a")
    assert forecast(run.state, run.at).end_ns == 16 * SECOND_NS
    run.add(CheckSubmitted, check="a", attempt=1, engine="p", token="t")
    assert forecast(run.state, run.at + 4 * SECOND_NS).end_ns == 12 * SECOND_NS
    assert forecast(run.state, run.at + 60 * SECOND_NS).end_ns == 10 * SECOND_NS


def one_after_the_other(*checks) -> History:
    """A run on one slot that is about to start."""
    run = History(*checks, settings=ResolvedSettings(parallel=1, async_parallel=1))
    run.ready(*(check.id for check in checks))
    return run


def test_a_check_of_which_nothing_is_known_is_taken_for_a_typical_one_and_counted():
    known = (planned_check(f"k{s}", expected_ns=s * SECOND_NS) for s in (1, 3, 8))
    run = one_after_the_other(*known, planned_check("new"))
    assert forecast(run.state, 0) == Forecast(15 * SECOND_NS, 15 * SECOND_NS, guessed=1)


def test_what_has_passed_in_this_run_is_typical_and_what_has_failed_is_not():
    run = one_after_the_other(*map(planned_check, ("passes", "fails", "new", "newer")))
    assert forecast(run.state, 0) == Forecast(guessed=4)
    run.fails("fails", ns=40 * SECOND_NS)
    assert forecast(run.state, run.at) == Forecast(guessed=3)
    run.passes("passes", ns=4 * SECOND_NS)
    assert forecast(run.state, run.at) == Forecast(8 * SECOND_NS, 8 * SECOND_NS, guessed=2)


def test_a_check_without_an_estimate_that_is_late_may_take_as_long_again():
    run = one_after_the_other(planned_check("known", expected_ns=2 * SECOND_NS), planned_check("b"))
    run.start("b")
    assert forecast(run.state, run.at + 30 * SECOND_NS).end_ns == 32 * SECOND_NS


def test_an_assertion_is_assumed_to_hold():
    run = one_after_the_other(planned_check("a", expected_ns=SECOND_NS, assertion="true"))
    assert forecast(run.state, 0).end_ns == SECOND_NS


def test_a_check_that_is_being_judged_may_have_any_end_so_far():
    """What it has left behind and what its output said is not what a pass is forecast by."""
    run = one_after_the_other(planned_check("a", expected_ns=SECOND_NS, assertion="false"))
    run.start("a")
    run.after(SECOND_NS).exit("a", code=1)
    assert forecast(run.state, run.at).end_ns == SECOND_NS // 10


def test_what_is_over_has_nothing_left():
    run = run_virtually([check("a")], scripts({"a": 1}))
    assert forecast(run.state, run.state.last_t).end_ns is None


def test_ten_thousand_checks_are_no_burden():
    """Linear enough that a quadratic one would be noticed by its counting, not by a clock."""
    checks = [check(f"c{i}", *([f"c{i - 1}"] if i % 10 else [])) for i in range(10_000)]
    plan = plan_of(checks, parallel=100, expected_ns={c.id: SECOND_NS for c in checks})
    state = State()
    run = run_virtually(checks[:10], scripts({f"c{i}": 1 for i in range(10)}))
    apply(state, run.events[0])
    apply(state, replace(run.events[1], checks=plan.checks, settings=plan.settings))
    first = tuple(c.id for c in checks if not c.requires)
    apply(state, FrontierAdvanced(seq=2, t=state.last_t, number=0, checks=first))
    assert forecast(state, 0).end_ns == 100 * SECOND_NS
