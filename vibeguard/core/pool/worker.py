"""A worker's end of the protocol: its claims, its leases, and what it has to say of them.

Pure: what came in and the time by a clock that never stands still (seconds), effects out. A claim
starts by one Go within five seconds of its offer, and never twice.

The lease is counted from the moment at which a message left here that the run says it has heard.
The run counts from the moment at which it came there, which is later: so a tree is ended here
before the run calls it lost, however long messages take in either direction.

A tree is gone when its lease is over, so its end begins `ENDING_S` earlier.
"""

from typing import NamedTuple

from vibeguard.core.pool.claims import Held, Link, ReadChunk
from vibeguard.core.pool.messages import (
    Answer,
    FromClient,
    FromWorker,
    Job,
    Order,
    Result,
    Stage,
    Struck,
)
from vibeguard.core.wording.units import SECOND_NS

OFFER_S = 5.0
# So often that a cut of eight tenths of a lease goes by without a loss: what is left of it is
# enough for the beat that did not get through, to connect again, and to end a tree.
BEATS_A_LEASE = 20
# To end a tree takes 10 ms, one of 100 processes on a busy machine 80 ms. The guardian of a worker
# that stands still begins when half of this is over.
ENDING_S = 0.4
# A result that nobody fetches is kept this long beyond the lease.
BEYOND_LEASE_S = 5.0

_UNSTARTED = (Stage.PREPARING, Stage.OFFERED)
_STARTED = (Stage.RUNNING, Stage.EXITED)


class Start(NamedTuple):
    """The run said Go: start it, then call `started` or `over`."""

    claim: str


class End(NamedTuple):
    """End its tree within this grace; asked again, the grace has become shorter."""

    claim: str
    grace_ns: int


class Pause(NamedTuple):
    """Stop it, or let it go on."""

    claim: str
    paused: bool


class Forget(NamedTuple):
    """Nothing of this claim is of use any more: end it without grace, remove its folder."""

    claim: str


Effect = Start | End | Pause | Forget


class Worker:
    """All claims of one worker; `identity` is random for each start of it."""

    def __init__(self, identity: str, name: str) -> None:
        self.identity = identity
        self.name = name
        self._number = 0  # of all messages, so that it never goes back for any run
        self._held: dict[str, Held] = {}
        self._links: dict[str, Link] = {}

    def take(self, job: Job, claim: str, now: float) -> None:
        """A job has been taken from the queue; its folder is being made."""
        link = self._links.get(job.client)
        if link is None:
            link = self._links[job.client] = Link(job.client, job.lease_ns / SECOND_NS, now)
        self._held[claim] = Held(job, claim)
        self._say(claim)

    def holds(self, claim: str) -> bool:
        """Whether this claim has not been forgotten."""
        return claim in self._held

    def offer(self, claim: str, now: float) -> None:
        """It could start now."""
        held = self._held.get(claim)
        if held is not None and held.stage is Stage.PREPARING:
            held.stage, held.offered_at = Stage.OFFERED, now
            self._say(claim, asks=True)

    def started(self, claim: str) -> None:
        """The command runs."""
        self._say(claim)

    def over(self, claim: str, stage: Stage, why: str, now: float) -> None:
        """Nothing runs of it: unfit, refused or lost."""
        held = self._held.get(claim)
        if held is not None and held.over_at is None:
            held.stage, held.why, held.over_at = stage, why, now
            self._say(claim, asks=True)

    def damaged(self, claim: str, why: str, now: float) -> None:
        """Its output cannot be read back as it was: it can have no result."""
        held = self._held.get(claim)
        if held is not None:
            held.over_at, held.result = None, None
            self.over(claim, Stage.LOST, why, now)

    def ended(self, claim: str, result: Result, now: float) -> None:
        """Nothing is left of its tree. What this worker ended by itself has no result."""
        held = self._held.get(claim)
        if held is None or held.over_at is not None:
            return
        if held.why:
            self.over(claim, Stage.LOST, held.why, now)
            return
        held.stage, held.result, held.over_at = Stage.ENDED, result, now
        held.available = list(result.sizes)
        self._say(claim, asks=True)

    def grown(self, claim: str, output_bytes: int) -> None:
        """The output has grown to so many bytes."""
        held = self._held.get(claim)
        if held is not None and output_bytes > held.available[0]:
            held.available[0] = output_bytes
            self._say(claim)

    def note(
        self,
        claim: str,
        *,
        exited: bool = False,
        exceeded: bool = False,
        leak_ended: bool = False,
        struck: Struck | None = None,
    ) -> None:
        """Something has happened to a started attempt."""
        held = self._held.get(claim)
        if held is None or held.over_at is not None:
            return
        before = (held.stage, held.exceeded, held.leak_ended, held.struck)
        if exited:
            held.stage = Stage.EXITED
        held.exceeded = held.exceeded or exceeded
        held.leak_ended = held.leak_ended or leak_ended
        held.struck = held.struck or struck
        if before != (held.stage, held.exceeded, held.leak_ended, held.struck):
            self._say(claim)

    def give_up(self, why: str, now: float) -> list[Effect]:
        """End all that there is, by the worker itself: lost, never failed."""
        effects: list[Effect] = []
        for claim in list(self._held):
            effects += self._lose(claim, why, now)
        return effects

    def receive(self, message: FromClient, now: float) -> list[Effect]:
        """One message of a run; a repeated or late one changes nothing, not even the lease."""
        link = self._links.get(message.client)
        if link is None or message.worker != self.identity or message.number <= link.heard:
            return []
        link.heard = message.number
        link.echoed(message.heard)
        effects: list[Effect] = []
        for order in message.orders:
            held = self._held.get(order.claim)
            if held is not None and held.job.client == message.client:
                effects += self._obey(held, order, message.heard, now)
        return effects

    def tick(self, now: float) -> list[Effect]:
        """What is due by now: offers that have run out, leases that are over, beats."""
        effects: list[Effect] = []
        for held in list(self._held.values()):
            link = self._links[held.job.client]
            if held.stage is Stage.OFFERED and now > held.offered_at + OFFER_S:
                self.over(held.claim, Stage.REFUSED, "the run's word came too late", now)
            elif held.stage in _STARTED and now >= link.lease_ends - ENDING_S:
                why = f"its run was not heard of for {link.lease_s:g} s"
                effects += self._lose(held.claim, why, now)
            elif now >= _last(link.basis, held.over_at) + link.lease_s + BEYOND_LEASE_S:
                effects += self._forget(held.claim)
        for link in self._links.values():
            if now >= link.next_beat:
                link.dirty = link.asks = True
        return effects

    def lease_ends(self) -> float | None:
        """When the first started attempt has to be gone if nothing is heard; None without any."""
        ends = [
            self._links[held.job.client].lease_ends
            for held in self._held.values()
            if held.stage in _STARTED
        ]
        return min(ends, default=None)

    def hurry(self) -> None:
        """There is a connection again: report everything anew, at once."""
        for link in self._links.values():
            link.dirty = link.asks = True

    def speakers(self) -> list[str]:
        """The clients to which there is something to say."""
        return [client for client, link in self._links.items() if link.dirty]

    def message(self, client: str, now: float, read: ReadChunk) -> FromWorker:
        """The next message to this client: all that there is to say."""
        link = self._links[client]
        self._number += 1
        held = [one for one in self._held.values() if one.job.client == client]
        reports = tuple(one.report(one.take_chunks(read, self._number)) for one in held)
        link.dirty = any(one.has_more for one in held)
        link.sent.append((self._number, now))
        if link.asks:
            link.next_beat = now + link.lease_s / BEATS_A_LEASE
        asks, link.asks = link.asks, False
        return FromWorker(
            worker=self.identity,
            name=self.name,
            client=client,
            number=self._number,
            asks=asks,
            reports=reports,
        )

    def _obey(self, held: Held, order: Order, heard: int, now: float) -> list[Effect]:
        """Do what the run wants of one claim; what it has said before changes nothing."""
        if order.over or order.answer is Answer.NO:
            return self._forget(held.claim)
        effects: list[Effect] = []
        if order.answer is Answer.GO and held.stage is Stage.OFFERED:
            if now > held.offered_at + OFFER_S:
                self.over(held.claim, Stage.REFUSED, "the run's word came too late", now)
                return []
            held.stage = Stage.RUNNING
            effects.append(Start(held.claim))
        self._acknowledge(held, order, heard)
        if held.stage in _STARTED:
            if order.paused is not held.paused:
                held.paused = order.paused
                effects.append(Pause(held.claim, order.paused))
            grace = order.grace_ns
            if grace is not None and (held.grace_ns is None or grace < held.grace_ns):
                held.grace_ns = grace
                effects.append(End(held.claim, grace))
        return effects

    def _acknowledge(self, held: Held, order: Order, heard: int) -> None:
        """Note what the run has received; what it has missed is sent again."""
        held.window = order.window
        for stream, received in enumerate(order.received):
            held.received[stream] = max(held.received[stream], received)
            if heard >= held.sent_in and received < held.sent[stream]:
                held.sent[stream] = received
            if held.sent[stream] < held.available[stream]:
                self._say(held.claim)

    def _lose(self, claim: str, why: str, now: float) -> list[Effect]:
        """End it by the worker's own decision: it will have no result."""
        held = self._held[claim]
        if held.stage in _UNSTARTED:
            self.over(claim, Stage.UNFIT, why, now)
            return []
        if held.over_at is not None or held.why:
            return []
        held.why, held.grace_ns = why, 0
        return [End(claim, 0)]

    def _forget(self, claim: str) -> list[Effect]:
        held = self._held.pop(claim)
        link = self._links[held.job.client]
        if not any(one.job.client == link.client for one in self._held.values()):
            del self._links[link.client]
        return [Forget(claim)]

    def _say(self, claim: str, *, asks: bool = False) -> None:
        link = self._links[self._held[claim].job.client]
        link.dirty = True
        link.asks = link.asks or asks


def _last(basis: float, over_at: float | None) -> float:
    return basis if over_at is None else max(basis, over_at)
