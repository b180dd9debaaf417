"""A worker at work: takes jobs, obeys runs, reports. The decisions are those of `core.pool.worker`.

Every message, tick and end of an attempt is one synchronous step: feed the machine, carry out what
it says, say what there is to say.
"""

import math
import os
from contextlib import suppress
from functools import partial
from typing import Final

import trio
from msgspec import DecodeError, Struct

from vibeguard.core.names import ExitCode
from vibeguard.core.pool import worker as core
from vibeguard.core.pool.messages import (
    PROTOCOL,
    Job,
    Presence,
    Source,
    Stage,
    decode_from_client,
)
from vibeguard.system import clock
from vibeguard.system.executors.base import StartRefused
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line
from vibeguard.system.worker.attempt import LostHere, RemoteAttempt, Tools
from vibeguard.system.worker.folders import CLEAN_UP_S, Unfit
from vibeguard.system.worker.lease import LeasePage
from vibeguard.version import __version__

BUSY_LOOK_S: Final = 0.02  # the most that output waits before it is sent on
IDLE_LOOK_S: Final = 0.25
SHOW_S: Final = 2.5
CLAIM_S: Final = 5.0  # the broker may have forgotten who is to be woken
UNFIT_PAUSE_S: Final = 2.0  # others get a chance at what this worker cannot do
BROKER_LOST_S: Final = 60.0
ONCE_PATIENCE_S: Final = 600.0
END_BOUND_S: Final = 3.0


class Offer(Struct, frozen=True):
    """What a worker offers: its name, labels and slots; `once` ends it with the runs it saw."""

    identity: str
    name: str
    labels: tuple[str, ...]
    slots: int
    once: bool = False
    drain_s: float = 10.0


class Service:
    """One worker's life, in one Trio run."""

    def __init__(self, access: Access, offer: Offer, tools: Tools, page: LeasePage) -> None:
        self._offer = offer
        self._tools = tools
        self._page = page
        self._machine = core.Worker(offer.identity, offer.name)
        self._attempts: dict[str, RemoteAttempt] = {}
        self._busy: dict[str, trio.CancelScope] = {}
        self._packs: set[str] = set()
        self._damaged: list[str] = []
        self._fetching = trio.Lock()
        self._woken = trio.Event()
        self._was_asked = False
        self._begun = trio.Event()
        self._up = trio.Event()
        self._draining = False
        self._ask_end, self._asked_ends = trio.open_memory_channel[tuple[str, float]](math.inf)
        self._over = trio.Event()
        self._code = ExitCode.PASSED
        self._began_s = clock.monotonic_s()
        self._saw_a_run = False
        self._unfit_until = 0.0
        self._line = Line(
            access,
            offer.identity,
            messages=self._receive,
            up=self._connected,
            wake=self._ask,
            sent=self._speak,
        )

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> int:
        """Until it has drained (0) or the broker is lost (3)."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._line.hold)
            nursery.start_soon(self._look)
            nursery.start_soon(self._show)
            nursery.start_soon(self._take_jobs)
            nursery.start_soon(self._obey_ends)
            nursery.start_soon(self._tools.folders.keep_ready)
            task_status.started()
            await self._over.wait()
            await self._hide()
            nursery.cancel_scope.cancel()
        return self._code

    def drain(self) -> None:
        """Take nothing new, end when nothing is left; after `drain_s`, what is left is lost.

        Asked again, all is lost at once.
        """
        again, self._draining = self._draining, True
        patience_s = 0.0 if again else self._offer.drain_s
        why = "its worker was told to stop" + (" twice" if again else "")
        self._begin_end(why, patience_s)

    def abandon(self, why: str) -> None:
        """End everything now; the worker is over once that has been said."""
        self._code = ExitCode.INCOMPLETE
        self._draining = True
        self._begin_end(why, 0.0)

    def _begin_end(self, why: str, patience_s: float) -> None:
        self._ask_end.send_nowait((why, patience_s))
        self._ask()
        self._check_over()

    async def _obey_ends(self) -> None:
        """Signals come before there is anything to end as well, and when all has ended."""
        async for why, patience_s in self._asked_ends:
            self._nursery.start_soon(self._end_all, why, patience_s)

    async def _end_all(self, why: str, patience_s: float) -> None:
        """After a while, end what runs, and say so to whoever listens."""
        await trio.sleep(patience_s)
        self._give_up(why)
        with trio.move_on_after(END_BOUND_S):
            while self._busy or self._machine.speakers():  # noqa: ASYNC110 - many things end it
                await trio.sleep(BUSY_LOOK_S)
        self._over.set()

    def _give_up(self, why: str) -> None:
        self._carry_out(self._machine.give_up(why, clock.monotonic_s()))

    # What comes in.

    def _receive(self, payload: bytes | memoryview) -> None:
        try:
            message = decode_from_client(payload)
        except DecodeError:
            return  # of another protocol: its jobs are not taken here either
        self._carry_out(self._machine.receive(message, clock.monotonic_s()))

    def _connected(self) -> None:
        self._machine.hurry()
        self._up.set()
        self._wake()
        self._speak()

    def _wake(self) -> None:
        self._woken.set()

    def _ask(self) -> None:
        """The broker has chosen this worker for a job: it takes one, or has another one asked."""
        self._was_asked = True
        self._wake()

    def _carry_out(self, effects: list[core.Effect]) -> None:
        for effect in effects:
            claim = effect.claim
            attempt = self._attempts.get(claim)
            if attempt is None:
                continue
            match effect:
                case core.Start():
                    self._nursery.start_soon(self._run, claim, attempt)
                case core.End(grace_ns=grace_ns):
                    self._nursery.start_soon(attempt.end, grace_ns)
                case core.Pause(paused=paused):
                    attempt.pause(paused=paused)
                case core.Forget():
                    self._nursery.start_soon(self._forget, claim, attempt)
        self._speak()

    def _speak(self) -> None:
        """Say all that there is to say, and let the guardian know how long what runs may run."""
        now = clock.monotonic_s()
        while self._line.has_room and (clients := self._machine.speakers()):
            for client in clients:
                self._line.tell(self._machine.message(client, now, self._read))
            while self._damaged:
                why = "its output was changed by another process"
                self._machine.damaged(self._damaged.pop(), why, now)
        self._page.set(self._machine.lease_ends())

    def _read(self, claim: str, stream: int, offset: int, size: int) -> bytes:
        try:
            data = self._attempts[claim].read(stream, offset, size)
        except OSError:
            data = b""
        if not data:
            self._damaged.append(claim)
        return data

    # The tasks.

    async def _look(self) -> None:
        """Look at what runs, and at the clock. Never waits for the broker."""
        while True:
            for claim, attempt in self._attempts.items():
                self._report(claim, attempt)
            self._carry_out(self._machine.tick(clock.monotonic_s()))
            away_s = clock.monotonic_s() - self._line.lost_at_s
            if self._line.pool is None and away_s > BROKER_LOST_S:
                self._code = ExitCode.INCOMPLETE
                self._over.set()
            if not self._busy:
                self._begun = trio.Event()
                with trio.move_on_after(IDLE_LOOK_S):
                    await self._begun.wait()
            if self._busy:
                await trio.sleep(BUSY_LOOK_S)

    def _report(self, claim: str, attempt: RemoteAttempt) -> None:
        attempt.look()
        running = attempt.attempt
        if running is None:
            return
        self._machine.grown(claim, running.output_bytes)
        self._machine.note(
            claim,
            exited=running.exited,
            exceeded=attempt.exceeded,
            leak_ended=attempt.leak_ended,
            struck=attempt.struck,
        )

    async def _show(self) -> None:
        """Show this worker, and see whether there are runs."""
        while True:
            with suppress(BrokerLost, BrokerRefused):  # with a new connection, or the next round
                if self._line.pool is not None:
                    self._note_runs(await self._line.pool.show(self._presence()))
            self._up = trio.Event()
            with trio.move_on_after(SHOW_S):
                await self._up.wait()

    def _note_runs(self, runs: int) -> None:
        if not self._offer.once:
            return
        self._saw_a_run = self._saw_a_run or runs > 0
        waited_s = clock.monotonic_s() - self._began_s
        if not runs and (self._saw_a_run or waited_s > ONCE_PATIENCE_S):
            self._draining = True
            self._check_over()

    def _presence(self) -> Presence:
        return Presence(
            worker=self._offer.identity,
            name=self._offer.name,
            protocol=PROTOCOL,
            version=__version__,
            labels=self._offer.labels,
            slots=self._offer.slots,
            used=len(self._busy),
            draining=self._draining,
        )

    async def _take_jobs(self) -> None:
        """Take as many jobs as there are free slots, whenever there may be one."""
        while True:
            unfit_s = self._unfit_until - trio.current_time()
            with trio.move_on_after(min(unfit_s, CLAIM_S) if unfit_s > 0 else CLAIM_S):
                await self._woken.wait()
            self._woken = trio.Event()
            was_asked, self._was_asked = self._was_asked, False
            try:
                if was_asked and not self._may_take() and self._line.pool is not None:
                    await self._line.pool.pass_on(self._offer.identity, self._offer.labels)
                while self._may_take() and await self._claim():
                    pass
            except (BrokerLost, BrokerRefused):
                continue

    @property
    def _free_slots(self) -> int:
        return self._offer.slots - len(self._busy)

    def _may_take(self) -> bool:
        is_fit = trio.current_time() >= self._unfit_until
        return self._free_slots > 0 and not self._draining and is_fit

    async def _claim(self) -> bool:
        """Take jobs, and say whether to look for more at once."""
        pool, offer = self._line.pool, self._offer
        if pool is None:
            return False
        claimed = await pool.claim(offer.identity, offer.labels, self._free_slots)
        for job in claimed.jobs:
            self._take(job)
        return claimed.perhaps_more

    def _take(self, job: Job) -> None:
        self._saw_a_run = True
        claim = os.urandom(12).hex()
        self._attempts[claim] = attempt = RemoteAttempt(job, claim, self._tools)
        self._busy[claim] = trio.CancelScope()
        self._machine.take(job, claim, clock.monotonic_s())
        self._begun.set()
        self._nursery.start_soon(self._prepare, claim, attempt)

    async def _prepare(self, claim: str, attempt: RemoteAttempt) -> None:
        unfit = ""
        with self._busy[claim] as scope:
            try:
                _compare_protocol(attempt.job)
                await self._fetch_pack(attempt.job.source)
                await self._tools.folders.arrive(attempt.job.source)
                await attempt.prepare()
            except (Unfit, BrokerLost, BrokerRefused, OSError) as error:
                unfit = str(error) or type(error).__name__
                self._unfit_until = trio.current_time() + UNFIT_PAUSE_S
        if scope.cancelled_caught:
            return
        now = clock.monotonic_s()
        if unfit:
            self._machine.over(claim, Stage.UNFIT, f"{self._offer.name}: {unfit}", now)
            self._free(claim)
        else:
            self._machine.offer(claim, now)
        self._speak()

    async def _fetch_pack(self, source: Source) -> None:
        """The pack of the run's files, kept for all attempts on them."""
        async with self._fetching:
            if not source.pack or source.pack in self._packs:
                return
            pool = self._line.pool
            if pool is None:
                raise BrokerLost("there is no connection")
            path = self._tools.store.pack_path(source)
            async with await trio.open_file(path, "wb") as file:
                async for part in pool.parts_of_pack(source.pack, source.pack_bytes):
                    await file.write(part)
            await trio.to_thread.run_sync(_compare, path, source.pack)
            self._packs.add(source.pack)

    async def _run(self, claim: str, attempt: RemoteAttempt) -> None:
        """From Go to the end of the tree."""
        if not self._machine.holds(claim):
            return  # by now it is to be forgotten: what waited here came all at once
        try:
            result = await attempt.run(partial(self._machine.started, claim))
        except StartRefused as refused:
            self._machine.over(claim, Stage.REFUSED, refused.reason, clock.monotonic_s())
        except LostHere as lost:
            self._machine.over(claim, Stage.LOST, str(lost), clock.monotonic_s())
        else:
            self._report(claim, attempt)
            self._machine.ended(claim, result, clock.monotonic_s())
        self._free(claim)
        self._speak()

    async def _forget(self, claim: str, attempt: RemoteAttempt) -> None:
        """End what runs of it, and remove its files."""
        scope = self._busy.get(claim)
        if scope is not None:
            scope.cancel()
        await attempt.end(0)
        self._free(claim)
        self._attempts.pop(claim, None)
        with trio.move_on_after(CLEAN_UP_S, shield=True):
            await trio.to_thread.run_sync(attempt.discard, abandon_on_cancel=True)
        self._check_over()

    def _free(self, claim: str) -> None:
        self._busy.pop(claim, None)
        self._wake()

    def _check_over(self) -> None:
        if self._draining and not self._attempts:
            self._over.set()

    async def _hide(self) -> None:
        with trio.move_on_after(1), suppress(BrokerLost, BrokerRefused):
            if self._line.pool is not None:
                await self._line.pool.hide(self._offer.identity)


def _compare_protocol(job: Job) -> None:
    """Raises Unfit where the run speaks another protocol."""
    if job.protocol != PROTOCOL:
        spoken = f"its VibeGuard {__version__} speaks protocol {PROTOCOL}"
        raise Unfit(f"{spoken}, the run's {job.protocol}")


def _compare(path: str, digest: str) -> None:
    """Raises Unfit where a file has another SHA-256."""
    from hashlib import file_digest  # noqa: PLC0415 - seldom needed

    with open(path, "rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest:
            raise Unfit("the files of the run were altered on their way")
