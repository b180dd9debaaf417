"""The task of one attempt: start, watch its limits, end, judge, then settle or try again."""

from collections.abc import Callable

import trio
from msgspec import Struct, field
from msgspec.structs import asdict

from vibeguard.core.model.events import (
    CheckResults,
    CheckRetryScheduled,
    CheckStarted,
    CheckTerminationRequested,
    Event,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import (
    CANCELLED_FOR,
    SAME_SIGNAL_S,
    AttemptEnd,
    CheckState,
    Outcome,
    TerminationReason,
)
from vibeguard.core.scheduling.retry import retry_delay_ns
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import settled
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.ending_signals import is_like_one
from vibeguard.system.executors.base import (
    Accepted,
    Attempt,
    AttemptResult,
    AttemptSpec,
    Callbacks,
)
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.supervisor.attempt_events import (
    defect_of,
    extracted,
    finished,
    hang,
    submitted,
)
from vibeguard.system.supervisor.limits import Limits
from vibeguard.system.supervisor.support import Ended, Support

CLEAN_UP_BOUND_S = 5.0
FIRST_DELAY_S = 0.05  # until a start that was refused is tried again
LONGEST_DELAY_S = 1.0


class CheckTask(Struct, eq=False):
    """The task of one attempt: from the slot that the check was given until it settles or retries.

    `cancel` ends this check alone. A cancel of the whole run reaches the task through the nurseries
    as `trio.Cancelled`; the reason is in the State. `grace_ns` is the time from SIGTERM to SIGKILL,
    as things stand now. `record` writes an event, `step` carries out what follows from it, too.
    `waiting` is around whatever may be interrupted at this moment.
    """

    check: CheckRecord
    planned: PlannedCheck
    number: int
    support: Support
    scheduler: Scheduler
    grace_ns: int
    record: Callable[[Event], None]
    refuse: Callable[[CheckRecord, StartRefused], None]
    step: Callable[..., None]
    attempt: Attempt | None = None
    started: float = 0.0
    over_limit: bool = False
    cancelled: bool = False
    waiting: trio.CancelScope = field(default_factory=trio.CancelScope)

    async def run(self) -> None:
        """One attempt. Cancelling it ends its processes first, within a bound."""
        try:
            ended = await self._start_and_watch()
        except trio.Cancelled:
            if self.attempt is not None:  # ending it is shielded, and bounded in time
                await self._conclude(await self._end_cancelled(self.attempt))
            raise
        if ended is not None:
            await self._conclude(ended)

    def cancel(self) -> None:
        """End this check: stop whatever its task waits for, and end the attempt if one runs."""
        self.cancelled = True
        self.waiting.cancel()

    async def _start(self) -> Attempt | None:
        """The accepted attempt; None if it is not wanted any more, or was refused."""
        support, planned = self.support, self.planned
        callbacks = Callbacks(self._accepted, self._output_exceeded, self._terminating)
        try:
            await support.begin(planned)
            return await self.start_patiently(support.specify(planned, self.number), callbacks)
        except StartRefused as refusal:
            if self.check.state is not CheckState.SETTLED:
                self.refuse(self.check, refusal)
                self.step()
            return None

    async def start_patiently(
        self, specification: AttemptSpec, callbacks: Callbacks
    ) -> Attempt | None:
        """The started attempt; None when the check was cancelled, and so has settled, meanwhile.

        Where the system is short of something the start is tried again, with less parallelism.
        Raises StartRefused when the refusal is final, or was repeated too long.
        """
        remote, patience = specification.remote, self.support.patience
        if remote is not None and self.check.state is CheckState.QUEUED:  # else cancelled since
            self.record(submitted(remote))
        delay = FIRST_DELAY_S
        while self.check.state is not CheckState.SETTLED:
            try:
                attempt = await self.support.executor.start(specification, callbacks)
            except StartRefused as refusal:
                # EAGAIN, ENOMEM, EMFILE pass when something ends: fewer at once, not a failed run
                # (ADR 0007).
                patience.bear(refusal)
                degraded = self.scheduler.degraded(refusal.reason)
                if degraded is not None:
                    self.record(degraded)
            else:
                patience.renew()
                return attempt
            await trio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_S)
        return None

    def _accepted(self, accepted: Accepted) -> None:
        """The attempt runs: recorded in the same step as its start. Raises StartRefused."""
        if self.check.state is CheckState.SETTLED:
            raise StartRefused("the check was cancelled while it was being started")
        self.started = trio.current_time()
        self.record(
            CheckStarted(
                check=self.planned.id,
                attempt=self.number,
                pool=self.planned.pool,
                worker=accepted.worker,
                pid=accepted.pid,
            )
        )

    def _output_exceeded(self) -> None:
        """The output passed its limit or cannot be stored: stop waiting for the end, and end it."""
        self.over_limit = True
        self.waiting.cancel()

    def _terminating(self, reason: TerminationReason, signal: str) -> None:
        """Processes of this attempt are being told to end."""
        self.record(
            CheckTerminationRequested(
                check=self.planned.id, attempt=self.number, reason=reason, signal=signal
            )
        )

    async def _start_and_watch(self) -> Ended | None:
        """Start the attempt and wait for its end, which comes early when it breaks a limit.

        Slowness and silence are recorded meanwhile. Time limits are for the command: once it has
        exited its outcome stands, and the executor ends what it left behind within a bound. None
        when nothing was started.
        """
        attempt = limits = None
        while True:
            with self.waiting:
                if attempt is None:
                    self.attempt = attempt = await self._start()
                if attempt is None:
                    return None
                limits = limits or Limits(self.planned, self.number, self.started)
                if not attempt.exited:
                    self.waiting.deadline = limits.next_deadline(attempt)
                if not self.over_limit:
                    return Ended(await attempt.wait())
            if attempt is None or limits is None:  # cancelled before it started
                return None
            if self.cancelled:
                return await self._end_cancelled(attempt)
            reason = self._broken_limit(limits, attempt)
            if reason is not None:
                return Ended(await self._end(attempt, reason), reason)
            self.waiting = trio.CancelScope()

    def _broken_limit(self, limits: Limits, attempt: Attempt) -> TerminationReason | None:
        """The limit that the attempt has broken, if any; slowness and silence are recorded here."""
        if self.over_limit and attempt.struck is None:
            passed = attempt.output_exceeded
            return TerminationReason.OUTPUT_LIMIT if passed else TerminationReason.LOG_FAILURE
        now = trio.current_time()
        due = attempt.struck or (None if attempt.exited else limits.due(attempt, now))
        if isinstance(due, TerminationReason):
            silent_ns = round((now - attempt.last_output) * SECOND_NS)
            self.record(hang(self.planned, self.number, attempt, silent_ns))
            return due
        if due is not None:
            self.record(due)
        return None

    async def _end_cancelled(self, attempt: Attempt) -> Ended:
        """End what is left. An exit that was seen before the cancel keeps its outcome."""
        if attempt.exited:
            return Ended(await self._end(attempt, TerminationReason.LEAK))
        reason = TerminationReason.CANCEL if self.cancelled else TerminationReason.LOG_FAILURE
        if self.scheduler.state.cancel is not None:
            reason = TerminationReason(self.scheduler.state.cancel.reason)
        return Ended(await self._end(attempt, reason), reason)

    async def _end(self, attempt: Attempt, reason: TerminationReason) -> AttemptResult:
        """End the attempt's whole tree, shielded from cancellation and bounded."""
        grace_ns = self.grace_ns
        self._terminating(reason, "SIGTERM" if grace_ns else "SIGKILL")
        bound = grace_ns / SECOND_NS + CLEAN_UP_BOUND_S
        with trio.move_on_after(bound, shield=True):
            return await attempt.terminate(grace_ns)
        return AttemptResult(end=AttemptEnd.LOST, error="its end could not be confirmed in time")

    async def _conclude(self, ended: Ended) -> None:
        """The attempt is over: its slot is free, and its outcome is to be found."""
        self.attempt = None
        lasted_ns = round((trio.current_time() - self.started) * SECOND_NS)
        self.record(finished(self.planned, self.number, ended.result, lasted_ns))
        self.support.keep(self.planned, self.number, ended.result)
        defect = defect_of(self.check, ended.result)
        lost = ended.result.end is AttemptEnd.LOST and ended.struck is None
        if lost and self.check.lost <= self.planned.retry_lost and not self._is_cancelled:
            await self._back_off()
        elif defect is not None:
            self.step(defect)
        elif ended.struck is not None and ended.struck in CANCELLED_FOR:
            self.step(self.scheduler.cancelled(self.planned.id, ended.struck))
        else:
            await self._judge(ended)

    async def _judge(self, ended: Ended) -> None:
        """Find the outcome of the attempt, then settle the check or schedule a retry."""
        planned, number = self.planned, self.number
        if ended.struck is None and is_like_one(ended.result.exit_code, ended.result.signal):
            # Who stops everything may have reached the check first: its signal to this run shall
            # still find it going on, and decide its verdict.
            with trio.move_on_after(SAME_SIGNAL_S, shield=True):
                await trio.sleep_forever()
        with trio.CancelScope() as self.waiting:
            if self.cancelled:  # while the attempt was being ended
                self.waiting.cancel()
            judgement = await self.support.judge(planned, number, ended, self.step)
        if judgement.findings is not None:
            found = asdict(judgement.findings)
            self.record(CheckResults(check=planned.id, attempt=number, **found))
        failed = (
            judgement.outcome in (Outcome.FAILED, Outcome.TIMEOUT) and not judgement.changed_files
        )
        attempts = number - self.check.lost
        if failed and attempts <= planned.retries and not self._is_cancelled:
            await self._back_off()
            return
        if planned.grok or planned.assertion:
            self.record(extracted(planned, number, judgement))
        self.step(
            settled(
                self.check,
                judgement.outcome,
                judgement.reason,
                detail=judgement.detail,
                excerpt=judgement.excerpt,
                tail=judgement.tail,
            )
        )

    @property
    def _is_cancelled(self) -> bool:
        return self.cancelled or self.scheduler.state.cancel is not None

    async def _back_off(self) -> None:
        """Wait, without slot and group, until the next attempt may be queued."""
        scheduler, check, number = self.scheduler, self.planned.id, self.number + 1
        delay_ns = retry_delay_ns(scheduler.settings.jitter_seed, check, number)
        self.step(CheckRetryScheduled(check=check, attempt=number, delay_ns=delay_ns))
        with trio.CancelScope() as self.waiting:
            await trio.sleep(delay_ns / SECOND_NS)
        if self.check.state is CheckState.BACKOFF:
            self.step(scheduler.next_attempt(check))
