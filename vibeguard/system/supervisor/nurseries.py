"""The nurseries of frontiers: siblings, so that nesting stays constant however long the chain.

    services                 signals, requests, run timeout        (supervisor/session.py)
      work scope             cancelled when the run is             (Run.run)
        background nursery   frontiers of async checks and of what waits for them
          foreground nursery all other frontiers
            frontier nursery a task for each of its attempts

Nobody waits for a frontier but its own task: it is no barrier (docs/adr/0003).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import trio

from vibeguard.core.model.state import CheckRecord

Task = Callable[[], Awaitable[None]]


class _Frontier:
    """The nursery of one frontier's checks, open until the last of them has settled.

    A check gets its task together with its slot: ten thousand checks that wait for a slot have
    none.
    """

    def __init__(self, checks: int) -> None:
        self.unsettled = checks
        self.settled = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._early: list[tuple[Task, str]] = []  # started in the step that opens the frontier

    async def hold(self) -> None:
        """Own the tasks of the frontier's checks."""
        async with trio.open_nursery() as self._nursery:
            for task, check in self._early:
                self._nursery.start_soon(task, name=check)
            await self.settled.wait()

    def start(self, task: Task, check: str) -> None:
        """Start an attempt of one of its checks."""
        if self._nursery is None:
            self._early.append((task, check))
        else:
            self._nursery.start_soon(task, name=check)


class Frontiers:
    """The frontiers below the two nurseries of a run, until all their checks have settled.

    One that has checks of both kinds is two here, so that the foreground's nursery closes in time.
    """

    def __init__(self, background: trio.Nursery, foreground: trio.Nursery) -> None:
        self._background = background
        self._foreground = foreground
        self._open: dict[tuple[int | None, bool], _Frontier] = {}

    def open(self, number: int, checks: Iterable[CheckRecord]) -> None:
        """Open nurseries for the checks of a new frontier."""
        sizes = Counter(check.planned.outlasts_foreground for check in checks)
        for outlasts, size in sizes.items():
            self._open[number, outlasts] = frontier = _Frontier(size)
            parent = self._background if outlasts else self._foreground
            parent.start_soon(frontier.hold, name=f"frontier {number}")

    def start(self, check: CheckRecord, task: Task) -> None:
        """Start an attempt of the check."""
        self._open[_place(check)].start(task, check.planned.id)

    def settle(self, check: CheckRecord) -> None:
        """The check has settled: its frontier waits for one less."""
        frontier = self._open[_place(check)]
        frontier.unsettled -= 1
        if not frontier.unsettled:
            frontier.settled.set()
            del self._open[_place(check)]


def _place(check: CheckRecord) -> tuple[int | None, bool]:
    return check.frontier, check.planned.outlasts_foreground
