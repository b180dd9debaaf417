"""Starting an attempt when the machine is short of descriptors or processes: retry, then lower."""

import trio

from vibeguard.system.executors.base import Attempt, StartRefused
from vibeguard.system.supervisor.work import Life, Work

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0
PATIENCE_S = 30.0


class Patience:
    """How long pressure that may pass (EAGAIN, EMFILE, ENOMEM) is borne: 30 s.

    Time in which anything of the run is running does not count: what runs holds what is missing,
    and gives it back.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ends: float | None = None

    def bear(self, refusal: StartRefused) -> None:
        """Raise the refusal if it will not pass, or cannot be borne any longer."""
        now = trio.current_time()
        if self._ends is None or self._work.anything_runs:
            self._ends = now + PATIENCE_S
        if not refusal.transient or now >= self._ends:
            raise refusal


async def start_patiently(work: Work, life: Life) -> Attempt | None:
    """The started attempt. Pressure is waited out.

    None when the check has settled meanwhile, because it was cancelled.

    Raises StartRefused when the start can never succeed, or patience has ended.
    """
    specification = work.specification(life.planned, life.number)
    delay = FIRST_DELAY_S
    patience = Patience(work)
    while not life.settled:
        try:
            return await work.executor.start(
                specification,
                accepted=life.accepted,
                output_exceeded=life.output_exceeded,
                terminating=life.terminating,
            )
        except StartRefused as refusal:
            patience.bear(refusal)
            work.under_pressure(refusal.reason)
        await life.pause(delay)
        delay = min(2 * delay, LONGEST_DELAY_S)
    return None
