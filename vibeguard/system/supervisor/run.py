"""A run: frontiers, slots, cancelling, and the one synchronous step of a settlement.

It decides nothing by itself: `core.scheduling` says what may go on, `nurseries` owns the tasks.
"""

from collections.abc import Awaitable, Callable

import trio

from vibeguard.core.fold.verdict import outcome_counts, outranks
from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import (
    CheckQueued,
    CheckRequirementWaived,
    CheckSettled,
    Event,
    FrontierAdvanced,
    RunCancelRequested,
    RunDegraded,
    RunForegroundSettled,
    RunPaused,
    RunResumed,
)
from vibeguard.core.model.plan import Plan, PlannedCheck
from vibeguard.core.names import (
    CancelReason,
    LeakPolicy,
    Outcome,
    Reason,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.problems import LogWriteError
from vibeguard.core.scheduling.cancelling import fails_fast, reason_for, termination_for
from vibeguard.core.scheduling.frontier import Frontier
from vibeguard.core.scheduling.prompts import triggered_prompts
from vibeguard.core.scheduling.slots import Slots
from vibeguard.system.executors.base import (
    AttemptResult,
    AttemptSpec,
    Executor,
    StartRefused,
)
from vibeguard.system.supervisor.check import CheckLife
from vibeguard.system.supervisor.clock import RunClock
from vibeguard.system.supervisor.groups import Groups, wait_released
from vibeguard.system.supervisor.nurseries import Nurseries
from vibeguard.system.supervisor.recorder import Recorder
from vibeguard.system.supervisor.work import Life, Settlement

# The last argument is to be called before waiting for anything: slots must not wait for a judge.
# No cancel may reach it while it waits: an exit that was observed keeps its outcome.
Judge = Callable[
    [PlannedCheck, int, AttemptResult, TerminationReason | None, Callable[[], None]],
    Awaitable[Judgement],
]
Specify = Callable[[PlannedCheck, int], AttemptSpec]
Finished = Callable[[PlannedCheck, int, AttemptResult], None]


class Run:
    """Conducts one plan. Every method but `conduct` and `judge` is one synchronous step."""

    def __init__(
        self,
        plan: Plan,
        *,
        executor: Executor,
        recorder: Recorder,
        clock: RunClock,
        specify: Specify,
        judge: Judge,
        groups: Groups,
        finished: Finished = lambda *_: None,
    ) -> None:
        self.plan = plan
        self.executor = executor
        self.recorder = recorder
        self.frontier = Frontier(plan.checks)
        self.slots = Slots(plan)
        self.lives = {check.id: CheckLife(check, self) for check in plan.checks}
        self.cancelled: RunCancelRequested | None = None
        self._first_failure = ""  # what set fail-fast off; a signal may come on top of it
        self.grace_ns = plan.settings.grace_ns
        self._clock = clock
        self._specify = specify
        self._judge = judge
        self._groups = groups
        self._finished = finished
        self._paused = False
        self._dispatching = False
        self._frontiers = 0
        self._nurseries = Nurseries()
        recorder.failed = self._nurseries.cancel

    async def conduct(self) -> None:
        """Run the plan until every check has settled (or the log has failed)."""
        await self._nurseries.hold(self._begin)

    # What the world asks for.

    @property
    def over(self) -> bool:
        """Whether every check has settled."""
        return self.recorder.state.settled == len(self.lives)

    @property
    def paused(self) -> bool:
        """Whether every check and every limit stands still."""
        return self._paused

    def cancel(self, reason: CancelReason, *, by: str = "", exit_code: int | None = None) -> None:
        """Nothing more starts; what runs is ended. Record and scope are one step."""
        request = RunCancelRequested(reason=reason, by=by, exit_code=exit_code)
        if self.over or not outranks(request, self.cancelled):
            return
        self.resume()
        self.recorder.record_durably(request)
        self.cancelled = request
        if reason is CancelReason.FAIL_FAST:
            self._first_failure = by
        for check in self.frontier.unsettled():
            life = self.lives[check]
            if not life.running and not life.settled:
                self.settle(life, self.cancelled_settlement(self.reason_to_end(life)))
        self._nurseries.cancel()

    def cancel_check(self, check: str) -> None:
        """Settle one check as cancelled."""
        life = self.lives.get(check)
        if life is None or life.settled or life.cancelled_alone:
            return
        life.cancelled_alone = True
        if not life.running:
            self.settle(life, self.cancelled_settlement(TerminationReason.CANCEL))
        life.interrupt()

    def kill(self, nursery: trio.Nursery) -> None:
        """No grace any more: what is being ended is killed now."""
        self.grace_ns = 0
        for life in self.lives.values():
            if life.attempt is not None:
                nursery.start_soon(life.attempt.terminate, 0)

    def abandon(self, what: str) -> None:
        """The log is lost: end everything; nothing is recorded any more."""
        self.recorder.fail(LogWriteError(what))

    def pause(self) -> None:
        """Stop every check and every limit."""
        if not self._paused and not self.over:
            self._paused = True
            self.record(RunPaused())
            self.executor.pause()
            self._clock.pause()

    def resume(self) -> None:
        """Let everything go on."""
        if self._paused:
            self._paused = False
            self.executor.resume()
            self.record(RunResumed(paused_ns=self._clock.resume()))

    # What the lives of checks ask for (see work.Work).

    @property
    def cancelling(self) -> bool:
        """Whether the whole run has been cancelled."""
        return self.cancelled is not None or self.recorder.failure is not None

    @property
    def anything_runs(self) -> bool:
        """Whether any attempt of the run is running."""
        return self.recorder.state.used_foreground + self.recorder.state.used_background > 0

    @property
    def jitter_seed(self) -> int:
        """The recorded seed of the retries' delays."""
        return self.plan.settings.jitter_seed

    def record(self, event: Event) -> None:
        """Write and fold one event."""
        self.recorder.record(event)

    def specification(self, planned: PlannedCheck, number: int) -> AttemptSpec:
        """What the executor needs to know of an attempt."""
        return self._specify(planned, number)

    def output_name(self, planned: PlannedCheck, number: int) -> str:
        """The path of an attempt's output, relative to the run folder."""
        return f"output/{planned.stem}.{number}.log"

    def line_up(self, life: Life) -> None:
        """Queue the check's next attempt, and give out whatever slot is free."""
        self._queue(life)
        self.give_out_slots()

    def under_pressure(self, reason: str) -> None:
        """Lower the parallelism to what runs now; say so once per step down."""
        state = self.recorder.state
        parallel = max(1, min(state.parallel, state.used_foreground))
        async_parallel = max(1, min(state.async_parallel, state.used_background))
        if (parallel, async_parallel) == (state.parallel, state.async_parallel):
            return
        self.record(RunDegraded(parallel=parallel, async_parallel=async_parallel, reason=reason))
        self.slots.degrade(parallel=parallel, async_parallel=async_parallel)

    def attempt_over(self, life: Life, result: AttemptResult | None) -> None:
        """Slot and group are free; they are given out once it is clear who else is ready."""
        if result is not None:
            self._finished(life.planned, life.number, result)
        self._groups.release(life.planned.group)
        self.slots.release(life.planned.id)

    async def judge(
        self,
        planned: PlannedCheck,
        number: int,
        result: AttemptResult,
        struck: TerminationReason | None,
    ) -> Judgement:
        """The outcome of an attempt; meanwhile others may take its slot.

        Not with fail-fast: the outcome decides whether anything more is to start at all.
        """
        decides = self.plan.settings.fail_fast and fails_fast(planned.severity, Outcome.FAILED)
        free = _leave_slots if decides else self.give_out_slots
        return await self._judge(planned, number, result, struck, free)

    def reason_to_end(self, life: Life) -> TerminationReason:
        """Why a cancelled check is being ended."""
        if self.cancelled is not None:
            return termination_for(self.cancelled.reason)
        if life.cancelled_alone:
            return TerminationReason.CANCEL
        return TerminationReason.LOG_FAILURE

    def cancelled_settlement(self, reason: TerminationReason) -> Settlement:
        """How a check settles that was kept from passing by `reason`."""
        cause = self._first_failure if reason is TerminationReason.FAIL_FAST else ""
        return Settlement(Outcome.CANCELLED, reason_for(reason), cause=cause)

    def settle(self, life: Life, settlement: Settlement) -> None:
        """Settle a check; skip, ready, cancel and dispatch what follows from it. One step."""
        self._record_settlement(life, settlement)
        check = life.planned.id
        if settlement.outcome is Outcome.PASSED:
            ready = self.frontier.passed(check)
            if ready and not self.cancelling:
                self._advance(ready)
        elif self.cancelling:
            self.frontier.cancelled(check)
        else:
            self._skip_dependents(check, settlement)
            failed = fails_fast(life.planned.severity, settlement.outcome)
            if failed and self.plan.settings.fail_fast:
                self.cancel(CancelReason.FAIL_FAST, by=check)
        self._follow_up()

    # How it is done.

    def _begin(self) -> None:
        """The nurseries are open."""
        if not self.cancelling:  # it may be, before it has begun
            self._advance(self.frontier.first())
        self._follow_up()

    def _record_settlement(self, life: Life, settlement: Settlement) -> None:
        life.settled = True
        life.running = False
        self.slots.drop(life.planned.id)
        if self.slots.holds(life.planned.id):
            self._groups.release(life.planned.group)
            self.slots.release(life.planned.id)
        record = self.recorder.state.checks[life.planned.id]
        attempts = 0 if record.started is None else record.started.attempt
        passed = settlement.outcome is Outcome.PASSED
        leaked = record.finished is not None and bool(record.finished.leaked)
        self.record(
            CheckSettled(
                check=life.planned.id,
                outcome=settlement.outcome,
                reason=settlement.reason,
                cause=settlement.cause,
                detail=settlement.detail,
                attempts=attempts,
                flaky=passed and attempts > 1,
                leaked=leaked and life.planned.leaks is not LeakPolicy.IGNORE,
                waived=settlement.waived,
                prompts=triggered_prompts(life.planned.on, settlement.outcome),
                excerpt=settlement.excerpt,
                tail=settlement.tail,
            )
        )
        self._nurseries.drop(life)
        if life.granted is not None:
            life.granted.set()

    def _skip_dependents(self, check: str, settlement: Settlement) -> None:
        """Everything that required `check` is skipped, with the root cause named."""
        cause = settlement.cause or check
        skips = self.frontier.not_passed(check, cause=cause, waived=settlement.waived)
        for skip in skips:
            self._record_settlement(
                self.lives[skip.check],
                Settlement(
                    Outcome.SKIPPED, Reason.REQUIREMENT, cause=skip.cause, waived=skip.waived
                ),
            )

    def _follow_up(self) -> None:
        """What may have become due by a settlement: the milestone, the last ones, free slots."""
        state = self.recorder.state
        if state.unsettled_foreground == 0 and state.foreground_settled is None:
            self.record(
                RunForegroundSettled(
                    counts=outcome_counts(state), pending=tuple(self.frontier.unsettled())
                )
            )
        freed = self.frontier.freed()
        if not self.cancelling:
            for check in freed:
                self._queue(self.lives[check])
        self.give_out_slots()

    def _advance(self, ready: list[str]) -> None:
        """The frontier grew: its checks get a nursery of their own."""
        if not ready:
            return
        self.record(FrontierAdvanced(number=self._frontiers, checks=tuple(ready)))
        self._frontiers += 1
        lives = [self.lives[check] for check in ready]
        self._nurseries.open(lives)
        for life in lives:
            if not self.frontier.hold(life.planned.id):
                self._queue(life)

    def _queue(self, life: Life) -> None:
        life.number += 1
        self.record(CheckQueued(check=life.planned.id, attempt=life.number, pool=life.planned.pool))
        self.slots.enqueue(life.planned.id)

    def give_out_slots(self) -> None:
        """Give out free slots until nobody can use one."""
        if self._dispatching or self.cancelling:
            return
        self._dispatching = True
        try:
            while not self.cancelling and (check := self.slots.offer()) is not None:
                self._grant(self.lives[check])
        finally:
            self._dispatching = False

    def _grant(self, life: Life) -> None:
        """The check's turn: another run may hold its group, a requirement may be pending."""
        check = life.planned.id
        if not self._enter_group(life):
            return
        skip_for = self._waive(life) if life.number == 1 else None  # a retry has had its turn
        if skip_for is not None:
            self._groups.release(life.planned.group)
            self.slots.release(check)
            self.settle(
                life,
                Settlement(Outcome.SKIPPED, Reason.DEPENDENCY_PENDING, cause=skip_for, waived=True),
            )
            return
        self.frontier.started(check)
        if life.granted is None:
            self._nurseries.begin(life)
        else:
            life.granted.set()

    def _waive(self, life: Life) -> str | None:
        """Record what `while_pending` chooses; the requirement to skip for, if it says so."""
        skip_for = None
        for requirement, choice in self.frontier.waivable(life.planned.id).items():
            self.record(
                CheckRequirementWaived(
                    check=life.planned.id,
                    requirement=requirement,
                    choice=choice,
                    state=self.recorder.state.checks[requirement].state,
                )
            )
            if choice is WhilePending.SKIP and skip_for is None:
                skip_for = requirement
        return skip_for

    def _enter_group(self, life: Life) -> bool:
        """Take the check's group; else it waits for that without a slot, or cannot start at all."""
        check = life.planned.id
        try:
            if self._groups.acquire(life.planned.group):
                return True
        except StartRefused as refusal:
            if not refusal.transient:
                life.refused(refusal)
                return False
        self.slots.wait_outside(check)
        self._nurseries.start_beside(self._rejoin_after_group, life)
        return False

    async def _rejoin_after_group(self, life: Life) -> None:
        try:
            await wait_released(self._groups, self, life)
        except StartRefused as refusal:
            life.refused(refusal)
        if not life.settled:
            self.slots.release(life.planned.id)
            self.slots.enqueue(life.planned.id)
            self.give_out_slots()


def _leave_slots() -> None:
    """Nobody gets a slot now; the settlement that follows gives them out."""
