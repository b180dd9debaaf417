"""Who gets the next slot where checks share a group."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.virtual import check, plan_of
from vibeguard.core.scheduling import slots as module
from vibeguard.core.scheduling.slots import Slots


def drain(slots: Slots, *, drop: frozenset[str] = frozenset()) -> list[str]:
    """Hand out slots until nobody wants one; `drop` gives up waiting after the first start."""
    order: list[str] = []
    while True:
        offered = []
        while (chosen := slots.offer()) is not None:
            offered.append(chosen)
        if not offered:
            return order
        groups = [slots._checks[c].group for c in offered if slots._checks[c].group]
        assert len(groups) == len(set(groups))
        for chosen in drop - set(order) - set(offered):
            slots.drop(chosen)
        order += offered
        for chosen in offered:
            slots.release(chosen)


@given(
    groups=st.lists(st.sampled_from(["", "db", "net"]), min_size=1, max_size=12),
    modes=st.lists(st.booleans(), min_size=12, max_size=12),
    dropped=st.sets(st.integers(0, 11)),
)
def test_whoever_waits_for_a_group_gets_it_or_has_given_up(groups, modes, dropped):
    checks = [
        check(f"c{i}", mode="async" if modes[i] else "sync", group=group)
        for i, group in enumerate(groups)
    ]
    slots = Slots(plan_of(checks, parallel=3, async_parallel=2))
    for one in checks:
        slots.enqueue(one.id)
    drop = frozenset(f"c{i}" for i in dropped if i < len(checks))
    order = drain(slots, drop=drop)
    assert len(order) == len(set(order))
    assert {one.id for one in checks} - drop <= set(order)


def test_a_group_of_thousands_lines_up_each_check_a_few_times_only(monkeypatch):
    pushes = 0

    def counting(queue, entry):
        nonlocal pushes
        pushes += 1
        original(queue, entry)

    original = module.heappush
    monkeypatch.setattr(module, "heappush", counting)
    checks = [check(f"c{i}", group="db") for i in range(2000)]
    slots = Slots(plan_of(checks))
    for one in checks:
        slots.enqueue(one.id)
    assert drain(slots) == [one.id for one in checks]
    assert pushes <= 4 * len(checks)
