"""One local attempt: from its leader's start until nothing of its tree is left."""

from collections.abc import Callable

import trio
from msgspec import Struct

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import AttemptEnd, LeakPolicy, TerminationReason
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.process import exits, proc, process_tree
from vibeguard.system.process.attempt_tree import AttemptGroup, AttemptTree
from vibeguard.system.process.ending import Ending
from vibeguard.system.process.exits import UNKNOWN, ExitStatus, OwnPeak
from vibeguard.system.process.orphans import Claim, Orphans, mark_in
from vibeguard.system.process.output import OutputFile, StoredOutput
from vibeguard.system.process.pump import Pump
from vibeguard.system.process.reactor import Reactor
from vibeguard.system.process.spawn import Child
from vibeguard.system.process.stopwatch import Stopwatch

TRACER_LOOK_S = 0.01


class Shared(Struct, frozen=True):
    """What all attempts of one executor have in common. No cancel from outside reaches `tasks`."""

    tasks: trio.Nursery
    reactor: Reactor
    orphans: Orphans
    own_peak: OwnPeak
    over: Callable[["LocalAttempt"], None]


class LocalAttempt:
    """One accepted attempt on this machine.

    While it runs, the reactor moves its output and learns of its leader's exit. Only the end of a
    tree that does not end with its leader takes a task, which no caller's cancellation reaches.
    """

    def __init__(
        self,
        spec: AttemptSpec,
        child: Child,
        stored: OutputFile,
        shared: Shared,
        callbacks: Callbacks,
    ) -> None:
        self._spec = spec
        self._leader = child.leader
        self._shared = shared
        self._terminating = callbacks.terminating
        self._stopwatch = Stopwatch()
        claim = Claim(leader=child.leader.pid, mark=mark_in(spec.environment), pipe=child.output)
        shared.orphans.claim(claim)
        of_this_system = AttemptTree if proc.is_available() else AttemptGroup
        self._tree = of_this_system(claim, shared.orphans)
        self._pump = Pump(child.output, stored, shared.reactor, callbacks.output_exceeded)
        self._ending: Ending | None = None
        self._status = UNKNOWN
        self._sampled_peak = 0
        self._finished = trio.Event()
        self._result: AttemptResult | None = None
        shared.reactor.watch(self._leader.descriptor, self._leader_exited)

    @property
    def output_bytes(self) -> int:
        """How much is stored so far."""
        return self._pump.stored.stored_bytes

    @property
    def last_output(self) -> float:
        """Trio time of the last output, or of the start."""
        return self._pump.last_output

    @property
    def output_exceeded(self) -> bool:
        """Whether the output has passed its limit."""
        return self._pump.stored.exceeded

    @property
    def struck(self) -> TerminationReason | None:
        """No limit but those of the run's own clock."""
        return None

    @property
    def exited(self) -> bool:
        """Whether the leader's exit has been observed."""
        return self._tree.leader_gone

    @property
    def active_ns(self) -> int:
        """How long it has run, pauses left out."""
        return self._stopwatch.active_ns()

    @property
    def goes_on_reading(self) -> bool:
        """Whether leftovers that may go on running still have somebody to read what they write."""
        return self._tree.claim.released

    async def wait(self) -> AttemptResult:
        """Wait until the attempt is over. Cancelling leaves it running."""
        while self._result is None:
            await self._finished.wait()
        return self._result

    async def terminate(self, grace_ns: int) -> AttemptResult:
        """SIGTERM to the tree, the grace, SIGKILL until nothing is left; see the protocol."""
        self.request_end(grace_ns)
        return await self.wait()

    def request_end(self, grace_ns: int) -> None:
        """Have the tree ended, or its end hurried, without waiting for it."""
        if self._result is not None:
            return
        if self._ending is None:
            self._ending = Ending(self._tree)
            self._shared.tasks.start_soon(self._end, self._ending)
        self._ending.request(grace_ns / 1e9)

    def processes(self) -> tuple[ProcessReport, ...]:
        """What the attempt's processes are doing at this moment."""
        return () if self._result is not None else self._tree.full_reports()

    def last_lines(self) -> tuple[str, ...]:
        """The last few lines of output so far."""
        self._pump.drain()
        return self._pump.stored.last_lines()

    def pause(self) -> None:
        """Stop the tree and the count of active time."""
        self._tree.pause()
        self._stopwatch.pause()

    def resume(self) -> None:
        """Let the tree go on."""
        self._tree.resume()
        self._stopwatch.resume()

    def sample_memory(self) -> None:
        """Look at the peaks of the processes that are alive now."""
        peak = exits.largest_peak_bytes(identity.pid for identity in self._tree.alive())
        self._sampled_peak = max(self._sampled_peak, peak)

    def close(self) -> None:
        """Stop reading what leftovers of a finished attempt still write."""
        self._pump.close()

    def _leader_exited(self) -> None:
        """The exit of the leader is all that is waited for, never the end of the output."""
        status = self._leader.reap()
        if status is not None:
            self._exited_with(status)
            return
        stat = process_tree.stat_of(self._leader.pid)
        if stat is not None and stat.is_dead:
            self._traced()

    def _traced(self) -> None:
        """The leader has ended, but one of its own traces it and has its status first (ptrace(2)).

        That one is a leftover like any other. Once it has gone, the status is ours.
        """
        self._shared.reactor.unwatch(self._leader.descriptor)
        self._shared.tasks.start_soon(self._reap_after_its_tracer)
        if self._ending is None and self._spec.leaks is not LeakPolicy.IGNORE:
            self._begin_to_end_leak()

    async def _reap_after_its_tracer(self) -> None:
        while (status := self._leader.reap()) is None:  # noqa: ASYNC110 - nothing announces it
            await trio.sleep(TRACER_LOOK_S)
        self._exited_with(status)

    def _exited_with(self, status: ExitStatus) -> None:
        self._status = status
        self._tree.leader_gone = True
        self._shared.orphans.leader_reaped(self._tree.claim)
        self._shared.reactor.unwatch(self._leader.descriptor)
        self._leader.close()
        self._pump.drain()
        if self._ending is not None:
            self._ending.notify()
        elif self._tree.is_gone():
            self._finish()
        elif self._spec.leaks is LeakPolicy.IGNORE:
            self._let_go()
        else:
            self._begin_to_end_leak()

    def _begin_to_end_leak(self) -> None:
        """What the leader left behind is ended, unless it ends in time."""
        self._ending = Ending(self._tree)
        self._shared.tasks.start_soon(self._end_leak, self._ending)

    async def _end(self, ending: Ending) -> None:
        await ending.run()
        self._finish()

    async def _end_leak(self, ending: Ending) -> None:
        await ending.run_leak(
            self._spec.leak_grace_ns / 1e9,
            lambda: self._terminating(TerminationReason.LEAK, "SIGTERM"),
        )
        self._finish()

    def _let_go(self) -> None:
        """`leaks: ignore`: the attempt is over, and what it left behind goes on."""
        leaked = self._tree.reports()
        self._tree.claim.released = True
        self._conclude(self._pump.finish(goes_on_reading=True), leaked=leaked)

    def _finish(self) -> None:
        if self._ending is not None and self._ending.unkillable:
            self._shared.orphans.give_up(self._tree.alive())
        self._conclude(self._pump.finish(), leaked=self._ending.leaked if self._ending else ())

    def _conclude(self, stored: StoredOutput, *, leaked: tuple[ProcessReport, ...]) -> None:
        """Make the result, and tell of it in the same step."""
        self._shared.orphans.withdraw(self._tree.claim)
        self._result = self._make_result(stored, leaked)
        self._finished.set()
        self._shared.over(self)

    def _make_result(
        self, stored: StoredOutput, leaked: tuple[ProcessReport, ...]
    ) -> AttemptResult:
        status, claim = self._status, self._tree.claim
        ending = self._ending or Ending(self._tree)
        lost = status is UNKNOWN and not ending.unkillable
        took = 0.0 if ending.started is None else trio.current_time() - ending.started
        return AttemptResult(
            end=AttemptEnd.LOST if lost else AttemptEnd.EXITED,
            exit_code=status.exit_code,
            signal=status.signal,
            elapsed_ns=self._stopwatch.elapsed_ns(),
            active_ns=self._stopwatch.active_ns(),
            cpu_user_ns=status.cpu_user_ns + claim.cpu_user_ns,
            cpu_system_ns=status.cpu_system_ns + claim.cpu_system_ns,
            max_rss_bytes=self._peak_memory(status),
            output_bytes=self._pump.stored.stored_bytes,
            output_sha256=stored.sha256,
            output_file=stored.identity,
            leaked=leaked,
            error="another part of the process took the exit status" if lost else "",
            output_error=self._pump.stored.error,
            survivors=ending.survivors,
            unkillable=ending.unkillable,
            swept=self._tree.count_swept(),
            termination_ns=round(took * 1e9),
        )

    def _peak_memory(self, status: ExitStatus) -> int | None:
        if self._shared.own_peak.is_exceeded_by(status.max_rss_bytes):
            return status.max_rss_bytes
        return self._sampled_peak or None
