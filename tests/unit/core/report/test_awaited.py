"""What a check in a queue waits for: a slot of its own pool."""

import pytest

from tests.helpers.histories import check
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool
from vibeguard.core.report.reasons import awaited


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (Pool.FOREGROUND, ""),  # it is about to start
        (Pool.BACKGROUND, "a slot in the background (3 of 3 taken)"),
        (Pool.WORKERS, "a slot (4 of 4 taken)"),
    ],
)
def test_the_slots_are_those_of_the_checks_own_pool(pool, said):
    state = State()
    state.slots = {Pool.FOREGROUND: 2, Pool.BACKGROUND: 3, Pool.WORKERS: 4}
    state.used = {Pool.FOREGROUND: 1, Pool.BACKGROUND: 3, Pool.WORKERS: 4}
    record = CheckRecord(check("a", pool=pool), 1)
    record.state = CheckState.QUEUED
    assert awaited(state, record) == said
