"""The connection to a pool, made again whenever it is lost."""

from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct, field

from vibeguard.core.pool.messages import FromClient, FromWorker
from vibeguard.system import clock
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool, Received, open_pool
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 0.25
# Beyond this much that is not sent yet, nothing more is produced: it is sent while it is still in
# the processor's cache, and its memory is used again (a quarter of the time of 100 MB of output).
MOST_UNSENT_BYTES: Final = 1 << 19


class Line(Struct):
    """A pool's broker, as long as there is one: `pool` is None while there is not.

    `up` is called whenever there is a connection (again), `messages` for every payload whose seal
    is right, `wake` for news of jobs, `fill` to `tell` what is to be said: after `ask_to_fill`, and
    when there may be room again. `identity` is whose messages are wanted.
    """

    access: Access
    identity: str
    messages: Received
    up: Callable[[], None]
    fill: Callable[[], None]
    wake: Callable[[], None] = lambda: None
    pool: Pool | None = None
    trouble: str = "the broker has not answered yet"
    lost_at_s: float = field(default_factory=clock.monotonic_s)

    async def hold(self) -> None:
        """Connect, and connect again, until cancelled."""
        pause_s = FIRST_PAUSE_S
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    await self._connect(nursery)
                    pause_s = FIRST_PAUSE_S
                except (BrokerLost, BrokerRefused) as error:
                    self.trouble = str(error)
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def ask_to_fill(self) -> None:
        """Have `fill` called soon; without a connection, the next one makes up for it."""
        if self.pool is not None:
            self.pool.connection.ask_to_fill()

    def tell(self, message: FromClient | FromWorker) -> None:
        """Send a message now; without a connection it is lost, and a later one makes up for it."""
        if self.pool is not None and not self.pool.connection.lost.is_set():
            self.pool.tell(message)

    @property
    def has_room(self) -> bool:
        """Whether there is a connection that keeps up with what is sent."""
        pool = self.pool
        return (
            pool is not None
            and not pool.connection.lost.is_set()
            and pool.connection.unsent_bytes < MOST_UNSENT_BYTES
        )

    async def _connect(self, nursery: trio.Nursery) -> None:
        pool = await open_pool(self.access, nursery, messages=self.messages, wake=self.wake)
        try:
            await pool.listen(pool.names.to(self.identity))
            self.pool, self.trouble = pool, ""
            pool.connection.fill = self.fill
            self.up()
            await pool.connection.lost.wait()
            self.trouble = pool.connection.why
        finally:
            if self.pool is not None:
                self.lost_at_s = clock.monotonic_s()
            self.pool = None
            with trio.CancelScope(shield=True):  # it waits for nobody
                await pool.connection.close()
