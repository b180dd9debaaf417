"""The end of one tree: SIGTERM, the grace, SIGKILL, until nothing is left or nothing helps.

An ending runs as a task of its own, so that no caller's cancellation stops it halfway. Its grace is
measured on Trio's clock: while that stands still (a paused run), no grace runs out.
"""

from collections.abc import Callable

import trio

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.process.attempt_tree import AttemptTree

# A process left behind by a leader that exited gets this long between SIGTERM and SIGKILL.
LEAK_KILL_GRACE_S = 1.0
# What SIGKILL has not ended after this long is called unkillable.
KILL_PATIENCE_S = 2.0
FIRST_LOOK_S = 0.001
LONGEST_LOOK_S = 0.025


class Ending:
    """How a tree that does not end by itself is ended, and what that showed.

    `survivors` outlived SIGTERM, `leaked` were left behind by a leader that had exited, and
    `unkillable` outlived everything. `started` is the Trio time of the first signal.
    """

    def __init__(self, tree: AttemptTree) -> None:
        self.survivors: tuple[ProcessReport, ...] = ()
        self.leaked: tuple[ProcessReport, ...] = ()
        self.unkillable: tuple[ProcessReport, ...] = ()
        self.started: float | None = None
        self._tree = tree
        self._requested = False
        self._deadline = float("inf")
        self._changed = trio.Event()

    def request(self, grace_s: float) -> None:
        """Ask for the end within `grace_s`; asking again can only shorten the grace."""
        self._requested = True
        self._deadline = min(self._deadline, trio.current_time() + grace_s)
        self.notify()

    def notify(self) -> None:
        """Something has changed: look again now."""
        self._changed.set()
        self._changed = trio.Event()

    async def run_leak(self, leak_grace_s: float, terminating: Callable[[], None]) -> None:
        """The leader has exited and left something behind: end what outlives the leak grace."""
        leak_deadline = trio.current_time() + leak_grace_s
        if await self._gone(lambda: 0.0 if self._requested else leak_deadline):
            return
        self.leaked = self._tree.reports()
        if not self._requested:
            terminating()
            self.request(LEAK_KILL_GRACE_S)
        await self.run()

    async def run(self) -> None:
        """End the tree as requested."""
        # SIGTERM once, to all that is there; SIGKILL again and again, since what forks may be
        # quicker than one look at /proc. Only what outlives that is called unkillable (ADR 0033,
        # ADR 0034).
        self.started = trio.current_time()
        if self._deadline > self.started:
            self._tree.terminate()
            if await self._gone(lambda: self._deadline):
                return
            self.survivors = self._tree.survivors()
        await self._kill()

    async def _kill(self) -> None:
        deadline = trio.current_time() + KILL_PATIENCE_S
        pause_s = FIRST_LOOK_S
        while trio.current_time() < deadline:
            self._tree.kill()
            next_kill = trio.current_time() + pause_s
            if await self._gone(lambda due=next_kill: due):  # type: ignore[misc]
                return
            pause_s = min(pause_s * 2, LONGEST_LOOK_S)
        self.unkillable = self._tree.reports()

    async def _gone(self, deadline: Callable[[], float]) -> bool:
        """Whether the tree is gone by the deadline, which may move.

        The leader's exit is reported; for what it left behind one has to look.
        """
        look_s = FIRST_LOOK_S
        while not self._tree.is_gone():
            now = trio.current_time()
            due = deadline()
            if now >= due:
                return False
            if self._tree.leader_gone:
                due = min(due, now + look_s)
                look_s = min(look_s * 2, LONGEST_LOOK_S)
            with trio.move_on_at(due):
                await self._changed.wait()
        return True
