"""A start in a pool, until a worker has been told of it."""

from collections.abc import Callable

import trio
from msgspec import Struct
from outcome import Outcome

from vibeguard.core.pool.messages import Job, Presence, label_sets
from vibeguard.system.executors.base import Accepted
from vibeguard.system.executors.pool_attempt import PoolAttempt


class Waiting(Struct):
    """A start that waits for a worker.

    `unfit` is why it came back, each time, `unable` from which workers; `unsent` why it could not
    be submitted the last time. `taker` is who had it when it was wanted no longer.
    """

    job: Job
    attempt: PoolAttempt
    accepted: Callable[[Accepted], None]
    present: tuple[str, ...]
    unfit: list[str] = []
    unable: set[str] = set()
    unsent: str = ""
    taker: str = ""
    is_decided: bool = False
    _task: trio.lowlevel.Task | None = None

    async def wait(self, withdraw: Callable[[], None]) -> PoolAttempt:
        """Wait until a worker has been told to start. Cancelled before that, nothing starts."""

        def abort(_: object) -> trio.lowlevel.Abort:
            if self.is_decided:  # by `accepted` itself, perhaps: what it answers holds
                return trio.lowlevel.Abort.FAILED
            withdraw()
            return trio.lowlevel.Abort.SUCCEEDED

        self._task = trio.lowlevel.current_task()
        started: PoolAttempt = await trio.lowlevel.wait_task_rescheduled(abort)
        return started

    def wake(self, outcome: Outcome[PoolAttempt]) -> None:
        """Let it go on, with the attempt or a refusal: no cancel can come between any more."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, outcome)

    def why_nobody_began(self, waited: str, found: list[Presence] | None, trouble: str) -> str:
        """For people. `found` is who is there by now; None where the broker does not say."""
        if self.taker:
            return f"{self.taker} took it, and was not ready to start it within {waited}"
        if trouble:
            return f"no worker took it within {waited}: {trouble}"
        present = self.present if found is None else label_sets(found)
        when = "present when the run began" if found is None else "present"
        wanted, shown = ", ".join(self.job.labels) or "any", "; ".join(present) or "none"
        unfit = f"; {self.unfit[-1]}" if self.unfit else ""
        return f"no worker took it within {waited}; wanted: {wanted}; {when}: {shown}{unfit}"
