"""Takes jobs of a pool's queues: as many as there are free slots, whenever there may be one."""

from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct, field

from vibeguard.core.pool.messages import PROTOCOL, Job
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line
from vibeguard.system.worker.showing import Offer
from vibeguard.system.worker.trees import Unfit
from vibeguard.version import __version__

CLAIM_S: Final = 5.0  # the broker may have forgotten who is to be woken
UNFIT_PAUSE_S: Final = 2.0  # others get a chance at what this worker cannot do


class Taking(Struct):
    """What a worker takes: `free_slots` says how many it may, each goes to `take`."""

    line: Line
    offer: Offer
    free_slots: Callable[[], int]
    take: Callable[[Job], None]
    _woken: trio.Event = field(default_factory=trio.Event)
    _was_asked: bool = False
    _unfit_until: float = 0.0

    def look(self) -> None:
        """There may be a job, or room for one."""
        self._woken.set()

    def ask(self) -> None:
        """The broker has chosen this worker for a job: it takes one, or has another one asked."""
        self._was_asked = True
        self.look()

    def pause(self) -> None:
        """It could not do a job: take none for a moment."""
        self._unfit_until = trio.current_time() + UNFIT_PAUSE_S

    async def hold(self) -> None:
        """Take jobs until cancelled."""
        while True:
            unfit_s = self._unfit_until - trio.current_time()
            with trio.move_on_after(min(unfit_s, CLAIM_S) if unfit_s > 0 else CLAIM_S):
                await self._woken.wait()
            self._woken = trio.Event()
            was_asked, self._was_asked = self._was_asked, False
            try:
                if was_asked and not self._may_take() and self.line.pool is not None:
                    await self.line.pool.pass_on(self.offer.identity, self.offer.labels)
                while self._may_take() and await self._claim():
                    pass
            except (BrokerLost, BrokerRefused):
                continue

    def _may_take(self) -> bool:
        return self.free_slots() > 0 and trio.current_time() >= self._unfit_until

    async def _claim(self) -> bool:
        """Take jobs, and say whether to look for more at once."""
        pool, offer = self.line.pool, self.offer
        if pool is None:
            return False
        claimed = await pool.claim(offer.identity, offer.labels, self.free_slots())
        for job in claimed.jobs:
            self.take(job)
        return claimed.perhaps_more


def compare_protocol(job: Job) -> None:
    """Raises Unfit where the run speaks another protocol."""
    if job.protocol != PROTOCOL:
        spoken = f"its VibeGuard {__version__} speaks protocol {PROTOCOL}"
        raise Unfit(f"{spoken}, the run's {job.protocol}")
