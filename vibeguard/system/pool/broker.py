"""What a run and a worker ask of a pool's broker: sealed, named, each one step.

Nothing here decides anything: the machines of `core.pool` do.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import NamedTuple

import trio

from vibeguard.core.pool.broker_names import PoolNames, label_set
from vibeguard.core.pool.messages import (
    FromClient,
    FromWorker,
    Job,
    Presence,
    decode_job,
    decode_presence,
    encode,
)
from vibeguard.core.pool.sealing import code_of, seal, unseal
from vibeguard.core.problems import UNDECODABLE
from vibeguard.system.pool import lua
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.connection import BrokerRefused, Connection, Told, connect

JOB_LIVES_MS = 30_000
PACK_LIVES_MS = 3_600_000
SHOWN_S = 10.0
PACK_PART_BYTES = 1 << 20  # what a run says to a worker waits behind one at most
MOST_CLAIMED = 8  # of jobs that are large, as many as go into one answer


class Claimed(NamedTuple):
    """Jobs whose seal is right, and whether there may be others that nobody is woken for."""

    jobs: list[Job]
    perhaps_more: bool


class Runs(NamedTuple):
    """How many runs there are, and which one came last, if that was lately."""

    there: int
    newest: bytes


class Pool:
    """A pool's broker while the connection lasts. All calls raise BrokerLost, BrokerRefused."""

    def __init__(self, connection: Connection, names: PoolNames, key: bytes) -> None:
        self.connection = connection
        self.names = names
        self._key = key

    async def check_rights(self) -> None:
        """Try every kind of command that a pool needs. Raises BrokerRefused."""
        probe = f"{self.names.prefix}probe"
        await self.connection.calls(
            ("SUBSCRIBE", self.names.to("probe")),
            ("EVAL", lua.PROBE, 1, probe, self.names.to("probe")),
            ("SET", probe, "x", "PX", 1000),
            ("PEXPIRE", probe, 1000),
            ("GETRANGE", probe, 0, 0),
            ("DEL", probe),
            ("ZREM", self.names.runs, "probe"),
        )

    async def listen(self, *channels: str) -> None:
        """Have messages on these channels arrive."""
        for channel in channels:
            await self.connection.call("SUBSCRIBE", channel)

    def tell(self, message: FromClient | FromWorker) -> None:
        """Send a message without waiting; only a later answer shows whether it arrived."""
        receiver = message.worker if isinstance(message, FromClient) else message.client
        channel = self.names.to(receiver)
        payload = encode(message)
        self.connection.publish(channel, code_of(self._key, channel, payload), payload)

    def submit(self, job: Job, told: Told) -> None:
        """Put a job in its queue, unless it waits there already, and wake a worker for it."""
        labels, names = label_set(job.labels), self.names
        key = names.job(job.token)
        self.connection.ask(
            told,
            *("EVAL", lua.SUBMIT, 4, key, names.queue(labels), names.queues, names.idle),
            *(seal(self._key, key, encode(job)), job.token, labels, JOB_LIVES_MS, names.prefix),
        )

    async def withdraw(self, token: str) -> None:
        """Take a job out of its queue, if it is there."""
        await self.connection.call("DEL", self.names.job(token))

    async def claim(self, worker: str, labels: tuple[str, ...], most: int) -> Claimed:
        """The next jobs for a worker with these labels, a few at most.

        If there are fewer than it could take, the worker is woken when another one comes.
        """
        names, few = self.names, min(most, MOST_CLAIMED)
        found = await self.connection.call(
            *("EVAL", lua.CLAIM, 2, names.queues, names.idle),
            *(names.prefix, worker, label_set(labels), few),
        )
        sealed = [one for one in found if isinstance(one, bytes)] if isinstance(found, list) else []
        jobs = [job for job in map(self._open_job, sealed) if job is not None]
        return Claimed(jobs, perhaps_more=len(sealed) == few)

    async def pass_on(self, worker: str, labels: tuple[str, ...]) -> None:
        """Wake other workers for the job that this one was woken for and does not take."""
        names = self.names
        await self.connection.call(
            *("EVAL", lua.PASS_ON, 2, names.queues, names.idle),
            *(names.prefix, worker, label_set(labels)),
        )

    def _open_job(self, sealed: bytes) -> Job | None:
        """The job, if its seal is that of the token that it carries."""
        try:
            job = decode_job(sealed[32:])
        except UNDECODABLE:
            return None
        return job if unseal(self._key, self.names.job(job.token), sealed) is not None else None

    async def show(self, presence: Presence) -> Runs:
        """Show a worker in the listing of the pool for ten seconds; which runs there are."""
        key, names = self.names.worker(presence.worker), self.names
        runs = await self.connection.call(
            *("EVAL", lua.SHOW, 4, key, names.workers, names.runs, names.newest_run),
            *(seal(self._key, key, encode(presence)), presence.worker, round(SHOWN_S * 1000)),
        )
        match runs:
            case [int(there), bytes(newest)]:
                return Runs(there, newest)
        return Runs(0, b"")

    async def hide(self, identity: str) -> None:
        """Take a worker out of the listing."""
        await self.connection.call("DEL", self.names.worker(identity))

    async def announce(self, client: str) -> None:
        """Let workers know of a run, for ten seconds."""
        keys = (self.names.runs, self.names.newest_run)
        await self.connection.call("EVAL", lua.ANNOUNCE, 2, *keys, client, round(SHOWN_S))

    async def leave(self, client: str) -> None:
        """The run is over."""
        await self.connection.call("ZREM", self.names.runs, client)

    async def workers(self) -> list[Presence]:
        """The workers that are there, by name."""
        shown = []
        for payload in await self._shown():
            if payload is not None:
                with suppress(*UNDECODABLE):  # of a version that shows itself otherwise
                    shown.append(decode_presence(payload))
        return sorted(shown, key=lambda presence: (presence.name, presence.worker))

    async def strangers(self) -> int:
        """How many workers are there with another key."""
        return sum(payload is None for payload in await self._shown())

    async def _shown(self) -> list[memoryview | None]:
        """What each worker shows of itself; None for one that has another key."""
        found = await self.connection.call(
            "EVAL", lua.WORKERS, 1, self.names.workers, self.names.prefix
        )
        shown = []
        for entry in found if isinstance(found, list) else []:
            match entry:
                case [bytes(identity), bytes(sealed)]:
                    place = self.names.worker(identity.decode("utf-8", "replace"))
                    shown.append(unseal(self._key, place, sealed))
        return shown

    async def keep_pack(self, digest: str) -> bool:
        """Keep a pack that is there for another hour; whether it is there."""
        return bool(await self.connection.call("PEXPIRE", self.names.pack(digest), PACK_LIVES_MS))

    async def put_pack(self, digest: str, pack: bytes) -> None:
        """Keep a pack for an hour."""
        await self.connection.call("SET", self.names.pack(digest), pack, "PX", PACK_LIVES_MS)

    async def parts_of_pack(self, digest: str, size: int) -> AsyncIterator[bytes]:
        """The pack in parts. Raises BrokerRefused when the broker has forgotten it."""
        key = self.names.pack(digest)
        for offset in range(0, size, PACK_PART_BYTES):
            last = min(size, offset + PACK_PART_BYTES) - 1
            part = await self.connection.call("GETRANGE", key, offset, last)
            if not isinstance(part, bytes) or len(part) != last - offset + 1:
                raise BrokerRefused("the broker has forgotten the files of the run")
            yield part


Received = Callable[[memoryview], None]


async def open_pool(
    access: Access,
    nursery: trio.Nursery,
    *,
    messages: Received,
    wake: Callable[[], None] = lambda: None,
) -> Pool:
    """A pool's broker, whose connection is read in `nursery`. Raises BrokerLost, BrokerRefused.

    `messages` gets every payload whose seal is right; nothing at all is a wake-up for a job.
    """
    names, key = PoolNames(access.pool), access.key

    def pushed(channel: bytes, sealed: bytes) -> None:
        name = channel.decode("utf-8", "replace")
        if not sealed:
            wake()
            return
        payload = unseal(key, name, sealed)
        if payload is not None:
            messages(payload)

    return Pool(await connect(access.address, pushed, nursery), names, key)
