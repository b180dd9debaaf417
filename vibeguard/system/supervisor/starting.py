"""Starting an attempt when the machine is short of descriptors or processes: retry, then lower."""

from collections.abc import Callable

import trio

from vibeguard.core.model.events import CheckSubmitted, Event
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.system.executors.base import (
    Attempt,
    AttemptSpec,
    Callbacks,
    Executor,
    StartRefused,
)

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0
PATIENCE_S = 30.0


class Patience:
    """How long to try again when the system is short of something (EAGAIN, EMFILE, ENOMEM): 30 s.

    The time counts only while no check of the run is running: one that runs may hold what is
    missing, and will give it back.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._ends: float | None = None

    def bear(self, refusal: StartRefused) -> None:
        """Raise the refusal if it is final, or if the time to try again is over."""
        now = trio.current_time()
        anything_runs = any(self._state.used.values())
        if self._ends is None or anything_runs:
            self._ends = now + PATIENCE_S
        if not refusal.transient or now >= self._ends:
            raise refusal


async def start_patiently(
    executor: Executor,
    specification: AttemptSpec,
    callbacks: Callbacks,
    check: CheckRecord,
    scheduler: Scheduler,
    *,
    record: Callable[[Event], None],
) -> Attempt | None:
    """The started attempt; None when the check was cancelled, and so has settled, meanwhile.

    Where the system is short of something the start is tried again, with less parallelism. `record`
    takes what happens. Raises StartRefused when the refusal is final, or was repeated too long.
    """
    remote = specification.remote
    if remote is not None and check.state is CheckState.QUEUED:  # else cancelled since
        record(
            CheckSubmitted(
                check=check.planned.id,
                attempt=check.attempt,
                engine=remote.engine,
                token=remote.token,
                wanted=remote.labels,
                present=remote.present,
            )
        )
    delay = FIRST_DELAY_S
    patience = Patience(scheduler.state)
    while check.state is not CheckState.SETTLED:
        try:
            return await executor.start(specification, callbacks)
        except StartRefused as refusal:
            # EAGAIN, ENOMEM, EMFILE pass when something ends: fewer at once, not a failed run (ADR
            # 0007).
            patience.bear(refusal)
            degraded = scheduler.degraded(refusal.reason)
            if degraded is not None:
                record(degraded)
        await trio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY_S)
    return None
