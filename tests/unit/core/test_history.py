"""Estimates from earlier runs: robust, and from the nearest samples there are."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.histories import SECOND, History, check
from tests.helpers.samples import on_workers
from vibeguard.core.history import (
    SAMPLES_KEPT,
    Estimate,
    Sample,
    definition_of,
    estimate,
    estimates,
    samples_of,
)
from vibeguard.core.model.config_parts import Where
from vibeguard.core.names import Outcome

DURATIONS = st.lists(st.integers(0, 10**15), min_size=1, max_size=60)


def sample(duration_ns=10, *, check="a", definition="d", machine="m", outcome=Outcome.PASSED):
    return Sample(check, definition, machine, duration_ns, outcome)


def expected(samples, definition="d", machine="m"):
    found = estimates(samples, {"a": definition}, machine)
    return found["a"].expected_ns if found else None


def test_the_estimate_is_median_and_third_quartile():
    assert estimate([4, 1, 3, 2]) == Estimate(expected_ns=2, p75_ns=3, samples=4)
    assert estimate([7]) == Estimate(expected_ns=7, p75_ns=7, samples=1)
    assert estimate([]) is None


@given(DURATIONS)
def test_an_estimate_lies_among_the_durations(durations):
    found = estimate(durations)
    latest = durations[-SAMPLES_KEPT:]
    assert min(latest) <= found.expected_ns <= found.p75_ns <= max(latest)
    assert found.samples == len(latest)


@given(st.lists(st.integers(90, 110), min_size=5, max_size=9), st.integers(0, 10**18))
def test_two_wild_durations_among_many_do_not_move_it_out_of_the_rest(durations, wild):
    found = estimate([*durations, wild, wild])
    assert 90 <= found.expected_ns <= 110


def test_old_durations_are_forgotten():
    assert estimate([1000] * 30 + [10] * SAMPLES_KEPT).expected_ns == 10


def test_only_passes_count():
    others = [sample(99, outcome=outcome) for outcome in Outcome if outcome is not Outcome.PASSED]
    assert expected(others) is None
    assert expected([*others, sample(10)]) == 10


def test_the_nearest_samples_win():
    before = sample(1, definition="old", machine="m")
    elsewhere = sample(2, machine="other")
    here = sample(3)
    assert expected([before]) == 1
    assert expected([before, elsewhere]) == 2
    assert expected([here, elsewhere, before]) == 3


def test_checks_that_are_not_asked_for_and_those_unknown_are_left_out():
    assert estimates([sample(check="b")], {"a": "d"}, "m") == {}


def test_a_definition_is_the_command_and_where_it_runs():
    assert definition_of("make", "") == definition_of("make", "")
    assert (
        len({definition_of("make", ""), definition_of("make", "a"), definition_of("mak", "e")}) == 3
    )


def test_a_run_adds_what_it_executed_and_how_long_the_last_attempt_was_active():
    history = History(check("a", cwd="sub"), check("b"), check("c", requires=()))
    history.ready("a", "b", "c")
    history.passes("a", ns=3 * SECOND)
    history.fails("b", ns=SECOND)
    history.passes("c")
    found = samples_of(history.state, "m")
    assert [(s.check, s.duration_ns, s.outcome.value) for s in found] == [
        ("a", 3 * SECOND, "passed"),
        ("b", SECOND, "failed"),
        ("c", SECOND, "passed"),
    ]
    assert found[0].definition == definition_of("make a", "sub")
    assert {s.run for s in found} == {history.state.started.run_id}


def test_what_ran_on_workers_is_kept_apart_from_what_ran_here():
    """By the machine that had it, and never mixed with what the same command takes here."""
    run = on_workers()
    run.after(SECOND).exit("infer")
    run.settle("infer", Outcome.PASSED)
    here, failed, passed = samples_of(run.state, "m")
    assert (here.machine, failed.machine, passed.machine) == (
        "m",
        "worker gpu1",
        "worker gpu2.example.org",
    )
    assert (here.queued_ns, failed.queued_ns, passed.queued_ns) == (0, 3 * SECOND, 8 * SECOND)
    there = definition_of("make infer", "", Where(labels=("gpu",)))
    assert passed.definition == there != definition_of("make infer", "")
    local = replace(passed, definition=definition_of("make infer", ""), machine="m", duration_ns=7)
    found = estimates([passed, local], {"infer": there}, "m")["infer"]
    assert (found.expected_ns, found.queued_ns) == (passed.duration_ns, 8 * SECOND)


def test_what_never_ran_adds_nothing():
    assert samples_of(History(check("a")).state, "m") == []
