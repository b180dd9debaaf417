"""A worker at work: takes jobs, obeys runs, reports. The decisions are those of `core.pool.worker`.

Every message, tick and end of an attempt is one synchronous step: feed the machine, carry out what
it says, say what there is to say.
"""

import math
import os
from functools import partial
from typing import Final

import trio

from vibeguard.core.names import ExitCode
from vibeguard.core.pool import worker as core
from vibeguard.core.pool.messages import Job, Stage, decode_from_client
from vibeguard.core.problems import UNDECODABLE
from vibeguard.system import clock
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.line import Line
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.worker.attempt import LostHere, RemoteAttempt, Tools
from vibeguard.system.worker.guardian import LeasePage
from vibeguard.system.worker.showing import Offer, Shown
from vibeguard.system.worker.taking import Taking, compare_protocol
from vibeguard.system.worker.trees import Unfit

BUSY_LOOK_S: Final = 0.02  # the most that output waits before it is sent on
IDLE_LOOK_S: Final = 0.25
BROKER_LOST_S: Final = 60.0
END_BOUND_S: Final = 3.0


class Service:
    """One worker's life, in one Trio run."""

    def __init__(self, access: Access, offer: Offer, tools: Tools, page: LeasePage) -> None:
        self._offer = offer
        self._tools = tools
        self._page = page
        self._machine = core.Worker(offer.identity, offer.name)
        self._attempts: dict[str, RemoteAttempt] = {}
        self._busy: dict[str, trio.CancelScope] = {}
        self._damaged: list[str] = []
        self._begun = trio.Event()
        self._draining = False
        self._ask_end, self._asked_ends = trio.open_memory_channel[tuple[str, float]](math.inf)
        self._over = trio.Event()
        self._code = ExitCode.PASSED
        self.trouble = ""
        self._line = Line(
            access,
            offer.identity,
            messages=self._receive,
            up=self._connected,
            wake=lambda: self._taking.ask(),  # noqa: PLW0108 - it is made below
            fill=self._fill,
        )
        self._taking = Taking(self._line, offer, self._free_slots, self._take)
        self._shown = Shown(
            self._line,
            offer,
            state=lambda: (len(self._busy), self._draining),
            no_runs=self._end_when_idle,
        )

    async def serve(self) -> int:
        """Until it has drained (0) or the broker is lost (3, and `trouble` says more)."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._line.hold)
            nursery.start_soon(self._look)
            nursery.start_soon(self._shown.hold)
            nursery.start_soon(self._taking.hold)
            nursery.start_soon(self._obey_ends)
            nursery.start_soon(self._tools.folders.keep_ready)
            nursery.start_soon(self._tools.removing.hold)
            await self._over.wait()
            await self._shown.hide()
            nursery.cancel_scope.cancel()
        await self._tools.removing.finish()
        return self._code

    def drain(self) -> None:
        """Take nothing new, end when nothing is left; after `drain_s`, what is left is lost.

        Asked again, all is lost at once.
        """
        again, self._draining = self._draining, True
        self._tools.told_to_stop.set()
        patience_s = 0.0 if again else self._offer.drain_s
        why = "its worker was told to stop" + (" twice" if again else "")
        self._begin_end(why, patience_s)

    def abandon(self, why: str) -> None:
        """End everything now; the worker is over once that has been said."""
        self._code, self.trouble = ExitCode.INCOMPLETE, why
        self._draining = True
        self._begin_end(why, 0.0)

    def _begin_end(self, why: str, patience_s: float) -> None:
        self._ask_end.send_nowait((why, patience_s))
        self._taking.ask()
        self._check_over()

    def _end_when_idle(self) -> None:
        self._draining = True
        self._check_over()

    async def _obey_ends(self) -> None:
        """Begin each end that was asked for; a signal may come before there is anything to end."""
        async for why, patience_s in self._asked_ends:
            self._nursery.start_soon(self._end_all, why, patience_s)

    async def _end_all(self, why: str, patience_s: float) -> None:
        """After `patience_s` end what runs, and wait until the runs have been told."""
        await trio.sleep(patience_s)
        self._carry_out(self._machine.give_up(why, clock.monotonic_s()))
        with trio.move_on_after(END_BOUND_S):
            while self._busy or self._machine.speakers():  # noqa: ASYNC110 - many things end it
                await trio.sleep(BUSY_LOOK_S)
        self._over.set()

    # What comes in.

    def _receive(self, payload: bytes | memoryview) -> None:
        try:
            message = decode_from_client(payload)
        except UNDECODABLE:
            return  # of another protocol: its jobs are not taken here either
        self._carry_out(self._machine.receive(message, clock.monotonic_s()))

    def _connected(self) -> None:
        self._machine.hurry()
        self._shown.show_again()
        self._taking.look()
        self._speak()

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
                case core.Forget() if claim in self._busy:
                    self._nursery.start_soon(self._end, claim, attempt)
                case core.Forget():
                    self._forget(claim, attempt)
        self._speak()

    def _speak(self) -> None:
        """Have messages sent, and tell the guardian when the leases end."""
        self._page.set(self._machine.lease_ends())
        if self._machine.speakers():
            self._line.ask_to_fill()

    def _fill(self) -> None:
        """Send the messages that are due."""
        now = clock.monotonic_s()
        while self._line.has_room and (clients := self._machine.speakers()):
            for client in clients:
                self._line.tell(self._machine.message(client, now, self._read))
            while self._damaged:
                why = "its output was changed by another process"
                self._machine.damaged(self._damaged.pop(), why, now)

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
        """Look at the attempts and at the clock, again and again. Never waits for the broker."""
        while True:
            for claim, attempt in self._attempts.items():
                self._report(claim, attempt)
            self._carry_out(self._machine.tick(clock.monotonic_s()))
            self._give_up_the_broker()
            if not self._busy:
                self._begun = trio.Event()
                with trio.move_on_after(IDLE_LOOK_S):
                    await self._begun.wait()
            if self._busy:
                await trio.sleep(BUSY_LOOK_S)

    def _give_up_the_broker(self) -> None:
        """After a minute without one, or with one that takes nothing: it is a replica by now."""
        away_s, bound = clock.monotonic_s() - self._line.lost_at_s, f"for {BROKER_LOST_S:.0f} s"
        if self._line.pool is None and away_s > BROKER_LOST_S:
            self.trouble = f"the broker could not be reached {bound}: {self._line.trouble}"
            self._over.set()
        elif self._shown.refused_s > BROKER_LOST_S:
            self.trouble = f"the broker has refused it {bound}: {self._shown.refusal}"
            self._end_when_idle()  # what runs can still be told of
        self._code = ExitCode.INCOMPLETE if self.trouble else self._code

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

    def _free_slots(self) -> int:
        return 0 if self._draining else self._offer.slots - len(self._busy)

    def _take(self, job: Job) -> None:
        self._shown.saw_a_run = True
        claim = os.urandom(12).hex()
        self._attempts[claim] = attempt = RemoteAttempt(job, claim, self._tools)
        self._busy[claim] = trio.CancelScope()
        self._machine.take(job, claim, clock.monotonic_s())
        self._begun.set()
        self._nursery.start_soon(self._prepare, claim, attempt)

    async def _prepare(self, claim: str, attempt: RemoteAttempt) -> None:
        unfit, folders = "", self._tools.folders
        with self._busy[claim] as scope:
            try:
                compare_protocol(attempt.job)
                await folders.trees.fetch(self._line, attempt.job.source)
                await attempt.prepare()
            except (Unfit, BrokerLost, BrokerRefused, OSError) as error:
                told = isinstance(error, OSError) and error.strerror
                unfit = f"the folder could not be made: {told}" if told else str(error)
            used = (one.job.source for one in self._attempts.values())
            folders.remove_old_trees(used, all_others=bool(unfit))  # perhaps the disk is full
        if scope.cancelled_caught:
            return
        now = clock.monotonic_s()
        if unfit:
            self._taking.pause()
            self._machine.over(claim, Stage.UNFIT, f"{self._offer.name}: {unfit}", now)
            self._free(claim)
        else:
            self._machine.offer(claim, now)
        self._speak()

    async def _run(self, claim: str, attempt: RemoteAttempt) -> None:
        """Run an attempt, from the run's Go to the end of its tree."""
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

    async def _end(self, claim: str, attempt: RemoteAttempt) -> None:
        """End what is made or runs of it, and forget it."""
        if (scope := self._busy.get(claim)) is not None:
            scope.cancel()
        await attempt.end(0)
        self._free(claim)
        self._forget(claim, attempt)

    def _forget(self, claim: str, attempt: RemoteAttempt) -> None:
        self._attempts.pop(claim, None)
        attempt.discard()
        self._check_over()

    def _free(self, claim: str) -> None:
        if self._busy.pop(claim, None) is not None:
            self._taking.look()

    def _check_over(self) -> None:
        if self._draining and not self._attempts:
            self._over.set()
