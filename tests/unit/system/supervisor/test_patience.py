"""How long a start is tried again, on virtual time."""

import pytest
import trio

from vibeguard.core.model.state import State
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.supervisor.support import OWN_PATIENCE_S, Patience

SHORT = StartRefused("out of descriptors", transient=True, ours=True)


async def test_who_waits_is_patient_as_long_as_checks_that_take_no_time_begin_and_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    state = State()
    patience = Patience(state)
    for _ in range(10):
        state.next_seq += 2  # one began and ended between two looks
        patience.bear(SHORT)
        await trio.sleep(OWN_PATIENCE_S)
    began = trio.current_time()
    with pytest.raises(StartRefused):
        while trio.current_time() <= began + OWN_PATIENCE_S:
            patience.bear(SHORT)
            await trio.sleep(OWN_PATIENCE_S / 2)
