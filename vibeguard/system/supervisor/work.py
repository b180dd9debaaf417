"""What a check's life asks of the run that it is part of."""

from typing import Protocol

import trio
from msgspec import Struct

from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import Event, Excerpt
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import Outcome, Reason, TerminationReason
from vibeguard.system.executors.base import (
    Accepted,
    Attempt,
    AttemptResult,
    AttemptSpec,
    Executor,
    StartRefused,
)


class Settlement(Struct, frozen=True):
    """How a check settles; the run adds attempts, flakiness and prompts."""

    outcome: Outcome
    reason: Reason | None = None
    cause: str = ""
    detail: str = ""
    waived: bool = False
    excerpt: Excerpt | None = None
    tail: tuple[str, ...] = ()


class Life(Protocol):
    """One check, as its run sees it; `supervisor.check` lives it.

    `granted` is what it waits for between a retry and its turn; None before. `cancelled_alone` says
    that the check was cancelled, and not the whole run.
    """

    planned: PlannedCheck
    granted: trio.Event | None
    running: bool
    settled: bool
    cancelled_alone: bool
    number: int
    attempt: Attempt | None

    async def live(self) -> None:
        """From its first slot until it has settled. Cancelling it ends its processes first."""

    def interrupt(self) -> None:
        """Stop waiting for the attempt, or between two."""

    async def pause(self, seconds: float) -> None:
        """Sleep, unless the check is interrupted."""

    def accepted(self, accepted: Accepted) -> None:
        """The attempt runs: recorded in the same step as its start."""

    def refused(self, refusal: StartRefused) -> None:
        """The attempt cannot be started: an error, never a pass."""

    def output_exceeded(self) -> None:
        """The output passed its limit or cannot be stored."""

    def terminating(self, reason: TerminationReason, signal: str) -> None:
        """Processes of this attempt are being told to end."""


class Work(Protocol):
    """The run, as one of its checks sees it. Everything but `judge` is synchronous."""

    executor: Executor

    @property
    def cancelling(self) -> bool:
        """Whether the whole run has been cancelled: nothing more starts."""

    @property
    def anything_runs(self) -> bool:
        """Whether any attempt of the run is running."""

    @property
    def grace_ns(self) -> int:
        """From SIGTERM to SIGKILL, as things stand now."""

    @property
    def jitter_seed(self) -> int:
        """The recorded seed of the retries' delays."""

    def record(self, event: Event) -> None:
        """Write and fold one event."""

    def line_up(self, life: Life) -> None:
        """Queue the check's next attempt."""

    def specification(self, planned: PlannedCheck, number: int) -> AttemptSpec:
        """What the executor needs to know of an attempt."""

    def output_name(self, planned: PlannedCheck, number: int) -> str:
        """The path of an attempt's output, relative to the run folder."""

    def under_pressure(self, reason: str) -> None:
        """The machine refuses more: lower the parallelism to what runs."""

    def attempt_over(self, life: Life, result: AttemptResult | None) -> None:
        """The attempt's slot and group are free (None: it never started)."""

    def give_out_slots(self) -> None:
        """Give free slots to whoever waits for one."""

    def settle(self, life: Life, settlement: Settlement) -> None:
        """Settle the check and move everything that this allows, in one step."""

    def reason_to_end(self, life: Life) -> TerminationReason:
        """Why a check that was cancelled is being ended."""

    def cancelled_settlement(self, reason: TerminationReason) -> Settlement:
        """How a check settles that was ended for `reason`."""

    async def judge(
        self,
        planned: PlannedCheck,
        number: int,
        result: AttemptResult,
        struck: TerminationReason | None,
    ) -> Judgement:
        """The outcome of an attempt; may chew megabytes in a thread, out of reach of any cancel."""
