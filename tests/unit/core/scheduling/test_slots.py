"""Who gets the next slot where checks share a group."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.virtual import check, plan_of, planned_state
from vibeguard.core.model.state import State
from vibeguard.core.names import CheckState
from vibeguard.core.scheduling import slots as module
from vibeguard.core.scheduling.slots import Slots


def queued(checks, **options) -> tuple[State, Slots]:
    """All of these checks in the queue for a slot."""
    state = planned_state(plan_of(checks, **options))
    slots = Slots(state)
    for record in state.checks.values():
        record.state = CheckState.QUEUED
        slots.push(record)
    return state, slots


def drain(state: State, slots: Slots, *, settle: frozenset[str] = frozenset()) -> list[str]:
    """Offer slots until nobody wants one; `settle` settles in the queue after the first offers."""
    order: list[str] = []
    while True:
        offered = []
        while (record := slots.offer()) is not None:
            offered.append(record)
        if not offered:
            return order
        groups = [record.group for record in offered if record.group]
        assert len(groups) == len(set(groups))
        order += [record.planned.id for record in offered]
        for check_id in settle - set(order):
            state.checks[check_id].state = CheckState.SETTLED
        for record in offered:
            record.state = CheckState.SETTLED
            slots.release(record)


@given(
    groups=st.lists(st.sampled_from(["", "db", "net"]), min_size=1, max_size=12),
    modes=st.lists(st.booleans(), min_size=12, max_size=12),
    settled=st.sets(st.integers(0, 11)),
)
def test_whoever_waits_for_a_group_gets_it_or_has_settled(groups, modes, settled):
    checks = [
        check(f"c{i}", mode="async" if modes[i] else "sync", group=group)
        for i, group in enumerate(groups)
    ]
    state, slots = queued(checks, parallel=3, async_parallel=2)
    settle = frozenset(f"c{i}" for i in settled if i < len(checks))
    order = drain(state, slots, settle=settle)
    assert len(order) == len(set(order))
    assert {one.id for one in checks} - settle <= set(order)


def test_a_group_of_thousands_queues_each_check_a_few_times_only(monkeypatch):
    pushes = 0

    def counting(queue, entry):
        nonlocal pushes
        pushes += 1
        original(queue, entry)

    original = module.heappush
    monkeypatch.setattr(module, "heappush", counting)
    checks = [check(f"c{i}", group="db") for i in range(2000)]
    state, slots = queued(checks)
    assert drain(state, slots) == [one.id for one in checks]
    assert pushes <= 4 * len(checks)
