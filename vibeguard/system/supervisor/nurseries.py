"""The nurseries of frontiers: siblings, so that nesting stays constant however long the chain.

    services                 signals, requests, run timeout        (supervisor/session.py)
      work scope             cancelled when the run is             (Run.run)
        background nursery   frontiers of async checks and of what waits for them
          foreground nursery all other frontiers
            frontier nursery a task for each of its attempts

Nobody waits for a frontier but its own task: it is no barrier (docs/adr/0003).
"""

from collections.abc import Awaitable, Callable

import trio

# An attempt: its check's id and what its task does.
Task = tuple[str, Callable[[], Awaitable[None]]]


class _Frontier:
    """The nursery of one frontier's checks, open until the last of them has settled.

    A check gets its task together with its slot: ten thousand checks that wait for a slot have
    none.
    """

    def __init__(self, checks: int) -> None:
        self._unsettled = checks
        self._settled = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._early: list[Task] = []  # started in the step that opens the frontier

    async def hold(self) -> None:
        """Own the tasks of the frontier's checks."""
        async with trio.open_nursery() as self._nursery:
            for check, run in self._early:
                self._nursery.start_soon(run, name=check)
            await self._settled.wait()

    def start(self, task: Task) -> None:
        """Start an attempt of one of its checks."""
        if self._nursery is None:
            self._early.append(task)
        else:
            check, run = task
            self._nursery.start_soon(run, name=check)

    def settle_one(self) -> bool:
        """One check has settled; whether it was the last."""
        self._unsettled -= 1
        if self._unsettled == 0:
            self._settled.set()
        return self._unsettled == 0


class Frontiers:
    """The frontiers below one nursery, by their number, until all their checks have settled."""

    def __init__(self, parent: trio.Nursery) -> None:
        self._parent = parent
        self._open: dict[int, _Frontier] = {}

    def open(self, number: int, checks: int) -> None:
        """Open the nursery of a frontier with so many checks, unless there are none."""
        if checks:
            self._open[number] = frontier = _Frontier(checks)
            self._parent.start_soon(frontier.hold, name=f"frontier {number}")

    def start(self, number: int, task: Task) -> None:
        """Start an attempt of one of its checks."""
        self._open[number].start(task)

    def settle_one(self, number: int) -> None:
        """One of its checks has settled."""
        if self._open[number].settle_one():
            del self._open[number]
