"""The nurseries of a run, and which of them a check belongs in.

    services                 signals, requests, run timeout        (supervisor/session.py)
      work scope             cancelled when the run is
        supervisor nursery   async checks, and what waits for them
          foreground nursery one task a frontier
            frontier nursery the checks of that frontier

Frontier nurseries are siblings, each opened by its own task, so nesting stays constant however long
the chain; nobody waits for a frontier to end but its own task (docs/adr/0003). A check gets its
task with its first slot: ten thousand that wait are no tasks. What begins in the step in which
another check of its frontier settles gets that one's task.
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from vibeguard.core.names import Pool
from vibeguard.system.supervisor.work import Life


class FrontierNursery:
    """The nursery of one frontier. It stays open until every check of it has begun or settled.

    `expected` is how many have yet to.
    """

    def __init__(self) -> None:
        self.expected = 0
        self._nursery: trio.Nursery | None = None
        self._begun: list[Life] = []
        self._lives: dict[trio.lowlevel.Task, Life] = {}  # what each task lives, or is about to
        self._complete = trio.Event()

    async def hold(self) -> None:
        """Own the tasks of the frontier's checks until the last has ended."""
        async with trio.open_nursery() as self._nursery:
            for life in self._begun:
                self._nursery.start_soon(self._live, life, name=life.planned.id)
            if self.expected:
                await self._complete.wait()

    def begin(self, life: Life) -> None:
        """Give one of its checks a task: the one that this step frees, else a new one."""
        task = trio.lowlevel.current_task()
        ending = self._lives.get(task)
        if self._nursery is None:
            self._begun.append(life)
        elif ending is not None and ending.settled:
            self._lives[task] = life
        else:
            self._nursery.start_soon(self._live, life, name=life.planned.id)
        self.drop()

    def drop(self) -> None:
        """Expect one check less."""
        self.expected -= 1
        if not self.expected:
            self._complete.set()

    async def _live(self, life: Life) -> None:
        """Live a check, and then what has begun in the step in which it settled, and so on."""
        task = trio.lowlevel.current_task()
        self._lives[task] = life
        try:
            await life.live()
            while self._lives[task] is not life:
                life = self._lives[task]
                task.name = life.planned.id
                await life.live()
        finally:
            del self._lives[task]


class Nurseries:
    """Owns every task that works on checks. `cancel` ends them all."""

    def __init__(self) -> None:
        self._work = trio.CancelScope()
        self._supervisor: trio.Nursery | None = None
        self._foreground: trio.Nursery | None = None
        self._frontiers: dict[str, FrontierNursery] = {}  # of the checks that have yet to begin

    async def hold(self, begin: Callable[[], None]) -> None:
        """Open the nurseries, call `begin`, and wait until every task in them has ended."""
        with self._work:
            async with trio.open_nursery() as supervisor:
                self._supervisor = supervisor
                async with trio.open_nursery() as foreground:
                    self._foreground = foreground
                    begin()
                self._foreground = None

    def cancel(self) -> None:
        """Cancel all work: the one way in which the work of a run is cancelled."""
        self._work.cancel()

    def open(self, lives: Sequence[Life]) -> None:
        """Open a nursery for the checks of a new frontier where it belongs.

        Async checks need none, their nursery is the supervisor's. So is that of the nursery of a
        frontier that waited for one, since the foreground may be over by then; all others are the
        foreground's.
        """
        now, later = FrontierNursery(), FrontierNursery()
        for life in lives:
            if life.planned.pool is Pool.BACKGROUND:
                continue
            late = life.planned.after_background or self._foreground is None
            frontier = later if late else now
            frontier.expected += 1
            self._frontiers[life.planned.id] = frontier
        if now.expected and self._foreground is not None:
            self._foreground.start_soon(now.hold)
        if later.expected:
            self._enclosing().start_soon(later.hold)

    def begin(self, life: Life) -> None:
        """Start the task of a check that has got its first slot."""
        frontier = self._frontiers.pop(life.planned.id, None)
        if frontier is None:
            self._enclosing().start_soon(life.live, name=life.planned.id)
        else:
            frontier.begin(life)

    def drop(self, life: Life) -> None:
        """The check has settled; if it never began, its frontier expects one less."""
        frontier = self._frontiers.pop(life.planned.id, None)
        if frontier is not None:
            frontier.drop()

    def start_beside(self, task: Callable[[Life], Awaitable[None]], life: Life) -> None:
        """Start a task that a check needs while it has no slot."""
        self._enclosing().start_soon(task, life)

    def _enclosing(self) -> trio.Nursery:
        if self._supervisor is None:
            raise RuntimeError("a check became ready before the nurseries were open")
        return self._supervisor
