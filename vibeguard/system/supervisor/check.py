"""One check's life: line up, start, watch its limits, end, judge, try again or settle."""

import math

import trio

from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckIdle,
    CheckRetryScheduled,
    CheckSlow,
    CheckStarted,
    CheckTerminationRequested,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import AttemptEnd, Outcome, Reason, TerminationReason
from vibeguard.core.scheduling.retry import retry_delay_ns
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.executors.base import Accepted, Attempt, AttemptResult, StartRefused
from vibeguard.system.supervisor.limits import Limits
from vibeguard.system.supervisor.starting import start_patiently
from vibeguard.system.supervisor.work import Settlement, Work

CLEAN_UP_BOUND_S = 5.0


class CheckLife:
    """What one check does from the first slot that it is granted until it settles, in `live`.

    `granted` is there from the first retry on: the task waits for its next turn then.
    `cancelled_alone` is set before the task is interrupted for this check alone; a cancel of the
    whole run comes from outside, and `work` knows why.
    """

    def __init__(self, planned: PlannedCheck, work: Work) -> None:
        self.planned = planned
        self.granted: trio.Event | None = None
        self.running = False
        self.settled = False
        self.cancelled_alone = False
        self.number = 0
        self.attempt: Attempt | None = None
        self._work = work
        self._started = 0.0
        self._over_limit = False
        # Around whatever may be interrupted at this moment.
        self._waiting: trio.CancelScope | None = None

    async def live(self) -> None:
        """Until the check has settled. Cancelling it ends its processes first, within a bound."""
        while not self.settled:
            await self._attempt()
            if self.granted is not None:
                await self.granted.wait()

    def interrupt(self) -> None:
        """Stop waiting for the attempt, or between two: the check has been cancelled alone."""
        if self._waiting is not None:
            self._waiting.cancel()

    async def pause(self, seconds: float) -> None:
        """Sleep, unless the check is interrupted."""
        with trio.CancelScope() as self._waiting:
            await trio.sleep(seconds)

    async def _attempt(self) -> None:
        """One attempt, from the slot that it was granted to a settlement or the next try."""
        self._over_limit = False
        try:
            attempt = await start_patiently(self._work, self)
        except StartRefused as refusal:
            if not self.settled:  # it may have been cancelled while the start took its time
                self.refused(refusal)
            # Nothing was waited for: thousands of these in one task would keep all others waiting.
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        if attempt is None:
            return
        self.attempt = attempt
        try:
            watched = await self._watch_over(attempt)
        except trio.Cancelled:
            await self._cancelled(attempt)
            raise
        if watched is None:
            await self._cancelled(attempt)
            return
        result, struck = watched
        self._finished(result)
        await self._judge(result, struck)

    async def _cancelled(self, attempt: Attempt) -> None:
        """End what is left. An exit that was seen before the cancel keeps its outcome."""
        if attempt.exited:
            result = await self._end(attempt, TerminationReason.LEAK)
            self._finished(result)
            await self._judge(result, None)
            return
        struck = self._work.reason_to_end(self)
        result = await self._end(attempt, struck)
        self._finished(result)
        self._settle_ended(result, struck)

    def accepted(self, accepted: Accepted) -> None:
        """The attempt runs: recorded in the same step as its start. Raises StartRefused."""
        if self.settled:
            raise StartRefused("the check was cancelled while it was being started")
        self.running = True
        self._started = trio.current_time()
        self._work.record(
            CheckStarted(
                check=self.planned.id,
                attempt=self.number,
                pool=self.planned.pool,
                worker=accepted.worker,
                pid=accepted.pid,
            )
        )

    def refused(self, refusal: StartRefused) -> None:
        """The attempt cannot be started: an error, never a pass."""
        self._work.record(
            CheckAttemptFinished(
                check=self.planned.id,
                attempt=self.number,
                end=AttemptEnd.REFUSED,
                error=refusal.reason,
            )
        )
        self._work.attempt_over(self, None)
        self._work.settle(
            self, Settlement(Outcome.ERROR, Reason.NOT_STARTABLE, detail=refusal.reason)
        )

    def output_exceeded(self) -> None:
        """The output passed its limit or cannot be stored: stop waiting for the attempt, end it."""
        self._over_limit = True
        self.interrupt()

    def terminating(self, reason: TerminationReason, signal: str) -> None:
        """Processes of this attempt are being told to end."""
        self._work.record(
            CheckTerminationRequested(
                check=self.planned.id, attempt=self.number, reason=reason, signal=signal
            )
        )

    async def _watch_over(
        self, attempt: Attempt
    ) -> tuple[AttemptResult, TerminationReason | None] | None:
        """Wait for the end; note slowness and silence; end what breaks a limit.

        Time limits are the command's: once it has exited, what it left behind is ended without
        them, within a bound, and its outcome stands.

        None when the check was cancelled alone, and its attempt is to be ended.
        """
        limits = Limits(self.planned, self._started)
        while True:
            deadline = math.inf if attempt.exited else limits.next_deadline(attempt)
            with trio.CancelScope(deadline=deadline) as self._waiting:
                if not self._over_limit and not self.cancelled_alone:
                    return await attempt.wait(), None
            if self.cancelled_alone:
                return None
            reason = self._struck(limits, attempt)
            if reason is not None:
                return await self._end(attempt, reason), reason

    def _struck(self, limits: Limits, attempt: Attempt) -> TerminationReason | None:
        """What is due at this moment: a limit that ends the attempt, or only news of it."""
        if self._over_limit:
            passed = attempt.output_exceeded
            return TerminationReason.OUTPUT_LIMIT if passed else TerminationReason.LOG_FAILURE
        if attempt.exited:
            return None
        due = limits.due(attempt, trio.current_time())
        check, number = self.planned.id, self.number
        if due.terminate is not None:
            self._work.record(
                CheckHang(
                    check=check,
                    attempt=number,
                    processes=attempt.processes(),
                    silent_ns=due.silent_ns,
                    last_lines=attempt.last_lines(),
                )
            )
        elif due.slow:
            self._work.record(CheckSlow(check=check, attempt=number, elapsed_ns=due.elapsed_ns))
        elif due.idle:
            self._work.record(
                CheckIdle(
                    check=check, attempt=number, elapsed_ns=due.elapsed_ns, idle_ns=due.silent_ns
                )
            )
        return due.terminate

    async def _end(self, attempt: Attempt, reason: TerminationReason) -> AttemptResult:
        """End the attempt's whole tree, shielded from cancellation and bounded."""
        grace_ns = self._work.grace_ns
        self.terminating(reason, "SIGTERM" if grace_ns else "SIGKILL")
        bound = grace_ns / SECOND_NS + CLEAN_UP_BOUND_S
        with trio.move_on_after(bound) as clean_up:
            clean_up.shield = True
            return await attempt.terminate(grace_ns)
        return AttemptResult(end=AttemptEnd.LOST, error="its end could not be confirmed in time")

    def _finished(self, result: AttemptResult) -> None:
        """Record the end of the attempt and free its slot, in one step.

        Trio's time may know of more pauses than the executor: a stop of the supervisor itself.
        """
        self.attempt = None
        lived_ns = round((trio.current_time() - self._started) * SECOND_NS)
        self._work.record(
            CheckAttemptFinished(
                check=self.planned.id,
                attempt=self.number,
                end=result.end,
                exit_code=result.exit_code,
                signal=result.signal,
                elapsed_ns=max(result.elapsed_ns, result.active_ns),
                active_ns=min(result.active_ns, lived_ns),
                cpu_user_ns=result.cpu_user_ns,
                cpu_system_ns=result.cpu_system_ns,
                max_rss_bytes=result.max_rss_bytes,
                output_path=self._work.output_name(self.planned, self.number),
                output_bytes=result.output_bytes,
                output_sha256=result.output_sha256,
                survivors=result.survivors,
                leaked=result.leaked,
                unkillable=result.unkillable,
                swept=result.swept,
                termination_ns=result.termination_ns,
                error=result.error or result.output_error,
            )
        )
        self._work.attempt_over(self, result)

    def _settle_ended(self, result: AttemptResult, reason: TerminationReason) -> None:
        """The check was cancelled while it ran."""
        defect = _defect(result)
        if defect is not None:
            self._work.settle(self, defect)
        else:
            self._work.settle(self, self._work.cancelled_settlement(reason))

    async def _judge(self, result: AttemptResult, struck: TerminationReason | None) -> None:
        """Decide by what it left: an exit that was observed keeps its outcome."""
        defect = _defect(result)
        if defect is not None:
            self._work.settle(self, defect)
            return
        judgement = await self._work.judge(self.planned, self.number, result, struck)
        outcome, reason = judgement.outcome, judgement.reason
        if outcome in (Outcome.FAILED, Outcome.TIMEOUT) and self._may_retry():
            await self._back_off()
            return
        self._extracted(judgement)
        self._work.settle(
            self,
            Settlement(
                outcome,
                reason,
                detail=judgement.detail,
                excerpt=judgement.excerpt,
                tail=judgement.tail,
            ),
        )

    def _extracted(self, judgement: Judgement) -> None:
        """Record what the last attempt's output gave, if the config asks for anything."""
        if self.planned.grok or self.planned.assertion:
            self._work.record(
                CheckExtracted(
                    check=self.planned.id,
                    attempt=self.number,
                    values=judgement.values,
                    unmatched=judgement.unmatched,
                    assertion=self.planned.assertion,
                    assertion_result=judgement.assertion_result,
                )
            )

    def _may_retry(self) -> bool:
        cancelled = self._work.cancelling or self.cancelled_alone
        return self.number <= self.planned.retries and not cancelled

    async def _back_off(self) -> None:
        """Free of slot and group, wait until the next attempt may line up."""
        delay_ns = retry_delay_ns(self._work.jitter_seed, self.planned.id, self.number + 1)
        self.running = False
        self._work.record(
            CheckRetryScheduled(check=self.planned.id, attempt=self.number + 1, delay_ns=delay_ns)
        )
        self._work.give_out_slots()
        await self.pause(delay_ns / SECOND_NS)
        if not self.settled:
            self.granted = trio.Event()
            self._work.line_up(self)


def _defect(result: AttemptResult) -> Settlement | None:
    """Ends that cannot be judged: lost, unkillable, or with an output that was not stored."""
    if result.end is AttemptEnd.LOST:
        return Settlement(Outcome.ERROR, Reason.LOST, detail=result.error)
    if result.unkillable:
        names = ", ".join(f"{p.pid} {p.command}" for p in result.unkillable)
        return Settlement(Outcome.ERROR, Reason.UNKILLABLE, detail=names)
    if result.output_error:
        return Settlement(Outcome.ERROR, Reason.OUTPUT_LOST, detail=result.output_error)
    return None
