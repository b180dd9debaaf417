"""What a worker offers, shown to whoever looks; it sees what runs there are at the same time."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio
from msgspec import Struct, field

from vibeguard.core.pool.messages import PROTOCOL, Presence
from vibeguard.system import clock
from vibeguard.system.pool.broker import Runs
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line
from vibeguard.version import __version__

SHOW_S: Final = 2.5
ONCE_PATIENCE_S: Final = 600.0
# A broker that comes back empty hears of the runs that go on with their next announcement.
ANNOUNCED_S: Final = 5.0
HIDE_S: Final = 1.0


class Offer(Struct, frozen=True):
    """What a worker offers; with `once` it ends with the last run that it saw."""

    identity: str
    name: str
    labels: tuple[str, ...]
    slots: int
    once: bool = False
    drain_s: float = 10.0


class Shown(Struct):
    """A worker as others see it. `state` says how many slots are used, and whether it drains.

    `no_runs` is called when one that comes `once` has nothing to wait for any more.
    """

    line: Line
    offer: Offer
    state: Callable[[], tuple[int, bool]]
    no_runs: Callable[[], None]
    refusal: str = ""
    saw_a_run: bool = False
    _newest_at_first: bytes | None = None
    _again: trio.Event = field(default_factory=trio.Event)
    _began_s: float = field(default_factory=clock.monotonic_s)
    _announced_s: float | None = None
    _refused_at_s: float | None = None

    @property
    def refused_s(self) -> float:
        """For how long the broker has refused to show it; `refusal` has its words."""
        return 0.0 if self._refused_at_s is None else clock.monotonic_s() - self._refused_at_s

    async def hold(self) -> None:
        """Show it until cancelled."""
        while True:
            try:
                if self.line.pool is not None:
                    self._note_runs(await self.line.pool.show(self._presence()))
                self._refused_at_s = None
            except BrokerLost:  # with a new connection
                self._refused_at_s = None
            except BrokerRefused as error:  # the next round
                self.refusal = str(error)
                self._refused_at_s = self._refused_at_s or clock.monotonic_s()
            self._again = trio.Event()
            with trio.move_on_after(SHOW_S):
                await self._again.wait()

    def show_again(self) -> None:
        """At once: this broker may know nothing of it, nor of any run."""
        again = self._announced_s is not None
        self._announced_s = clock.monotonic_s() + (ANNOUNCED_S if again else 0.0)
        self._again.set()

    async def hide(self) -> None:
        """Show it no longer."""
        with trio.move_on_after(HIDE_S), suppress(BrokerLost, BrokerRefused):
            if self.line.pool is not None:
                await self.line.pool.hide(self.offer.identity)

    def _note_runs(self, runs: Runs) -> None:
        if self._newest_at_first is None:
            self._newest_at_first = runs.newest
        came_and_went = runs.newest not in (b"", self._newest_at_first)  # between two looks
        self.saw_a_run = self.saw_a_run or runs.there > 0 or came_and_went
        if not self.offer.once or runs.there:
            return
        now = clock.monotonic_s()
        if self.saw_a_run:
            is_over = now >= (self._announced_s or 0.0)
        else:
            is_over = now - self._began_s > ONCE_PATIENCE_S
        if is_over:
            self.no_runs()

    def _presence(self) -> Presence:
        used, draining = self.state()
        return Presence(
            worker=self.offer.identity,
            name=self.offer.name,
            protocol=PROTOCOL,
            version=__version__,
            labels=self.offer.labels,
            slots=self.offer.slots,
            used=used,
            draining=draining,
        )
