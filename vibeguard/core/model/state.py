"""What the events so far amount to: the only mutable model, changed by `core.fold` alone."""

from vibeguard.core.model import events
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import CheckState, Outcome, Pool, Reason


class _Account:
    """Equal where every field is.

    Neither a msgspec struct, of which a field takes longer to set (a replay of a million events
    took a seventh longer), nor a dataclass, with which `inspect` is loaded at every start.
    """

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


class CheckRecord(_Account):
    """Where one check stands. `pool` and `group` are those of the plan.

    `first_started_t` is the start of the first attempt. `attempt_over` is set between the end of an
    attempt and the settling or retry; `lost` counts the attempts whose worker was lost. `slots` is
    how many it takes; `waived` are requirements that it did not wait for, with the choice made.
    """

    def __init__(self, planned: PlannedCheck, slots: int = 0) -> None:
        self.planned = planned
        self.pool = planned.pool
        self.group = planned.group
        self.state: CheckState = CheckState.PENDING
        self.outcome: Outcome | None = None
        self.attempt: int = 0
        self.ready_t: int | None = None
        self.first_started_t: int | None = None
        self.attempt_over: bool = False
        self.frontier: int | None = None
        self.started: events.CheckStarted | None = None
        self.finished: events.CheckAttemptFinished | None = None
        self.termination: events.CheckTerminationRequested | None = None
        self.hang: events.CheckHang | None = None
        self.extracted: events.CheckExtracted | None = None
        self.results: events.CheckResults | None = None
        self.settled: events.CheckSettled | None = None
        self.reused: events.CheckReused | None = None
        self.waived: dict[str, str] = {}
        self.ran_before: tuple[str, ...] = ()
        self.slots = slots
        self.submitted: events.CheckSubmitted | None = None
        self.lost: int = 0

    @property
    def running_t(self) -> int | None:
        """The start of the last attempt."""
        return None if self.started is None else self.started.t

    @property
    def reason(self) -> Reason | None:
        """Why it settled as it did; None of a plain pass, and before it settles."""
        return None if self.settled is None else self.settled.reason

    @property
    def flaky(self) -> bool:
        """Whether it passed, but not at the first attempt."""
        return self.settled is not None and self.settled.flaky

    @property
    def settled_t(self) -> int | None:
        """When it settled."""
        return None if self.settled is None else self.settled.t

    @property
    def awaits(self) -> events.CheckSubmitted | None:
        """What its attempt waits for in a pool of workers; None where it does not wait there."""
        submitted = self.submitted
        if self.state is not CheckState.QUEUED or submitted is None:
            return None
        return submitted if submitted.attempt == self.attempt else None

    @property
    def queued_ns(self) -> int | None:
        """How long the last started attempt was with its pool before a worker had it."""
        submitted, started = self.submitted, self.started
        if submitted is None or started is None or submitted.attempt != started.attempt:
            return None
        return max(started.t - submitted.t, 0)


class State(_Account):
    """The whole run as far as the log tells it.

    `next_seq` is the number that the next event must carry; `last_t` the time of the last one.
    `slots` is how many each pool has by now, at most the `planned_slots`, and `used` how many of
    them are taken (weights); `counts` the settled checks by outcome; `groups` who runs in which
    group; `unsettled_foreground` counts what `run.foreground_settled` waits for.
    """

    def __init__(self) -> None:
        self.next_seq: int = 0
        self.last_t: int = 0
        self.started: events.RunStarted | None = None
        self.planned: events.RunPlanned | None = None
        self.checks: dict[str, CheckRecord] = {}
        self.counts: dict[Outcome, int] = {}
        self.settled: int = 0
        self.frontiers: int = 0
        self.unsettled_foreground: int = 0
        self.planned_slots: dict[Pool, int] = dict.fromkeys(Pool, 0)
        self.slots: dict[Pool, int] = dict.fromkeys(Pool, 0)
        self.used: dict[Pool, int] = dict.fromkeys(Pool, 0)
        self.groups: dict[str, str] = {}
        self.paused_since: int | None = None
        self.cancel: events.RunCancelRequested | None = None
        self.foreground_settled: events.RunForegroundSettled | None = None
        self.finished: events.RunFinished | None = None
        self.sealed: events.LogSealed | None = None
        self.unknown_events: int = 0
        self.weakened: list[events.RunWeakened] = []

    @property
    def run_id(self) -> str:
        """The run that the log says it is of; empty before its first event."""
        return "" if self.started is None else self.started.run_id

    @property
    def vcs(self) -> VersionControl | None:
        """The repository at the start; None where that is not known."""
        return None if self.started is None else self.started.vcs

    @property
    def config_path(self) -> str:
        """The config that was planned; empty before that."""
        return "" if self.planned is None else self.planned.config_path

    @property
    def elapsed_ns(self) -> int:
        """How long the run took; of one that has not finished, up to its last event."""
        return self.last_t if self.finished is None else self.finished.elapsed_ns

    @property
    def foreground_settled_t(self) -> int | None:
        """When the last foreground check had settled."""
        return None if self.foreground_settled is None else self.foreground_settled.t
