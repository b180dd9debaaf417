"""The executor of this machine: every attempt is a tree of processes below this one.

All attempts share one reactor and need no task of their own while they run; a task is started only
for an attempt whose tree does not end by itself. See docs/processes.md for the whole story.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.discovery.shells import SHELL
from vibeguard.system.executors.base import Accepted, AttemptSpec, Callbacks, open_output
from vibeguard.system.executors.local_attempt import LocalAttempt, Shared
from vibeguard.system.process import process_tree
from vibeguard.system.process.exits import OwnPeak
from vibeguard.system.process.orphans import Orphans
from vibeguard.system.process.output import OutputFile
from vibeguard.system.process.proc import Identity
from vibeguard.system.process.process_tree import Members
from vibeguard.system.process.reactor import Opening, Reactor, open_reactor
from vibeguard.system.process.spawn import Spawner, keep_descriptors_from_children
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.process.sweep import kill_found, sweep_marked

CLOSE_BOUND_S = 2.0
HOUSEKEEPING_S = 1.0
SAMPLES_PER_ROUND = 20
FIRST_PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.025


@asynccontextmanager
async def open_local_executor(
    *, shell: str = SHELL, reactor: Opening = open_reactor
) -> AsyncIterator["LocalExecutor"]:
    """The executor of this process, one at a time; closed at the latest when the block is left.

    From here on it owns all children of the process that it does not find already there: nothing
    else may start or reap one, or tells by `spare`. Its tasks are its own: no cancel of the run
    reaches the end of a tree halfway.
    """
    adopts = process_tree.become_subreaper()
    keep_descriptors_from_children()
    async with trio.open_nursery() as nursery:
        tasks: trio.Nursery = await nursery.start(_hold_tasks)
        try:
            executor = LocalExecutor(tasks, Spawner(shell), reactor(tasks), adopts=adopts)
            tasks.start_soon(executor.housekeeping)
            try:
                yield executor
            finally:
                with trio.CancelScope(shield=True):  # `close` has the bound
                    await executor.close(shield_s=CLOSE_BOUND_S)
        finally:
            tasks.cancel_scope.cancel()


async def _hold_tasks(*, task_status: trio.TaskStatus[trio.Nursery]) -> None:
    """Hold a nursery that is cancelled by its owner alone, whatever happens around it."""
    async with trio.open_nursery() as tasks:
        tasks.cancel_scope.shield = True
        task_status.started(tasks)
        await trio.sleep_forever()


class LocalExecutor:
    """Runs attempts as local processes; `open_local_executor` makes one."""

    def __init__(
        self, tasks: trio.Nursery, spawner: Spawner, reactor: Reactor, *, adopts: bool
    ) -> None:
        self._adopts = adopts
        self._runs: set[str] = set()
        self._spawner = spawner
        self._orphans = Orphans()
        self._shared = Shared(tasks, reactor, self._orphans, OwnPeak(), self._attempt_over)
        self._running: dict[LocalAttempt, None] = {}
        self._reading: list[LocalAttempt] = []
        self._swept: dict[Identity, ProcessReport] = {}
        self._paused = False
        self._closed = False

    async def start(
        self, spec: AttemptSpec, callbacks: Callbacks, output: OutputFile | None = None
    ) -> LocalAttempt:
        """Start an attempt, or raise `StartRefused`; no checkpoint once the command runs.

        Its output goes to the `output` that is given, else to a file at the path of the `spec`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise StartRefused("the run is at its end")
        output = output or open_output(spec)
        try:
            child = self._spawner.spawn(
                command=spec.command,
                files=spec.files,
                read_at_end=spec.read_at_end,
                shell=spec.shell,
                cwd=spec.cwd,
                environment=spec.environment,
                tracer=spec.tracer,
            )
        except StartRefused:
            output.discard()
            raise
        attempt = LocalAttempt(spec, child, output, self._shared, callbacks)
        self._running[attempt] = None
        self._runs.add(spec.run_id)
        if self._paused:
            attempt.pause()
        try:
            callbacks.accepted(Accepted(pid=child.leader.pid))
        except BaseException:
            attempt.request_end(0)
            raise
        return attempt

    def spare(self, pid: int) -> None:
        """Leave this child of the process alone: somebody else started it and waits for it."""
        self._orphans.spare(pid)

    def pause(self) -> None:
        """Stop every attempt's processes; a second call does nothing."""
        self._paused = True
        for attempt in self._running:
            attempt.pause()

    def resume(self) -> None:
        """Let those go on that `pause` stopped."""
        self._paused = False
        for attempt in self._running:
            attempt.resume()

    async def close(self, *, shield_s: float) -> tuple[ProcessReport, ...]:
        """End what is left of the run; returns what belonged to nobody, as it was when swept.

        Nothing starts any more; closing again does nothing.
        """
        if self._closed:
            return ()
        self._closed = True
        with trio.CancelScope(shield=True):
            with trio.move_on_after(shield_s, shield=True):
                async with trio.open_nursery() as nursery:
                    for attempt in list(self._running):
                        nursery.start_soon(attempt.terminate, 0)
            await self._sweep(trio.current_time() + shield_s)
        swept = tuple(self._swept.values())
        if not self._adopts:
            swept += sweep_marked(self._runs, shield_s, released=self._orphans.released())
        for attempt in self._reading:
            attempt.close()
        self._shared.reactor.close()
        self._orphans.close()
        self._spawner.close()
        return swept

    def _attempt_over(self, attempt: LocalAttempt) -> None:
        self._running.pop(attempt, None)
        if attempt.goes_on_reading:
            self._reading.append(attempt)

    async def _sweep(self, deadline: float) -> None:
        """Kill what belongs to nobody until none is left that we may signal, or the deadline."""
        pause_s = FIRST_PAUSE_S
        while True:
            unowned, any_hit = self._kill_unowned()
            # One that ended between the two looks is ours to reap, and its children come to us.
            is_over = not any_hit and not process_tree.has_dead_child_of_ours(unowned)
            if is_over or trio.current_time() >= deadline:
                return
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _kill_unowned(self) -> tuple[Members, bool]:
        return kill_found(lambda: [stat.pid for stat in self._orphans.of_nobody()], self._swept)

    async def housekeeping(self) -> None:
        """Once a second: reap orphans that have ended, and look at a few attempts' memory.

        While no attempt runs, what is left belongs to nobody: a worker may have its end far ahead.
        """
        turn = 0
        while True:
            await trio.sleep(HOUSEKEEPING_S)
            if self._closed:  # while it slept: what it would look through has been given back
                return
            self._orphans.reap_dead()
            if not self._running:
                self._kill_unowned()
            running = list(self._running)
            for attempt in running[turn : turn + SAMPLES_PER_ROUND]:
                attempt.sample_memory()
            turn = turn + SAMPLES_PER_ROUND if turn + SAMPLES_PER_ROUND < len(running) else 0
