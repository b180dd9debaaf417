"""Starting an attempt when the machine is short of descriptors or processes: retry, then lower."""

from collections.abc import Callable

import trio

from vibeguard.core.model.events import CheckSubmitted, Event
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import CheckState
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.system.executors.base import Attempt, AttemptSpec, Callbacks
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.supervisor.support import Support

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0


async def start_patiently(
    support: Support,
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
                token=remote.job.token,
                wanted=remote.job.labels,
                present=remote.present,
            )
        )
    delay = FIRST_DELAY_S
    while check.state is not CheckState.SETTLED:
        try:
            attempt = await support.executor.start(specification, callbacks)
        except StartRefused as refusal:
            # EAGAIN, ENOMEM, EMFILE pass when something ends: fewer at once, not a failed run (ADR
            # 0007).
            support.patience.bear(refusal)
            degraded = scheduler.degraded(refusal.reason)
            if degraded is not None:
                record(degraded)
        else:
            support.patience.renew()
            return attempt
        await trio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY_S)
    return None
