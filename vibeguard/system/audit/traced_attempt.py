"""One attempt of a check under a tracer: started as a run would, limited, read and ended.

No Trio: one loop waits for the check, its output, the tracer's lines and signals. The lines come
through a FIFO, so nothing grows on the disk, and its end says that nothing is traced any
more (ADR 0142).
"""

import os
import select
import signal
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from vibeguard.system.audit.guardian import guarded
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.signals import EXIT_CODES, Signals, stop_here, take_over_signals
from vibeguard.system.process import process_tree
from vibeguard.system.process.exits import ExitStatus
from vibeguard.system.process.spawn import Child, Spawner, keep_descriptors_from_children
from vibeguard.system.process.sweep import SWEEP_S, kill_descendants

_TRACER: Final = "strace"
_TRACER_S: Final = 2.0  # what the tracer may take after the last process
_LOOK_S: Final = 0.005
_CHUNK: Final = 1 << 16


class Order(Struct, frozen=True):
    """What to start, and its limits in seconds; `idle_s` is None for no such limit.

    `environment` has the mark of `run_id`.
    """

    run_id: str
    command: str
    shell: str
    cwd: str
    environment: Mapping[bytes, bytes]
    files: tuple[bytes, ...]
    tracer: tuple[bytes, ...]
    trace: str
    timeout_s: float
    idle_s: float | None
    grace_s: float
    leak_grace_s: float


class Ended(Struct, frozen=True):
    """How it ended: what struck it (a limit in words, or a signal to us), if anything did."""

    status: ExitStatus
    limit: str = ""
    cancelled_by: signal.Signals | None = None
    left_behind: bool = False


class TracedAttempt:
    """Runs an order once. `on_line` gets each line of the tracer, `on_output` what is written."""

    def __init__(
        self, order: Order, on_line: Callable[[bytes], None], on_output: Callable[[bytes], None]
    ) -> None:
        self._order = order
        self._on_line = on_line
        self._on_output = on_output
        self._status: ExitStatus | None = None
        self._limit = ""
        self._signal: signal.Signals | None = None
        self._left_behind = False
        self._rest = b""
        self._kill_at = float("inf")
        self._give_up_at = float("inf")

    def run(self) -> Ended:
        """Run it to its end, which is that of all its processes, even if we are killed.

        Raises StartRefused.
        """
        with guarded(self._order.run_id):
            return self._guarded()

    def _guarded(self) -> Ended:
        order = self._order
        process_tree.become_subreaper()
        keep_descriptors_from_children()
        os.mkfifo(order.trace, 0o600)
        trace = os.open(order.trace, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        spawner = Spawner()
        signals = take_over_signals()
        try:
            child = spawner.spawn(
                command=order.command,
                cwd=order.cwd,
                environment=order.environment,
                shell=order.shell,
                files=order.files,
                tracer=order.tracer,
            )
            self._loop(child, trace, signals)
        finally:
            kill_descendants(SWEEP_S)
            spawner.close()
            os.close(trace)
        status = self._status or child.leader.reap() or ExitStatus(None, "SIGKILL", 0, 0, 0)
        return Ended(status, self._limit, self._signal, self._left_behind)

    def _loop(self, child: Child, trace: int, signals: Signals) -> None:
        poll = select.poll()
        for descriptor in (child.leader.descriptor, child.output, trace, signals.descriptor):
            poll.register(descriptor, select.POLLIN)
        began = last_output = monotonic_s()
        exited = trace_over = False
        while True:
            now = monotonic_s()
            self._strike(began, last_output, now)
            if now >= self._give_up_at:
                return
            due = min(self._next_due(began, last_output), now + (_LOOK_S if exited else 60.0))
            ready = {d for d, _ in poll.poll(max((due - now) * 1000, 0))}
            if signals.descriptor in ready:
                signals.dispatch(self._signalled)
            if child.output in ready:
                last_output = monotonic_s()
                if not self._read_output(child.output):
                    poll.unregister(child.output)
            if child.leader.descriptor in ready:
                poll.unregister(child.leader.descriptor)
                exited = True
            if trace in ready and not self._read_trace(trace):
                poll.unregister(trace)
                exited = trace_over = True
            if exited and self._status is None:  # its tracer has the status first (ptrace(2))
                self._leader_ended(child)
            if trace_over and self._status is not None:
                self._read_output(child.output)
                return

    def _next_due(self, began: float, last_output: float) -> float:
        order = self._order
        if self._status is not None or self._kill_at < float("inf"):
            return min(self._kill_at, self._give_up_at)
        idle = float("inf") if order.idle_s is None else last_output + order.idle_s
        return min(began + order.timeout_s, idle)

    def _strike(self, began: float, last_output: float, now: float) -> None:
        """Carry out what is due: a limit, the end of a grace."""
        order = self._order
        if now >= self._kill_at:
            alive = process_tree.kill(self._roots)
            self._left_behind = self._left_behind or (self._status is not None and bool(alive))
            self._kill_at = float("inf")
            self._give_up_at = min(self._give_up_at, now + _TRACER_S)
        elif self._status is None and self._kill_at == self._give_up_at == float("inf"):
            if now >= began + order.timeout_s:
                self._end(f"timed out after {order.timeout_s:g} s")
            elif order.idle_s is not None and now >= last_output + order.idle_s:
                self._end(f"wrote nothing for {order.idle_s:g} s")

    def _signalled(self, number: signal.Signals) -> None:
        if number in EXIT_CODES:
            again = self._signal is not None
            self._signal = self._signal or number
            self._end("", grace_s=0.0 if again else self._order.grace_s)
        elif number == signal.SIGTSTP:
            stop_here()

    def _end(self, limit: str, grace_s: float | None = None) -> None:
        """SIGTERM to all of it now, SIGKILL after the grace."""
        self._limit = self._limit or limit
        for identity, stat in process_tree.with_descendants(self._roots()).items():
            if not stat.is_dead:
                process_tree.send(identity, signal.SIGTERM)
        grace = self._order.grace_s if grace_s is None else grace_s
        self._kill_at = min(self._kill_at, monotonic_s() + grace)

    def _leader_ended(self, child: Child) -> None:
        self._status = child.leader.reap()
        if self._status is not None:
            self._kill_at = min(self._kill_at, monotonic_s() + self._order.leak_grace_s)

    def _roots(self) -> list[int]:
        """The children of ours that are no tracer: that one ends after the last of them."""
        stats = [process_tree.stat_of(pid) for pid in process_tree.own_children()]
        return [stat.pid for stat in stats if stat is not None and stat.name != _TRACER]

    def _read_output(self, descriptor: int) -> bool:
        """Whether there may be more."""
        try:
            while data := os.read(descriptor, _CHUNK):
                self._on_output(data)
        except BlockingIOError:
            return True
        return False

    def _read_trace(self, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line)
        return bool(data)
