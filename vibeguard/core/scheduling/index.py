"""What the scheduler's rules look at beside the State, kept in step with it event by event.

Indexes, so that a rule costs what has changed and not a look at every check. `Index(state)` makes
them anew from any State but for one thing that the log does not say: who has been offered a slot
and has not started yet (`Slots`).
"""

from collections import deque
from collections.abc import Collection, Iterator

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckQueued,
    CheckRetryScheduled,
    CheckSettled,
    CheckStarted,
    Event,
    FrontierAdvanced,
    RunCancelRequested,
)
from vibeguard.core.model.plan import stands_alone
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, AttemptEnd, CheckState, Outcome, Severity
from vibeguard.core.scheduling.requirements import Requirements
from vibeguard.core.scheduling.slots import Slots


class Index:
    """Queues of checks that may go on: events put checks in, the scheduler's rules take them out.

    `unasked` are the checks for which an earlier pass may stand and nobody has been asked yet,
    `to_look_up` those that are asked about next. `to_skip` holds checks, each with the requirement
    that did not pass.
    """

    def __init__(self, state: State, reusable: Collection[str]) -> None:
        self.state = state
        self.requirements = Requirements(state)
        self.slots = Slots(state)
        self.to_skip: deque[tuple[CheckRecord, CheckRecord]] = deque()
        self.ready: list[CheckRecord] = []
        self.to_look_up: list[str] = []
        self.unqueued: deque[CheckRecord] = deque()
        self.deferred: dict[str, CheckRecord] = {}
        self.failed_first: CheckRecord | None = None
        self.to_cancel: Iterator[CheckRecord] = iter(())
        self.unasked = set(reusable)
        self._fail_fast = state.planned is not None and state.planned.settings.fail_fast
        self._begin()

    def feed(self, event: Event) -> None:
        """Take note of an event that has been folded into the State already."""
        records = self.state.checks
        match event:
            case CheckQueued():
                self.slots.push(records[event.check])
            case CheckStarted():
                self.slots.give_back(records[event.check])
            case CheckAttemptFinished():
                self._attempt_finished(records[event.check], event.end)
            case CheckSettled():
                self._settled(records[event.check])
            case FrontierAdvanced():
                self.unqueued.extend(records[check] for check in event.checks)
            case CheckRetryScheduled():
                self.slots.release_what_is_held(records[event.check])
            case RunCancelRequested():
                self.to_cancel = iter(records.values())

    def _begin(self) -> None:
        """Fill the queues from the State: of a new plan, or, for a forecast, of a run under way."""
        for check, record in self.state.checks.items():
            match record.state:
                case CheckState.PENDING if self.requirements.are_met(check):
                    self.ready.append(record)
                case CheckState.READY:
                    self.unqueued.append(record)
                case CheckState.QUEUED:
                    self.slots.push(record)
                case CheckState.RUNNING if record.attempt_over:
                    self._attempt_over(record)
                case CheckState.SETTLED if record.outcome is not Outcome.PASSED:
                    self._failed(record)
        self.to_cancel = iter(self.state.checks.values())  # of a State that has a cancel already

    def may_be_reused(self, check: str) -> bool:
        """Whether it is to be asked now if an earlier pass stands for a ready check.

        Not while a requirement is pending: an earlier pass counts only together with passes of all
        that the check requires.
        """
        return check in self.unasked and not self.requirements.is_one_pending(check)

    def _attempt_finished(self, record: CheckRecord, end: AttemptEnd) -> None:
        if end is AttemptEnd.REFUSED and record.state is CheckState.QUEUED:
            self.slots.release(record)
        else:
            self._attempt_over(record)

    def _settled(self, record: CheckRecord) -> None:
        self.slots.settled(record)
        self.requirements.settled(record)
        if record.outcome is Outcome.PASSED:
            self._passed(record)
        else:
            self._failed(record)

    def _passed(self, record: CheckRecord) -> None:
        for dependent, is_ready in self.requirements.passed(record.planned.id):
            if is_ready and (excused := self.requirements.excused(dependent)):
                self.to_skip.append((self.state.checks[dependent], excused))
            elif is_ready:
                self.ready.append(self.state.checks[dependent])
            elif dependent in self.deferred:
                self.unqueued.append(self.deferred.pop(dependent))

    def _failed(self, record: CheckRecord) -> None:
        for dependent in self.requirements.not_passed(record):
            self.to_skip.append((dependent, record))
        if fails_the_run(record) and record.outcome in UNPASSED:
            present = self.failed_first
            if present is None or _settled_seq(record) < _settled_seq(present):
                self.failed_first = record

    def _attempt_over(self, record: CheckRecord) -> None:
        """Free the slot of a check, unless nothing may start in it before the check has settled.

        That is so with fail-fast, where its outcome may end the run, and for a check that must run
        alone, while it is being found out which files it has changed.
        """
        ends_the_run = self._fail_fast and record.planned.severity is Severity.ERROR
        if ends_the_run or stands_alone(record.planned):
            self.slots.hold(record)
        else:
            self.slots.release(record)


def _settled_seq(record: CheckRecord) -> int:
    return -1 if record.settled is None else record.settled.seq
