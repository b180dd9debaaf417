"""How long a start is tried again, on virtual time."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import trio

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.supervisor.groups import wait_released
from vibeguard.system.supervisor.support import OWN_PATIENCE_S, Patience

SHORT = StartRefused("out of descriptors", transient=True, ours=True)


async def test_who_waits_is_patient_as_long_as_checks_that_take_no_time_begin_and_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    patience = Patience(State())
    for _ in range(10):
        patience.renew()  # one began and ended between two looks
        patience.bear(SHORT)
        await trio.sleep(OWN_PATIENCE_S)
    began = trio.current_time()
    with pytest.raises(StartRefused):
        while trio.current_time() <= began + OWN_PATIENCE_S:
            patience.bear(SHORT)
            await trio.sleep(OWN_PATIENCE_S / 2)


async def test_a_shortage_that_passed_does_not_count_for_the_next_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Between the two another run had the group, for longer than a shortage is borne."""
    looks: Iterator[bool | None] = iter([None, *[False] * 100, None, True])

    def acquire(_group: str, _check: str) -> bool:
        free = next(looks)
        if free is None:
            raise SHORT
        return free

    groups: Any = SimpleNamespace(acquire=acquire, release=print)
    record = CheckRecord(PlannedCheck(id="a", run="true", stem="a", group="g"))
    await wait_released(groups, Patience(State()), record)
    assert next(looks, "all looked") == "all looked"
