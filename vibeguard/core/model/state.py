"""What the events so far amount to: the only mutable model, changed by `core.fold` alone."""

from msgspec import Struct

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckSettled,
    CheckStarted,
    CheckTerminationRequested,
    LogSealed,
    RunCancelRequested,
    RunFinished,
    RunForegroundSettled,
    RunPlanned,
    RunStarted,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import CheckState, Outcome


class CheckRecord(Struct):
    """Where one check stands. `since_t` is the time of its last change of state.

    `running_t` is the start of the present attempt, `first_started_t` that of the first.
    `attempt_over` is set between the end of an attempt and the settling or retry.
    """

    planned: PlannedCheck
    state: CheckState = CheckState.PENDING
    outcome: Outcome | None = None
    attempt: int = 0
    since_t: int = 0
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
    settled: CheckSettled | None = None
    waived: dict[str, str] = {}
    ran_before: tuple[str, ...] = ()
    slots: int = 0


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
    checks: dict[str, CheckRecord] = {}
    counts: dict[Outcome, int] = {}
    settled: int = 0
    frontiers: int = 0
    unsettled_foreground: int = 0
    planned_parallel: int = 0
    planned_async_parallel: int = 0
    parallel: int = 0
    async_parallel: int = 0
    used_foreground: int = 0
    used_background: int = 0
    groups: dict[str, str] = {}
    paused_since: int | None = None
    cancel: RunCancelRequested | None = None
    cancel_settled: int = 0
    foreground_settled: RunForegroundSettled | None = None
    foreground_settled_t: int | None = None
    finished: RunFinished | None = None
    sealed: LogSealed | None = None
    unknown_events: int = 0
