"""The supervisor as its front knows it: orders to it, reports from it, and its process."""

import contextlib
import os
import signal

from vibeguard.system.channel import Failed, LayingOut, Order, ReportReader, Sealed, Started, send
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.front.early import Supervisor
from vibeguard.system.front.loop import Loop
from vibeguard.system.process.exits import ExitStatus, reap
from vibeguard.system.process.sweep import LAST_SWEEP_S, kill_descendants

LONGEST_TURN_S = 0.25
LOOK_PERIOD_S = 0.01  # where the supervisor's exit announces itself by nothing
LAST_LOOK_S = 0.1


class SupervisorLink:
    """What the supervisor has said so far, and the means to tell it something or to end it.

    `lost` is set when it died before it said how the run ended; nothing of the run is left then.
    `ended_by` is the signal that did it, where that was seen.
    """

    def __init__(self, supervisor: Supervisor, loop: Loop) -> None:
        self.lays_out = False  # what is staged, before the run begins
        self.started: Started | None = None
        self.sealed: Sealed | None = None
        self.failed: Failed | None = None
        self.lost = False
        self.ended_by = ""
        self.guarded_here = supervisor.guarded_here
        self._supervisor = supervisor
        self._loop = loop
        self._reader = ReportReader(supervisor.reports)
        self._reaped = False
        loop.watch(supervisor.reports, self._read_reports)

    @property
    def death(self) -> str:
        """How it was lost, as far as that was seen."""
        by = self.ended_by
        limit = " (sent at a limit of CPU time: ulimit -t)" if by == "SIGXCPU" else ""
        return f"the supervisor was ended by {by}{limit}" if by else "the supervisor died"

    def order(self, order: Order) -> None:
        """Tell the supervisor something; harmless when it is ending."""
        with contextlib.suppress(BrokenPipeError):  # its pipe tells how it ended
            send(self._supervisor.orders, order)

    def wake(self) -> None:
        """Let it go on if a check has stopped it; what runs is not disturbed."""
        if self.guarded_here and not self._reaped:
            with contextlib.suppress(OSError):  # it has gone; a sandbox refuses signals
                os.kill(self._supervisor.guardian, signal.SIGCONT)

    def give_up(self) -> None:
        """It does not answer (somebody has stopped it): end it and the run, unless it has sealed.

        With a guardian of its own only this command ends, and what has not become a run yet.
        """
        if self.sealed is None and self.guarded_here:
            os.kill(self._supervisor.guardian, signal.SIGKILL)
        elif self.sealed is None:
            if self.started is None:
                os.kill(self._supervisor.guardian, signal.SIGTERM)
                _reap_soon(self._supervisor.guardian, LAST_SWEEP_S)
            self.lost = True

    def watch_end(self) -> float:
        """Have the supervisor's exit end a turn of the loop; how long a turn may take (seconds)."""
        if not self.guarded_here:
            return LONGEST_TURN_S
        try:
            descriptor = os.pidfd_open(self._supervisor.guardian)
        except (AttributeError, OSError):  # another system than Linux; reaped by now
            return LOOK_PERIOD_S
        self._loop.watch(descriptor, lambda: self._loop.forget(descriptor))
        return LONGEST_TURN_S

    def is_ending(self, bound: float) -> bool:
        """Whether a supervisor that is guarded here still is, until `bound` (monotonic seconds)."""
        if self.guarded_here and not self._reaped:
            try:
                finished, _ = os.waitpid(self._supervisor.guardian, os.WNOHANG)
                self._reaped = finished != 0
            except ChildProcessError:
                self._reaped = True  # with everything that it left behind
        return self.guarded_here and not self._reaped and monotonic_s() < bound

    def end_leftovers(self) -> None:
        """End what a supervisor that failed had no means left to end."""
        if self.failed is not None and self._reaped:
            kill_descendants()

    def _read_reports(self) -> None:
        reports = self._reader.read()
        if reports is None:
            self._loop.forget(self._supervisor.reports)
            if self.sealed is None and self.failed is None:
                self._lose()
            return
        for report in reports:
            if isinstance(report, Started):
                self.started = report
            elif isinstance(report, LayingOut):
                self.lays_out = True
            elif isinstance(report, Sealed):
                self.sealed = report
            else:
                self.failed = report

    def _lose(self) -> None:
        """It has died: nothing of the run may outlive it."""
        self.lost = True
        if self.guarded_here:
            self.ended_by = self._signal_that_ended_it()
            kill_descendants()

    def _signal_that_ended_it(self) -> str:
        """Its pipe closes a moment before its end can be seen; empty for any other end."""
        status = _reap_soon(self._supervisor.guardian, LAST_LOOK_S)
        self._reaped = status is not None
        return "" if status is None else status.signal


def _reap_soon(pid: int, bound_s: float) -> ExitStatus | None:
    """Reap a child that is about to end; None where it takes longer."""
    bound = monotonic_s() + bound_s
    while (status := reap(pid)) is None and monotonic_s() < bound:
        sleep_s(LOOK_PERIOD_S / 10)
    return status
