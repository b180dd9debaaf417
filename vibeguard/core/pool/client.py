"""The run's end of the protocol: which worker has which attempt, and what is to be said to it.

Pure: what came in and the time by a clock that never stands still (seconds), effects out. The run
alone decides that something starts, by one Go for one claim of an attempt.
"""

from typing import NamedTuple

from vibeguard.core.pool.asked import Attempt, Link, Step
from vibeguard.core.pool.messages import (
    WINDOW_BYTES,
    Answer,
    FromClient,
    FromWorker,
    Order,
    Report,
    Result,
    Stage,
)
from vibeguard.core.wording.units import SECOND_NS

# A broker that forgot a job is told again; submitting is idempotent, and Go makes twice harmless.
RESUBMIT_S = 2.0
# A worker ends what it cannot hear of within the lease; it has this long to be late.
BEYOND_LEASE_S = 3.0
BEYOND_GRACE_S = 2.0
# What all attempts of a run share: a broker gives a reader up that is 32 MiB behind.
UNDER_WAY_BYTES = 8 << 20
LEAST_WINDOW_BYTES = 16 << 10
# This part of a window may be received before it is acknowledged without being asked.
ACKNOWLEDGED_PARTS = 4


class Offered(NamedTuple):
    """A worker could start this attempt now: to be answered by `decide` before anything else."""

    token: str


class Queued(NamedTuple):
    """The job is to be submitted (again); `why` it came back from `worker`, if it did."""

    token: str
    why: str = ""
    worker: str = ""


class Received(NamedTuple):
    """More of a stream: 0 is the output, 1 the parcel."""

    token: str
    stream: int
    data: bytes


class News(NamedTuple):
    """What a worker reports of a started attempt that has not ended."""

    token: str
    report: Report


class Ended(NamedTuple):
    """The attempt is over: with a result, refused, or lost with a reason."""

    token: str
    result: Result | None
    why: str = ""
    refused: bool = False


class Reply(NamedTuple):
    """`orders` for this worker are to be sent now."""

    worker: str


Effect = Offered | Queued | Received | News | Ended | Reply


class Client:
    """All attempts of one run that are with the pool."""

    def __init__(self, name: str, *, lease_s: float) -> None:
        self.name = name
        self._lease_s = lease_s
        self._attempts: dict[str, Attempt] = {}
        self._links: dict[str, Link] = {}
        self._paused = False
        self.late_results = 0

    def submit(self, token: str, now: float) -> None:
        """The job of this attempt has just been submitted for the first time."""
        self._attempts[token] = Attempt(token, now)

    def withdraw(self, token: str) -> list[Effect]:
        """The attempt is not wanted any more, and was not started: whoever offers it gets No."""
        attempt = self._attempts.pop(token, None)
        if attempt is None or not attempt.claim:
            return []
        return self._close(attempt.worker, attempt.claim)

    def decide(self, token: str, *, go: bool) -> None:
        """The answer to `Offered`, in the step in which that came."""
        attempt = self._attempts[token]
        if attempt.step is not Step.CLAIMED or attempt.answer is not Answer.OPEN:
            raise ValueError("an offer is answered once")
        if go:
            attempt.step, attempt.answer = Step.GOING, Answer.GO
        else:
            self.withdraw(token)

    def terminate(self, token: str, grace_ns: int, now: float) -> list[Effect]:
        """Have a started attempt ended; a later call can shorten the grace."""
        attempt = self._attempts.get(token)
        if attempt is None or attempt.step is not Step.GOING:
            return []
        if attempt.grace_ns is not None and grace_ns >= attempt.grace_ns:
            return []
        end_by = now + grace_ns / SECOND_NS + BEYOND_GRACE_S
        attempt.grace_ns = grace_ns
        attempt.end_by = end_by if attempt.end_by is None else min(attempt.end_by, end_by)
        return [Reply(attempt.worker)]

    def pause(self, *, paused: bool) -> list[Effect]:
        """Stop or continue every started attempt."""
        self._paused = paused
        going = {a.worker for a in self._attempts.values() if a.step is Step.GOING}
        return [Reply(worker) for worker in sorted(going)]

    def worker_of(self, token: str) -> str:
        """The name of the machine that has the attempt; empty while none has."""
        attempt = self._attempts.get(token)
        return self._links[attempt.worker].name if attempt and attempt.worker else ""

    def orders(self, worker: str) -> FromClient:
        """The next message to this worker: all that is wanted of it."""
        link = self._links[worker]
        link.number += 1
        window = self._window()
        current = [
            attempt.order(paused=self._paused, window=window)
            for attempt in self._attempts.values()
            if attempt.worker == worker
        ]
        closing, link.closing = link.closing, {}
        return FromClient(
            client=self.name,
            worker=worker,
            number=link.number,
            heard=link.heard,
            orders=(*current, *closing.values()),
        )

    def _window(self) -> int:
        """The share of one attempt in what may be under way to this run."""
        going = sum(a.step is Step.GOING for a in self._attempts.values())
        share = UNDER_WAY_BYTES // max(1, going)
        return max(LEAST_WINDOW_BYTES, min(WINDOW_BYTES, share))

    def receive(self, message: FromWorker, now: float) -> list[Effect]:
        """One message of a worker; a repeated or late one changes nothing."""
        if message.client != self.name:
            return []
        link = self._links.setdefault(message.worker, Link(message.name))
        if message.number <= link.heard:
            return []
        link.heard, link.heard_at = message.number, now
        effects: list[Effect] = []
        for report in message.reports:
            effects += self._take(message.worker, report)
        if message.asks:
            effects.append(Reply(message.worker))
        return _replies_last(effects)

    def tick(self, now: float) -> list[Effect]:
        """What is due by now: silent workers, ends that did not come, jobs that may be forgotten.

        To be called also while nothing can be read: silence is judged by this clock alone.
        """
        effects: list[Effect] = []
        for attempt in list(self._attempts.values()):
            effects += self._due(attempt, now)
        return _replies_last(effects)

    def _due_at(self, attempt: Attempt) -> float:
        if attempt.step is Step.QUEUED:
            return attempt.submitted_at + RESUBMIT_S
        silent_at = self._links[attempt.worker].heard_at + self._lease_s + BEYOND_LEASE_S
        return silent_at if attempt.end_by is None else min(silent_at, attempt.end_by)

    def _due(self, attempt: Attempt, now: float) -> list[Effect]:
        if now < self._due_at(attempt):
            return []
        if attempt.step is Step.QUEUED:
            attempt.submitted_at = now
            return [Queued(attempt.token)]
        worker = self._links[attempt.worker].name
        if attempt.step is Step.CLAIMED:
            return self._release(attempt, f"{worker} took it and was not heard of again")
        silent_s = now - self._links[attempt.worker].heard_at
        asked = attempt.end_by is not None and now >= attempt.end_by
        why = f"{worker} was told to end it and did not confirm" if asked else ""
        why = why or f"{worker} was not heard of for {silent_s:.0f} s"
        return self._end(
            attempt, Ended(attempt.token, None, f"{why}; it may still be running there")
        )

    def _take(self, worker: str, report: Report) -> list[Effect]:
        """One report: of the claim that has the attempt, of the first on it, or of neither."""
        attempt = self._attempts.get(report.token)
        if attempt is None or attempt.claim not in ("", report.claim):
            if report.stage is Stage.ENDED:
                self.late_results += 1
            return self._close(worker, report.claim)
        if not attempt.claim:
            attempt.claim, attempt.worker, attempt.step = report.claim, worker, Step.CLAIMED
        if attempt.step is Step.CLAIMED:
            return self._take_unstarted(attempt, report)
        return self._take_started(attempt, report)

    def _take_unstarted(self, attempt: Attempt, report: Report) -> list[Effect]:
        match report.stage:
            case Stage.PREPARING:
                return []
            case Stage.OFFERED:
                return [Offered(attempt.token), Reply(attempt.worker)]
            case _:  # nothing can have run without our Go, whatever the report says
                return self._release(attempt, report.why)

    def _take_started(self, attempt: Attempt, report: Report) -> list[Effect]:
        match report.stage:
            case Stage.OFFERED:
                return [Reply(attempt.worker)]
            case Stage.REFUSED:
                return self._end(attempt, Ended(attempt.token, None, report.why, refused=True))
            case Stage.RUNNING | Stage.EXITED | Stage.ENDED:
                return self._take_running(attempt, report)
            case _:
                return self._end(attempt, Ended(attempt.token, None, report.why))

    def _take_running(self, attempt: Attempt, report: Report) -> list[Effect]:
        """Take what a started attempt reports: its streams, and in the end a result."""
        effects: list[Effect] = [News(attempt.token, report)]
        for chunk in report.chunks:
            have = attempt.received[chunk.stream]
            data = chunk.data[have - chunk.offset :] if chunk.offset <= have else b""
            if data:  # else a repeat, or a gap: it is sent again from where we are
                attempt.received[chunk.stream] += len(data)
                effects.append(Received(attempt.token, chunk.stream, data))
        result = report.result
        if result is not None:
            sizes = result.sizes
            if any(have > size for have, size in zip(attempt.received, sizes, strict=True)):
                why = "more arrived than the worker says that there was"
                return effects + self._end(attempt, Ended(attempt.token, None, why))
            if tuple(attempt.received) == sizes:
                return effects + self._end(attempt, Ended(attempt.token, result))
        if sum(attempt.received) - attempt.acknowledged >= attempt.window // ACKNOWLEDGED_PARTS:
            effects.append(Reply(attempt.worker))
        return effects

    def _end(self, attempt: Attempt, ended: Ended) -> list[Effect]:
        del self._attempts[attempt.token]
        return [ended, *self._close(attempt.worker, attempt.claim)]

    def _release(self, attempt: Attempt, why: str) -> list[Effect]:
        """Nothing of it runs there: it goes back to the queue."""
        again = Queued(attempt.token, why, attempt.worker)
        closing = self._close(attempt.worker, attempt.claim)
        attempt.claim = attempt.worker = ""
        attempt.step = Step.QUEUED
        return [again, *closing]

    def _close(self, worker: str, claim: str) -> list[Effect]:
        """Tell the worker to forget this claim, and to end what runs of it."""
        self._links[worker].closing[claim] = Order(claim=claim, answer=Answer.NO, over=True)
        return [Reply(worker)]


def _replies_last(effects: list[Effect]) -> list[Effect]:
    """Each worker is answered once, when all else has been done: an answer says all there is."""
    replies = dict.fromkeys(effect for effect in effects if isinstance(effect, Reply))
    return [*(effect for effect in effects if not isinstance(effect, Reply)), *replies]
