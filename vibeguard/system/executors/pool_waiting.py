"""A start in a pool, until a worker has been told of it."""

from collections.abc import Callable

import trio
from outcome import Outcome

from vibeguard.core.pool.messages import Job
from vibeguard.system.executors.base import Accepted
from vibeguard.system.executors.pool_attempt import PoolAttempt


class Waiting:
    """A start that waits for a worker."""

    def __init__(
        self,
        job: Job,
        attempt: PoolAttempt,
        accepted: Callable[[Accepted], None],
        present: tuple[str, ...],
    ) -> None:
        self.job = job
        self.present = present
        self.attempt = attempt
        self.accepted = accepted
        self.unfit: list[str] = []
        self.is_decided = False
        self._task: trio.lowlevel.Task | None = None

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
