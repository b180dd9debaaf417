"""A run: records events, feeds the scheduler, and carries out the moves that it names.

It decides nothing by itself. What comes next is `core.scheduling.scheduler`'s to say, where a check
stands is in the State, and what an attempt does is its task's (`check`). What `run` returns has the
exit code: it is recorded as `run.finished`.
"""

from typing import TYPE_CHECKING

import trio

from vibeguard.core.fold.verdict import Ruling, outranks, verdict_of
from vibeguard.core.model.events import (
    CheckSettled,
    Event,
    FrontierAdvanced,
    RunCancelRequested,
    RunPaused,
    RunResumed,
)
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import (
    CANCEL_EXIT_CODES,
    SIGNAL_EXIT_CODES,
    CancelReason,
    CheckState,
    Outcome,
)
from vibeguard.core.problems import LogWriteError
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Start
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import reused
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.supervisor.attempt_events import refuse
from vibeguard.system.supervisor.check import CheckTask
from vibeguard.system.supervisor.groups import Groups, wait_released
from vibeguard.system.supervisor.nurseries import Frontiers
from vibeguard.system.supervisor.recorder import Recorder
from vibeguard.system.supervisor.run_clock import RunClock
from vibeguard.system.supervisor.support import Support

if TYPE_CHECKING:
    from vibeguard.system.supervisor.reusing import Reusing


class Run:
    """Runs the plan that `recorder` has recorded.

    Every method but `run` is one synchronous step.
    """

    def __init__(
        self,
        *,
        support: Support,
        recorder: Recorder,
        clock: RunClock,
        groups: Groups,
        reusing: "Reusing | None" = None,
    ) -> None:
        self.recorder = recorder
        self.state = recorder.state
        self.scheduler = Scheduler(recorder.state, reusing.checks if reusing else ())
        self._support = support
        self._grace_ns = self.scheduler.settings.grace_ns  # from SIGTERM to SIGKILL, as of now
        self._clock = clock
        self._groups = groups
        self._reusing = reusing
        self._began = False
        self._work = trio.CancelScope()  # a task in it ends its processes, settles, and goes
        self._tasks: dict[str, CheckTask] = {}  # of checks that have been given a slot
        recorder.failed = self._log_failed

    async def run(self) -> Ruling:
        """Run the plan until every check has settled (or the log has failed): what it comes to.

        The foreground's nursery is the inner one: it is over when no check is left in it, however
        long the background takes.
        """
        with self._work:
            async with trio.open_nursery() as background, trio.open_nursery() as foreground:
                self._background = background
                self._frontiers = Frontiers(background, foreground)
                self._began = True
                self.step()
        return verdict_of(self.state)

    # What is asked from outside: by the front, by signals, by requests.

    @property
    def over(self) -> bool:
        """Whether every check has settled."""
        return self.state.settled == len(self.state.checks)

    @property
    def paused(self) -> bool:
        """Whether every check and every limit stands still."""
        return self.state.paused_since is not None and self.recorder.failure is None

    def cancel(self, reason: CancelReason, *, by: str = "") -> None:
        """Cancel the whole run; `by` names a signal.

        What does not run settles in the next `step`; what runs is cancelled by its scope, and its
        task ends the processes before it settles. `verdict_of` takes the exit code from the
        request.
        """
        if self._request_cancel(reason, by):
            self.step()

    def cancel_check(self, check: str) -> None:
        """Cancel one check: what runs ends its processes and settles, all else settles now."""
        record = self.state.checks.get(check)
        if record is None or record.state is CheckState.SETTLED:
            return
        task = self._tasks.get(check)  # before the step, which forgets that of a settled check
        if record.state is not CheckState.RUNNING:
            self.step(self.scheduler.cancelled(check))
        if task is not None:  # whatever it waits for: its start, its end, its next attempt
            task.cancel()

    def kill(self, nursery: trio.Nursery) -> None:
        """No grace any more: what is being ended is killed now, by tasks in `nursery`.

        A pause ends by it: what outlives SIGKILL is looked for again and again, as time goes on.
        """
        self.resume()
        self._grace_ns = 0
        for task in self._tasks.values():
            task.grace_ns = 0
            if task.attempt is not None:
                nursery.start_soon(task.attempt.terminate, 0)

    def abandon(self, what: str) -> None:
        """The log is lost: end everything; nothing is recorded any more."""
        self.recorder.fail(LogWriteError(what))

    def pause(self) -> None:
        """Stop every check and every limit."""
        if not self.paused and not self.over and self.recorder.failure is None:
            self.record(RunPaused())
            if self.recorder.failure is None:  # else everything is being ended, which takes time
                self._support.executor.pause()
                self._clock.pause()

    def resume(self) -> None:
        """Let everything go on, and start what could not in the pause."""
        if self.paused:
            self._end_pause()
            if self._began:  # else there is no nursery to start anything in yet
                self.step()

    def _end_pause(self) -> None:
        self._support.executor.resume()
        self.record(RunResumed(paused_ns=self._clock.resume()))

    # The step: every transition of a run is made here, without a checkpoint.

    def step(self, *events: Event) -> None:
        """Record events and carry out all that follows from them, until nothing does."""
        for event in events:
            self.record(event)
        while self.recorder.failure is None and (move := self.scheduler.next_move()) is not None:
            match move:
                case Start(check):
                    self._start(self.state.checks[check])
                case EnterGroup(check, group):
                    self._enter_group(self.state.checks[check], group)
                case LeaveGroup(group):
                    self._groups.release(group)
                case LookUp(checks):
                    self._look_up(checks)
                case RunCancelRequested():
                    self._cancel(move)
                case _:
                    self.record(move)

    def record(self, event: Event) -> None:
        """Write, fold and feed one event; what follows from it waits for the next `step`."""
        self.recorder.record(event)
        if self.recorder.failure is not None:
            return
        self.scheduler.feed(event)
        if isinstance(event, FrontierAdvanced):
            checks = [self.state.checks[check] for check in event.checks]
            self._frontiers.open(event.number, checks)
        elif isinstance(event, CheckSettled):
            self._note_settled(self.state.checks[event.check])

    def _start(self, record: CheckRecord) -> None:
        """Give the check's attempt a task, in the nursery of its frontier."""
        task = CheckTask(
            record,
            record.planned,
            record.attempt,
            self._support,
            self.scheduler,
            self._grace_ns,
            self.record,
            self._refuse,
            self.step,
        )
        self._tasks[record.planned.id] = task
        self._frontiers.start(record, task.run)

    def _look_up(self, checks: tuple[str, ...]) -> None:
        """Settle those for which an earlier pass is known to stand; look for one for the rest."""
        unknown = tuple(check for check in checks if not self._reuse(check))
        if unknown:
            self._background.start_soon(self._find_passes, unknown)

    async def _find_passes(self, checks: tuple[str, ...]) -> None:
        if self._reusing is not None:
            await self._reusing.look_up(checks, self.state)
        for check in checks:
            if self.state.cancel is None and not self._reuse(check):
                self.scheduler.nothing_stands_for(check)
        self.step()

    def _reuse(self, check: str) -> bool:
        """Settle a ready check as reused; False where no pass is known to stand for it."""
        record = self.state.checks[check]
        found = self._reusing.decided(check) if self._reusing is not None else None
        if found is None or record.state is not CheckState.READY:
            return False
        for event in reused(record, found):
            self.record(event)
        return True

    def _note_settled(self, record: CheckRecord) -> None:
        """Forget its task, and what it contradicts; prove its pass.

        Both at once, of passes of earlier runs and of this: a run that is killed is never sealed.
        """
        check = record.planned.id
        self._tasks.pop(check, None)
        if record.frontier is not None:  # else the run may not even have begun
            self._frontiers.settle(record)
        if self._reusing is None:
            return
        self._reusing.forget_contradicted(record)
        if record.outcome is not Outcome.PASSED or self.state.cancel:
            return
        if self._reusing.note_passed(check):
            self._background.start_soon(self._reusing.prove, self.state)

    def _request_cancel(self, reason: CancelReason, by: str) -> bool:
        """Cancel, unless that comes too late; whether it does not. `step` has to follow."""
        exit_code = SIGNAL_EXIT_CODES.get(by, CANCEL_EXIT_CODES[reason])
        request = RunCancelRequested(reason=reason, by=by, exit_code=exit_code)
        wanted = not self.over and outranks(request, self.state.cancel)
        if wanted:
            self._cancel(request)
        return wanted

    def _cancel(self, request: RunCancelRequested) -> None:
        """Record and cancel in one step; on the disk at once, so that no crash takes it back."""
        if self.paused:
            self._end_pause()
        self.recorder.record_durably(request)
        self.scheduler.feed(request)
        self._work.cancel()

    def _enter_group(self, record: CheckRecord, group: str) -> None:
        """Take the group's lock; a check that cannot have it now waits for it without a slot."""
        try:
            if self._groups.acquire(group, record.planned.id):
                return
        except StartRefused as refusal:
            if not refusal.transient:
                self._refuse(record, refusal)
                return
        self.scheduler.block(record.planned.id)
        self._background.start_soon(self._wait_for_group, record)

    async def _wait_for_group(self, record: CheckRecord) -> None:
        try:
            await wait_released(self._groups, self._support.patience, record)
        except StartRefused as refusal:
            self._refuse(record, refusal)
        if record.state is not CheckState.SETTLED:
            self.scheduler.unblock(record.planned.id)
        self.step()

    def _refuse(self, record: CheckRecord, refusal: StartRefused) -> None:
        """Settle a check that was not started; the run ends where its disk took no file for it."""
        if refusal.unstored:
            self._request_cancel(CancelReason.LOG_FAILURE, refusal.reason)
        refuse(record, refusal, self.record)

    def _log_failed(self) -> None:
        """Nothing can be recorded any more: nothing may go on."""
        self._support.executor.resume()
        self._clock.resume()
        self._work.cancel()
