"""What the task of an attempt asks of the run that it is part of."""

from typing import Protocol

from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import Event
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import TerminationReason
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Executor


class Work(Protocol):
    """The run, as the tasks of its attempts see it. `scheduler.state` is where it stands."""

    scheduler: Scheduler
    executor: Executor
    grace_ns: int

    def record(self, event: Event) -> None:
        """Write, fold and feed one event; what follows from it waits for the next `step`."""

    def step(self, *events: Event) -> None:
        """Record events and carry out all that follows from them, without a checkpoint."""

    def specification(self, planned: PlannedCheck, number: int) -> AttemptSpec:
        """What the executor needs to know of an attempt."""

    def keep(self, planned: PlannedCheck, number: int, result: AttemptResult) -> None:
        """The attempt is over and recorded: its output must still be there at the end."""

    async def begin(self, planned: PlannedCheck) -> None:
        """An attempt is about to start: look at what it may change."""

    async def judge(
        self,
        planned: PlannedCheck,
        number: int,
        result: AttemptResult,
        struck: TerminationReason | None,
    ) -> Judgement:
        """The outcome of an attempt; may read megabytes, out of reach of any cancel."""
