"""What the background saved: durations of the run itself, level by level."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.names import Outcome, Pool
from vibeguard.core.report.savings import level_by_level_ns, saved_ns


def finished(durations: dict[str, int], requires: dict[str, list[str]], slots: int) -> History:
    """A run in which everything ran one after the other in an order that the graph allows."""
    settings = ResolvedSettings(parallel=slots, async_parallel=slots)
    checks = [check(i, requires=tuple(map(Requirement, requires.get(i, ())))) for i in durations]
    run = History(*checks, settings=settings)
    for id_, ns in durations.items():
        run.ready(id_)
        run.passes(id_, ns=ns)
    return run.finish()


@pytest.mark.parametrize(
    ("durations", "requires", "slots", "makespan"),
    [
        ({"a": 5, "b": 3}, {}, 4, 5),
        ({"a": 5, "b": 3}, {}, 1, 8),
        ({"a": 5, "b": 3, "c": 4}, {"c": ["b"]}, 4, 9),
        ({"a": 5, "b": 3, "c": 4, "d": 2}, {"c": ["b"], "d": ["a", "c"]}, 4, 11),
        ({"a": 2, "b": 2, "c": 2}, {}, 2, 4),
    ],
)
def test_a_level_lasts_as_long_as_its_slowest_check_on_its_slots(
    durations, requires, slots, makespan
):
    run = finished({i: s * SECOND for i, s in durations.items()}, requires, slots)
    assert level_by_level_ns(run.state, slots) == makespan * SECOND


def test_what_did_not_wait_for_a_barrier_is_saved():
    run = History(
        check("long", pool=Pool.BACKGROUND), check("a"), check("b", requires=(Requirement("a"),))
    )
    run.ready("long", "a")
    run.start("long")
    run.passes("a", ns=1 * SECOND)
    run.ready("b")
    run.passes("b", ns=6 * SECOND)
    run.foreground_settled()
    run.after(3 * SECOND).exit("long")
    run.settle("long", Outcome.PASSED)
    assert saved_ns(run.finish().state) == (10 + 6 - 10) * SECOND


def test_nothing_is_said_before_the_end():
    run = History(check("a"), check("b"))
    run.ready("a", "b")
    run.passes("a")
    assert saved_ns(run.state) is None


def test_a_chain_of_ten_thousand_needs_no_recursion():
    ids = [f"c{n}" for n in range(10_000)]
    run = History(
        *[check(b, requires=(Requirement(a),)) for a, b in itertools.pairwise(ids)],
        check("c0"),
    )
    for id_ in ids:
        run.ready(id_)
        run.passes(id_, ns=1000)
    assert level_by_level_ns(run.state, 4) == 10_000 * 1000


@given(
    st.lists(st.tuples(st.integers(1, 9), st.sets(st.integers(0, 7))), min_size=1, max_size=8),
    st.integers(1, 4),
)
def test_it_is_at_least_the_longest_path_and_at_most_the_sum(graph, slots):
    """Requirements point back, so that the order given is one that the graph allows."""
    ids = [f"c{n}" for n in range(len(graph))]
    durations = {ids[n]: length for n, (length, _) in enumerate(graph)}
    requires = {
        ids[n]: [ids[m] for m in sorted(back) if m < n] for n, (_, back) in enumerate(graph)
    }
    longest: dict[str, int] = {}
    for id_ in ids:
        longest[id_] = durations[id_] + max((longest[r] for r in requires[id_]), default=0)
    makespan = level_by_level_ns(finished(durations, requires, slots).state, slots)
    assert max(longest.values()) <= makespan <= sum(durations.values())
