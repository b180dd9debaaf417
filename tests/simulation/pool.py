"""A simulated pool: its broker, its workers on other machines, and the line to it from a run.

The executor is the real one, and so are both machines of the protocol (`core.pool`) and every byte
of their messages. What is simulated is the way between them, which loses, repeats, delays and is
cut, and the workers' processes, which the simulated kernel runs beside those of the run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

import outcome
import trio

from tests.simulation.kernel import Kernel
from tests.simulation.processes import SECOND_NS
from tests.simulation.workers import SimulatedWorker
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.pool.address import Address
from vibeguard.core.pool.messages import PROTOCOL, Job, Presence, Source, decode_job, encode
from vibeguard.system.executors import pool as executor
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.connection import BrokerLost, Told
from vibeguard.system.pool.shipment import Shipment
from vibeguard.system.supervisor.remote import Remote

BROKER = "broker"
MOST_LEASE_S = 12
HEARD_OF_S = 1  # a look, and the way


class Broker:
    """The queue, and the way of every message. `trouble` is a `history.PoolTrouble`."""

    def __init__(self, kernel: Kernel, trouble: Any, rng: Random) -> None:
        self.kernel = kernel
        self.rng = rng
        self.queue: dict[str, Job] = {}
        self.line: SimulatedLine | None = None
        self.trouble = trouble
        self._start_ns = kernel.now_ns
        if not (trouble.loses or trouble.cuts):
            kernel.remote_pausing_ns = HEARD_OF_S * SECOND_NS
        self.workers = [
            SimulatedWorker(self, f"w{number}", slots=trouble.slots)
            for number in range(trouble.workers)
        ]

    @property
    def now_s(self) -> float:
        """The clock of every machine: none of the protocol compares two of them."""
        return self.kernel.now_ns / SECOND_NS

    def open(self) -> None:
        """Workers begin to look for jobs; what is to go wrong will."""
        for worker in self.workers:
            worker.look()
        for cut in self.trouble.cuts:
            for at_s in (cut.from_s, cut.until_s):
                self.later(at_s, self._poke)
        for number, at_s in self.trouble.deaths:
            self.later(at_s, self.workers[number % len(self.workers)].die)

    def later(self, delay_s: float, happen: Callable[[], None]) -> None:
        """Something of the pool happens after a while."""
        self.kernel.later(round(delay_s * SECOND_NS), "call", happen)

    def is_cut(self, who: str) -> bool:
        """Whether nothing passes between the broker and a worker, or the run (`BROKER`)."""
        at_s = (self.kernel.now_ns - self._start_ns) / SECOND_NS
        return any(cut.who == who and cut.from_s <= at_s < cut.until_s for cut in self.trouble.cuts)

    def carry(self, payload: bytes, who: str, receive: Callable[[bytes], None]) -> None:
        """Bring a message from or to this worker, perhaps: lost, late, or twice."""
        if self.is_cut(who) or self.is_cut(BROKER) or self.rng.random() < self.trouble.loses:
            self.kernel.reached["pool: a message is lost"] += 1
            return
        twice = self.rng.random() < self.trouble.repeats
        self.kernel.reached["pool: a message comes twice"] += twice
        for _ in range(1 + twice):
            self.later(self.rng.random() * self.trouble.delay_s, partial(receive, payload))

    def claim(self) -> Job | None:
        """The next job, as its bytes lay in the queue."""
        if not self.queue:
            return None
        return decode_job(encode(self.queue.pop(next(iter(self.queue)))))

    def outlive_the_lease(self) -> list[str]:
        """Let time pass after the run, until no lease can hold: what is alive of it then."""
        kernel = self.kernel
        kernel.woken = False
        until_ns = kernel.now_ns + MOST_LEASE_S * SECOND_NS
        while kernel.now_ns < until_ns:
            kernel.woken = False
            kernel.advance(until_ns)
        there = (p for p in kernel.processes.values() if p.remote and p.alive and not p.stuck)
        return [f"{process.owner} ({process.pid})" for process in there]

    def _poke(self) -> None:
        if self.line is not None:
            self.line.poke()


class SimulatedLine:
    """Stands for `system.pool.line.Line`: what arrives is handed on by a task, as from a socket."""

    def __init__(
        self,
        broker: Broker,
        *,
        messages: Callable[[bytes], None],
        up: Callable[[], None],
        fill: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._messages = messages
        self._up = up
        self._fill = fill
        self._inbox: list[bytes] = []
        self._news = trio.Event()
        self.pool: SimulatedPool | None = None
        self.trouble = "the broker has not answered yet"
        broker.line = self

    async def hold(self) -> None:
        """Connect, hand on what comes, and connect again, until cancelled."""
        while True:
            if self._broker.is_cut(BROKER):
                self.pool, self.trouble = None, "the broker is gone"
                self._broker.kernel.reached["pool: the broker is gone"] += 1
            elif self.pool is None:
                self.pool, self.trouble = SimulatedPool(self._broker), ""
                self._up()
            news, self._inbox = self._inbox, []
            for payload in news:
                self._messages(payload)
            if not self._inbox:
                await self._news.wait()
            self._news = trio.Event()

    def ask_to_fill(self) -> None:
        """There is something to say: every time may be a turn of its own."""
        self._fill()

    def tell(self, message: Any) -> None:
        """Send a message to a worker."""
        for worker in self._broker.workers:
            if worker.core.identity == message.worker and self.pool is not None:
                self._broker.carry(encode(message), worker.core.name, worker.receive)

    def arrive(self, payload: bytes) -> None:
        """A message has come."""
        self._inbox.append(payload)
        self.poke()

    def poke(self) -> None:
        """Something is to be looked at."""
        self._news.set()
        self._broker.kernel.woken = True


class SimulatedPool:
    """Stands for `system.pool.broker.Pool`, as far as a run asks it for anything."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        # What a run says is never refused.
        self.connection = SimpleNamespace(refusal="", lost=trio.Event())

    def submit(self, job: Job, told: Told) -> None:
        """Put a job in the queue; a broker may forget it."""
        self._answer(lambda: told(outcome.capture(self._take, job)))

    def _take(self, job: Job) -> None:
        self._require_broker()
        if self._broker.rng.random() < self._broker.trouble.loses:
            self._broker.kernel.reached["pool: a job is forgotten"] += 1
        else:
            self._broker.queue[job.token] = job

    async def withdraw(self, token: str) -> None:
        """Take a job out of the queue."""
        await self._round_trip()
        self._broker.queue.pop(token, None)

    async def announce(self, _: str) -> None:
        """Let workers know of a run."""
        await self._round_trip()

    async def leave(self, _: str) -> None:
        """The run is over."""
        await self._round_trip()

    async def workers(self) -> list[Presence]:
        """The workers that are there."""
        await self._round_trip()
        there = [worker.core for worker in self._broker.workers if not worker.dead]
        return [Presence(core.identity, core.name, PROTOCOL, "0") for core in there]

    async def _round_trip(self) -> None:
        answered = trio.Event()
        self._answer(answered.set)
        await answered.wait()
        self._require_broker()

    def _answer(self, tell: Callable[[], None]) -> None:
        broker = self._broker

        def answer() -> None:
            tell()
            broker.kernel.woken = True

        broker.later(broker.rng.random() * broker.trouble.delay_s, answer)

    def _require_broker(self) -> None:
        if self._broker.is_cut(BROKER):
            raise BrokerLost("the connection was closed")


@contextmanager
def lines_to(broker: Broker) -> Iterator[None]:
    """The executor of the pool reaches this broker."""
    real = vars(executor)["Line"]

    def line(_: Access, __: str, **how: Any) -> SimulatedLine:
        return SimulatedLine(broker, **how)

    vars(executor)["Line"] = line
    try:
        yield
    finally:
        vars(executor)["Line"] = real


def remote_of(settings: PoolSettings, root: str) -> Remote:
    """What a session needs for its checks on workers."""
    source = Source("c", "t")
    access = Access(Address(path="/nowhere"), settings.name, b"k")
    return Remote(access, settings, Shipment(source, top=root))
