"""Starts that wait in a pool for a worker; workers know of the run, and it knows of them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import trio
from msgspec import Struct, field
from outcome import Outcome

from vibeguard.core.pool.messages import Job, Presence, label_sets
from vibeguard.system import clock
from vibeguard.system.executors.base import Accepted
from vibeguard.system.executors.pool_attempt import PoolAttempt
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line


class Waiting(Struct):
    """A start in a pool, until a worker has been told of it.

    `unfit` is why it came back, each time, `unable` from which workers; `unsent` why it could not
    be submitted the last time. `taker` is who had it when it was wanted no longer.
    """

    job: Job
    attempt: PoolAttempt
    accepted: Callable[[Accepted], None]
    present: tuple[str, ...]
    unfit: list[str] = []
    unable: set[str] = set()
    unsent: str = ""
    taker: str = ""
    is_decided: bool = False
    _task: trio.lowlevel.Task | None = None

    async def wait(self, withdraw: Callable[[], None]) -> PoolAttempt:
        """Wait until a worker has been told to start. Cancelled before that, nothing starts."""

        def abort(_: object) -> trio.lowlevel.Abort:
            if self.is_decided:  # by `accepted` itself, perhaps: what it answers holds
                return trio.lowlevel.Abort.FAILED
            withdraw()
            return trio.lowlevel.Abort.SUCCEEDED

        self._task = trio.lowlevel.current_task()
        started: PoolAttempt = await trio.lowlevel.wait_task_rescheduled(abort)
        return started

    def wake(self, outcome: Outcome[PoolAttempt]) -> None:
        """Let it go on, with the attempt or a refusal: no cancel can come between any more."""
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, outcome)

    def why_nobody_began(self, waited: str, found: list[Presence] | None, trouble: str) -> str:
        """For people. `found` is who is there by now; None where the broker does not say."""
        if self.taker:
            return f"{self.taker} took it, and was not ready to start it within {waited}"
        if trouble:
            return f"no worker took it within {waited}: {trouble}"
        present = self.present if found is None else label_sets(found)
        when = "present when the run began" if found is None else "present"
        wanted, shown = ", ".join(self.job.labels) or "any", "; ".join(present) or "none"
        unfit = f"; {self.unfit[-1]}" if self.unfit else ""
        return f"no worker took it within {waited}; wanted: {wanted}; {when}: {shown}{unfit}"


ANNOUNCE_S: Final = 2.5
UNCONNECTED_S: Final = 0.2
LEAVE_S: Final = 0.5  # a broker that does not answer forgets the run by itself
ASK_S: Final = 1.0  # who is there, for a reason that can do without


class Company(Struct, frozen=True):
    """A run, called `identity`, among workers. `waiting` are its starts that wait for one."""

    line: Line
    identity: str
    waiting: Mapping[str, Waiting]
    tell_present: Callable[[str, int, tuple[str, ...]], None]
    _looked: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    async def hold(self) -> None:
        """Announce the run to workers that stay as long as there are runs; see who is there."""
        while True:
            pool = self.line.pool
            if pool is not None:
                with suppress(BrokerLost, BrokerRefused):  # the next round says it again
                    await pool.announce(self.identity)
                    if self.waiting:
                        self._note_present(label_sets(await pool.workers()))
            pause_s = UNCONNECTED_S if self.line.pool is None else ANNOUNCE_S
            again_s = clock.monotonic_s() + pause_s
            while clock.monotonic_s() < again_s:  # in a pause, too: workers stay for it
                await self._looked.park()

    def look(self) -> None:
        """Some time has gone by, whatever Trio's clock says."""
        self._looked.unpark_all()

    async def workers(self) -> list[Presence] | None:
        """Who is there; None where the broker does not say so soon."""
        if self.line.pool is not None:
            with trio.move_on_after(ASK_S), suppress(BrokerLost, BrokerRefused):
                return await self.line.pool.workers()
        return None

    async def leave(self) -> None:
        """The run is over."""
        if self.line.pool is not None:
            with trio.move_on_after(LEAVE_S, shield=True), suppress(BrokerLost, BrokerRefused):
                await self.line.pool.leave(self.identity)

    def _note_present(self, present: tuple[str, ...]) -> None:
        for waiting in list(self.waiting.values()):
            if waiting.present != present:
                waiting.present = present
                self.tell_present(waiting.job.check, waiting.job.attempt, present)
