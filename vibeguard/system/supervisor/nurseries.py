"""The nurseries of a run, and which of them a check belongs in.

    services                 signals, requests, run timeout        (supervisor/session.py)
      work scope             cancelled when the run is
        supervisor nursery   async checks, and what waits for them
          foreground nursery one task a frontier
            frontier nursery the checks of that frontier

Frontier nurseries are siblings, each opened by its own task, so nesting stays constant however long
the chain; nobody waits for a frontier to end but its own task (docs/adr/0003).
"""

from collections.abc import Awaitable, Callable, Sequence

import trio

from vibeguard.core.names import Pool
from vibeguard.system.supervisor.work import Life


class Nurseries:
    """Owns every task that works on checks. `cancel` ends them all."""

    def __init__(self) -> None:
        self._work = trio.CancelScope()
        self._supervisor: trio.Nursery | None = None
        self._foreground: trio.Nursery | None = None

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

    def start(self, lives: Sequence[Life]) -> None:
        """Start the checks of a new frontier where they belong.

        Async checks live in the supervisor nursery. So does the nursery of a frontier that waited
        for one, since the foreground may be over by then; all others are the foreground's.
        """
        now, later = [], []
        for life in lives:
            if life.planned.pool is Pool.BACKGROUND:
                self._enclosing().start_soon(life.live, name=life.planned.id)
            elif life.planned.after_background or self._foreground is None:
                later.append(life)
            else:
                now.append(life)
        if now and self._foreground is not None:
            self._foreground.start_soon(_frontier, now)
        if later:
            self._enclosing().start_soon(_frontier, later)

    def start_beside(self, task: Callable[[Life], Awaitable[None]], life: Life) -> None:
        """Start a task that a check needs while it has no slot."""
        self._enclosing().start_soon(task, life)

    def _enclosing(self) -> trio.Nursery:
        if self._supervisor is None:
            raise RuntimeError("a check became ready before the nurseries were open")
        return self._supervisor


async def _frontier(lives: Sequence[Life]) -> None:
    """One frontier: its checks, in a nursery of their own."""
    async with trio.open_nursery() as frontier:
        for life in lives:
            frontier.start_soon(life.live, name=life.planned.id)
