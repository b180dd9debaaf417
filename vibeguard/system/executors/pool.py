"""The executor of a pool: every attempt with a `remote` goes to a worker on some machine.

The decisions are those of `core.pool.client`; here are its clock, its connection and its effects.
Each message and each look at the clock is one synchronous step.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Self

import trio
from msgspec.structs import replace
from outcome import Error, Outcome, Value

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.pool import client as core
from vibeguard.core.pool.messages import could_take, decode_from_worker
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.wording.units import SECOND_NS, duration
from vibeguard.system import clock
from vibeguard.system.executors.base import (
    Accepted,
    Attempt,
    AttemptSpec,
    Callbacks,
    Executor,
    open_output,
)
from vibeguard.system.executors.pool_attempt import PoolAttempt, refuse_unsendable
from vibeguard.system.executors.pool_waiting import Company, Waiting
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool
from vibeguard.system.pool.connection import Answer, BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line
from vibeguard.system.pool.listing import Packing
from vibeguard.system.pool.shipment import Shipment
from vibeguard.system.process.start_refused import StartRefused

LOOK_S: Final = 0.2
MOST_UNFIT: Final = 3


class PoolExecutor:
    """Sends attempts to a pool, others to `local`; one per run. Its tasks run in `nursery`."""

    def __init__(
        self,
        access: Access,
        settings: PoolSettings,
        shipment: Shipment,
        nursery: trio.Nursery,
        *,
        local: Executor,
        sleep_outside: Callable[[float], Awaitable[None]],
        note_present: Callable[[str, int, tuple[str, ...]], None] = lambda *_: None,
    ) -> None:
        self._local = local
        self._sleep_outside = sleep_outside
        self._settings = settings
        self._nursery = nursery
        self._identity = os.urandom(12).hex()
        self._client = core.Client(self._identity, lease_s=settings.lease_ns / SECOND_NS)
        self._line = Line(
            access, self._identity, messages=self._receive, up=self._connected, fill=self._fill
        )
        self._to_answer: dict[str, None] = {}
        self._waiting: dict[str, Waiting] = {}
        self._company = Company(self._line, self._identity, self._waiting, note_present)
        self._running: dict[str, PoolAttempt] = {}
        self._paused = False
        self._poke = trio.Event()
        self._closed = False
        self._packing = Packing(access, shipment)

    def open(self) -> Self:
        """Connect, look at the clock, announce the run, until the nursery is cancelled."""
        for task in (self._line.hold, self._look, self._company.hold):
            self._nursery.start_soon(task)
        return self

    async def start(self, spec: AttemptSpec, callbacks: Callbacks) -> Attempt:
        """Start it here; else submit it and wait until a worker has it, or raise `StartRefused`."""
        remote = spec.remote
        if remote is None:
            return await self._local.start(spec, callbacks)
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise StartRefused("the run is at its end")
        refuse_unsendable(remote.job)
        job, output = replace(remote.job, client=self._identity), open_output(spec)
        attempt = PoolAttempt(
            spec, output, callbacks, lambda grace_ns: self._terminate(job.token, grace_ns)
        )
        try:
            return await self._start(Waiting(job, attempt, callbacks.accepted, remote.present))
        except BaseException:
            attempt.discard()
            raise

    async def _start(self, waiting: Waiting) -> PoolAttempt:
        token = waiting.job.token
        self._waiting[token] = waiting
        self._client.submit(token, clock.monotonic_s())
        self._submit(token)
        with trio.move_on_after(self._settings.queue_timeout_ns / SECOND_NS):
            return await waiting.wait(lambda: self._withdraw(token))
        raise StartRefused(await self._nobody_took(waiting))

    def pause(self) -> None:
        """Stop every attempt's processes, wherever they are; the leases go on."""
        self._local.pause()
        self._pause(paused=True)

    def resume(self) -> None:
        """Let them go on."""
        self._local.resume()
        self._pause(paused=False)

    async def close(self, *, shield_s: float) -> tuple[ProcessReport, ...]:
        """Have whatever is left ended, as far as that can be confirmed within `shield_s`.

        Here last: once the local executor is closed, its children are watched no more.
        """
        if self._closed:
            return ()
        self._closed = True
        with trio.move_on_after(shield_s, shield=True):
            for attempt in list(self._running.values()):
                await attempt.terminate(0)
        await self._company.leave()
        return await self._local.close(shield_s=shield_s)

    # One step each.

    def _receive(self, payload: bytes | memoryview) -> None:
        try:
            message = decode_from_worker(payload)
        except UNDECODABLE:
            return  # of another protocol: such a worker offers nothing
        self._carry_out(self._client.receive(message, clock.monotonic_s()))

    def _terminate(self, token: str, grace_ns: int) -> None:
        self._carry_out(self._client.terminate(token, grace_ns, clock.monotonic_s()))
        self._poke.set()

    def _withdraw(self, token: str) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is not None:
            waiting.taker = self._client.worker_of(token)
        self._carry_out(self._client.withdraw(token))
        self._nursery.start_soon(self._take_back, token)

    def _pause(self, *, paused: bool) -> None:
        self._paused = paused
        self._poke.set()
        for attempt in self._running.values():
            attempt.pause(paused=paused)
        self._carry_out(self._client.pause(paused=paused))

    def _connected(self) -> None:
        self._packing.doubt()  # this broker may know nothing
        for token in list(self._waiting):
            self._submit(token)

    def _carry_out(self, effects: list[core.Effect]) -> None:
        for effect in effects:
            match effect:
                case core.Offered(token):
                    self._offered(token)
                case core.Received(token, stream, data):
                    self._running[token].receive(stream, data)
                case core.News(token, report):
                    self._running[token].learn(report)
                case core.Ended(token):
                    self._running.pop(token).end(self._explained(effect))
                case core.Queued(token, why, worker):
                    self._queue_again(token, why, worker)
                case core.Reply(worker):
                    self._to_answer[worker] = None
                    self._line.ask_to_fill()

    def _fill(self) -> None:
        """Send each worker one message with all that there is to answer."""
        while self._to_answer:
            self._line.tell(self._client.orders(self._to_answer.popitem()[0]))

    def _offered(self, token: str) -> None:
        """A worker could start it: Go is said in the step in which the start is recorded."""
        waiting = self._waiting.pop(token, None)
        if waiting is None:  # not wanted any more: perhaps since an offer of the same message
            self._carry_out(self._client.withdraw(token))
            return
        worker = self._client.worker_of(token)
        waiting.is_decided = True
        waiting.attempt.begin(worker)
        try:
            waiting.accepted(Accepted(worker=worker))
        except BaseException as error:  # noqa: BLE001 - it is the start's to raise
            self._client.decide(token, go=False)
            waiting.wake(Error(error))
            return
        self._client.decide(token, go=True)
        self._running[token] = waiting.attempt
        waiting.wake(Value(waiting.attempt))

    def _explained(self, ended: core.Ended) -> core.Ended:
        """What is lost while the broker refuses what is said, with its words."""
        pool = self._line.pool
        said = self._line.trouble if pool is None else pool.connection.refusal
        if ended.result is not None or not said:
            return ended
        return ended._replace(why=f"{ended.why}; the broker: {said}")

    def _queue_again(self, token: str, why: str, worker: str) -> None:
        waiting = self._waiting.get(token)
        if waiting is None:
            return
        if why:
            self._packing.doubt()
            waiting.unfit.append(why)
            waiting.unable.add(worker)
            if len(waiting.unfit) >= MOST_UNFIT:
                self._nursery.start_soon(self._refuse_unless_others, token, why)
                return
        self._submit(token)

    def _submit(self, token: str) -> None:
        """Put the job where workers find it, in this step where its files are there."""
        waiting, pool = self._waiting.get(token), self._line.pool
        if waiting is None or pool is None or pool.connection.lost.is_set():
            return  # it is submitted with the next connection
        if self._packing.is_due:
            self._nursery.start_soon(self._send_pack_and_submit, pool, token)
        else:
            pool.submit(waiting.job, partial(self._submitted, waiting))

    def _submitted(self, waiting: Waiting, answer: Outcome[Answer]) -> None:
        error = answer.error if isinstance(answer, Error) else None
        waiting.unsent = str(error) if isinstance(error, BrokerLost) else ""
        if isinstance(error, BrokerRefused):
            self._refuse(waiting.job.token, f"the broker refused it: {error}")

    def _refuse(self, token: str, why: str) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is not None:  # else a worker has it by now
            self._carry_out(self._client.withdraw(token))
            waiting.wake(Error(StartRefused(why)))

    async def _refuse_unless_others(self, token: str, why: str) -> None:
        """Who could do it may have no room just now, while who cannot takes it again and again."""
        waiting, present = self._waiting.get(token), await self._company.workers()
        if waiting is None:
            return
        others = (one for one in present or () if one.worker not in waiting.unable)
        if any(could_take(one, waiting.job) for one in others):
            self._submit(token)
        else:
            self._refuse(token, why)

    # The tasks.

    async def _look(self) -> None:
        """Look at the clock, also while nothing can be read and while the run is paused."""
        while True:
            self._carry_out(self._client.tick(clock.monotonic_s()))
            self._poke = trio.Event()
            self._company.look()
            if self._paused:  # Trio's time stands still
                await self._sleep_outside(LOOK_S)
                continue
            with trio.move_on_after(LOOK_S):
                await self._poke.wait()

    async def _send_pack_and_submit(self, pool: Pool, token: str) -> None:
        try:
            await self._packing.send(pool)
        except (BrokerLost, BrokerRefused) as error:
            if waiting := self._waiting.get(token):
                self._submitted(waiting, Error(error))
        else:
            self._submit(token)

    async def _take_back(self, token: str) -> None:
        pool = self._line.pool
        if pool is not None:
            try:
                await pool.withdraw(token)
            except (BrokerLost, BrokerRefused):
                return  # it is forgotten with its time, and a worker that takes it hears No

    async def _nobody_took(self, waiting: Waiting) -> str:
        """Why no worker has begun with it, for people."""
        trouble = self._line.trouble if self._line.pool is None else waiting.unsent
        present = None if trouble or waiting.taker else await self._company.workers()
        waited = duration(self._settings.queue_timeout_ns)
        return waiting.why_nobody_began(waited, present, trouble)
