"""One attempt of a check under a tracer: started, limited and ended by the executor of runs.

The tracer's lines come through a FIFO, so nothing grows on the disk, and its end says that nothing
is traced any more (ADR 0142).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

import trio
from msgspec import Struct, field
from msgspec.structs import replace

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import TerminationReason
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.audit.tracer import tracer_command
from vibeguard.system.detach import close_inherited, in_a_child, leave_terminal
from vibeguard.system.ending_signals import ignore, not_ignored
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.executors.local import LocalExecutor, open_local_executor
from vibeguard.system.executors.local_attempt import LocalAttempt
from vibeguard.system.front.signals import EXIT_CODES, stop_here
from vibeguard.system.process import process_tree
from vibeguard.system.process.start_refused import StartRefused, refusal
from vibeguard.system.process.sweep import LAST_SWEEP_S, SWEEP_S, kill_descendants, sweep_marked
from vibeguard.system.supervisor.limits import Limits
from vibeguard.system.unexpected import try_to_wake

_TRACER: Final = "strace"
_TRACER_S: Final = 2.0  # what the tracer may take after the last process
_SHOW_S: Final = 0.1
_CHUNK: Final = 1 << 16


class Ended(Struct, frozen=True):
    """How it ended: what struck it (a limit in words, or a signal to us), if anything did."""

    result: AttemptResult
    limit: str = ""
    cancelled_by: signal.Signals | None = None


class TracedAttempt(Struct):
    """Runs an attempt once by the tracer `strace`.

    `on_line` gets each line that this writes, `on_output` what the check does.
    """

    spec: AttemptSpec
    planned: PlannedCheck
    grace_ns: int
    strace: str
    on_line: Callable[[bytes], None]
    on_output: Callable[[bytes], None]
    _signals: list[signal.Signals] = []
    _shown_bytes: int = 0
    _all_read: trio.Event = field(default_factory=trio.Event)

    def run(self) -> Ended:
        """Run it to its end, which is that of all its processes, even if we are killed.

        Raises StartRefused.
        """
        try_to_wake()
        path = f"{self.spec.output_path}.trace"
        spec = replace(self.spec, tracer=tracer_command(self.strace, path))
        with guarded(spec.run_id):
            os.mkfifo(path, 0o600)
            trace = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_CODES)
            try:
                ended = trio.run(self._run, spec, trace)
            finally:
                kill_descendants(SWEEP_S)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, EXIT_CODES)
                os.close(trace)
        self._show_output()
        if isinstance(ended, StartRefused):
            raise ended
        return ended

    async def _run(self, spec: AttemptSpec, trace: int) -> Ended | StartRefused:
        async with open_local_executor() as executor, trio.open_nursery() as nursery:
            try:
                attempt = await executor.start(spec, Callbacks())
            except StartRefused as refused:
                return refused
            nursery.start_soon(self._read_lines, trace, executor)
            nursery.start_soon(self._obey_signals, executor, attempt, nursery)
            nursery.start_soon(self._go_on_showing)
            result, limit = await self._end_of(attempt)
            with trio.move_on_after(_TRACER_S):
                await self._all_read.wait()
            nursery.cancel_scope.cancel()
        return Ended(result, limit, self._signals[0] if self._signals else None)

    async def _end_of(self, attempt: LocalAttempt) -> tuple[AttemptResult, str]:
        """How it ended, and the limit that it has reached, in words."""
        planned, limits = self.planned, Limits(self.planned, 1, trio.current_time())
        while not attempt.exited:
            with trio.move_on_at(limits.next_deadline(attempt)):
                return await attempt.wait(), ""
            due = None if attempt.exited else limits.due(attempt, trio.current_time())
            if due is TerminationReason.TIMEOUT:
                limit = f"timed out after {planned.timeout_ns / SECOND_NS:g} s"
                return await attempt.terminate(self.grace_ns), limit
            if due is TerminationReason.IDLE:
                limit = f"wrote nothing for {(planned.idle_timeout_ns or 0) / SECOND_NS:g} s"
                return await attempt.terminate(self.grace_ns), limit
        return await attempt.wait(), ""

    async def _read_lines(self, trace: int, executor: LocalExecutor) -> None:
        rest = b""
        await trio.lowlevel.wait_readable(trace)
        while data := os.read(trace, _CHUNK):
            # It has detached itself (-DDD), and ends after the last process that it traces.
            _spare_tracer(executor)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.on_line(line)
            await trio.lowlevel.wait_readable(trace)
        self._all_read.set()

    async def _go_on_showing(self) -> None:
        while True:
            await trio.sleep(_SHOW_S)
            self._show_output()

    def _show_output(self) -> None:
        with suppress(FileNotFoundError), open(self.spec.output_path, "rb") as output:
            output.seek(self._shown_bytes)
            while data := output.read(_CHUNK):
                self._shown_bytes += len(data)
                self.on_output(data)

    async def _obey_signals(
        self, executor: LocalExecutor, attempt: LocalAttempt, nursery: trio.Nursery
    ) -> None:
        """The first one that ends us ends the check, a second one kills it; Ctrl-Z stops both."""
        with trio.open_signal_receiver(signal.SIGTSTP, *not_ignored(EXIT_CODES)) as received:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, EXIT_CODES)
            async for number in received:
                if number == signal.SIGTSTP:
                    executor.pause()
                    stop_here()
                    executor.resume()
                    continue
                nursery.start_soon(attempt.terminate, 0 if self._signals else self.grace_ns)
                self._signals.append(signal.Signals(number))


def _spare_tracer(executor: LocalExecutor) -> None:
    for pid in process_tree.own_children():
        stat = process_tree.stat_of(pid)
        if stat is not None and stat.name == _TRACER:
            executor.spare(pid)


# The guardian: a process that outlives an audit which is killed, and ends what it had started.
# It is nobody's child that the audit looks at: its parent goes at once. It knows the processes of
# the check by the mark in their environment, as the next command in a folder knows leftovers.

_OVER: Final = b"."


@contextmanager
def guarded(run_id: str) -> Iterator[None]:
    """While this process lives in here, what bears the mark of `run_id` is its own business.

    To be entered before it is a subreaper. Raises StartRefused where the system gives no process.
    """
    try:
        reader, writer = os.pipe()
        pid = in_a_child(partial(_begin_guardian, run_id, reader))
    except OSError as error:
        raise refusal(error, "the process that guards it") from error
    os.close(reader)
    os.waitpid(pid, 0)
    try:
        yield
        with suppress(BrokenPipeError):  # killed: then nobody is left who could sweep
            os.write(writer, _OVER)
    finally:
        os.close(writer)


def _begin_guardian(run_id: str, reader: int) -> None:
    in_a_child(partial(_guard, run_id, reader))


def _guard(run_id: str, reader: int) -> None:
    """Wait for the word that all is over; where it does not come, SIGKILL to what is left."""
    leave_terminal(b"vg-guardian")
    ignore()  # who ends the audit does not mean this
    close_inherited({reader})
    if os.read(reader, 1) != _OVER:
        sweep_marked((run_id,), LAST_SWEEP_S)
