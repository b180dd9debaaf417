"""Starting an attempt when the machine is short of descriptors or processes: retry, then lower."""

import trio

from vibeguard.system.executors.base import Attempt, StartRefused
from vibeguard.system.supervisor.work import Life, Work

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0
PATIENCE_S = 30.0


async def start_patiently(work: Work, life: Life) -> Attempt | None:
    """The started attempt. Pressure that may pass (EAGAIN, EMFILE, ENOMEM) is waited out.

    None when the check has settled meanwhile, because it was cancelled.

    Raises StartRefused when the start can never succeed, or did not within 30 s in which nothing
    else of this run was running: what runs holds what is missing, and gives it back.
    """
    specification = work.specification(life.planned, life.number)
    delay = FIRST_DELAY_S
    give_up: float | None = None
    while not life.settled:
        try:
            return await work.executor.start(
                specification,
                accepted=life.accepted,
                output_exceeded=life.output_exceeded,
                terminating=life.terminating,
            )
        except StartRefused as refusal:
            now = trio.current_time()
            if give_up is None or work.anything_runs:
                give_up = now + PATIENCE_S
            if not refusal.transient or now >= give_up:
                raise
            work.under_pressure(refusal.reason)
        await life.pause(delay)
        delay = min(2 * delay, LONGEST_DELAY_S)
    return None
