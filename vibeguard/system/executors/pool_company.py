"""Lets workers know that there is a run, and sees which workers there are."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import trio
from msgspec import Struct, field

from vibeguard.core.pool.messages import Presence, label_sets
from vibeguard.system import clock
from vibeguard.system.executors.pool_waiting import Waiting
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line

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
