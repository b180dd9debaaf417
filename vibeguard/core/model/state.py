"""What the events so far amount to: the only mutable model, changed by `core.fold` alone."""

from msgspec import Struct, field

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckResults,
    CheckReused,
    CheckSettled,
    CheckStarted,
    CheckSubmitted,
    CheckTerminationRequested,
    LogSealed,
    RunCancelRequested,
    RunFinished,
    RunForegroundSettled,
    RunPlanned,
    RunStarted,
    RunWeakened,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import CheckState, Outcome, Pool


class CheckRecord(Struct):
    """Where one check stands. `pool` and `group` are those of the plan.

    `running_t` is the start of the present attempt, `first_started_t` that of the first.
    `attempt_over` is set between the end of an attempt and the settling or retry; `lost` counts the
    attempts whose worker was lost.
    """

    planned: PlannedCheck
    pool: Pool
    group: str
    state: CheckState = CheckState.PENDING
    outcome: Outcome | None = None
    attempt: int = 0
    ready_t: int | None = None
    running_t: int | None = None
    first_started_t: int | None = None
    settled_t: int | None = None
    attempt_over: bool = False
    frontier: int | None = None
    started: CheckStarted | None = None
    finished: CheckAttemptFinished | None = None
    termination: CheckTerminationRequested | None = None
    hang: CheckHang | None = None
    extracted: CheckExtracted | None = None
    results: CheckResults | None = None
    settled: CheckSettled | None = None
    reused: CheckReused | None = None
    waived: dict[str, str] = field(default_factory=dict)
    ran_before: tuple[str, ...] = ()
    slots: int = 0
    submitted: CheckSubmitted | None = None
    lost: int = 0

    @property
    def queued_ns(self) -> int | None:
        """How long the last started attempt was with its pool before a worker had it."""
        submitted, started = self.submitted, self.started
        if submitted is None or started is None or submitted.attempt != started.attempt:
            return None
        return max(started.t - submitted.t, 0)


class State(Struct):
    """The whole run as far as the log tells it.

    `next_seq` is the number that the next event must carry; `last_t` the time of the last one.
    `used` are the slots taken in each pool (weights); `counts` the settled checks by outcome;
    `unsettled_foreground` counts what `run.foreground_settled` waits for.
    """

    next_seq: int = 0
    last_t: int = 0
    started: RunStarted | None = None
    planned: RunPlanned | None = None
    checks: dict[str, CheckRecord] = field(default_factory=dict)
    counts: dict[Outcome, int] = field(default_factory=dict)
    settled: int = 0
    frontiers: int = 0
    unsettled_foreground: int = 0
    planned_parallel: int = 0
    planned_async_parallel: int = 0
    parallel: int = 0
    async_parallel: int = 0
    used_foreground: int = 0
    used_background: int = 0
    worker_slots: int = 0
    used_workers: int = 0
    groups: dict[str, str] = field(default_factory=dict)
    paused_since: int | None = None
    cancel: RunCancelRequested | None = None
    foreground_settled: RunForegroundSettled | None = None
    foreground_settled_t: int | None = None
    finished: RunFinished | None = None
    sealed: LogSealed | None = None
    unknown_events: int = 0
    weakened: list[RunWeakened] = field(default_factory=list)
