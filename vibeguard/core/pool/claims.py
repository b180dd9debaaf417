"""What a worker knows of one claim, and of what passes between it and one run."""

from collections import deque
from collections.abc import Callable

from vibeguard.core.pool.messages import WINDOW_BYTES, Chunk, Job, Report, Result, Stage, Struck

CHUNK_BYTES = 256 << 10

ReadChunk = Callable[[str, int, int, int], bytes]
"""Reads of a claim: stream, offset and at most so many bytes."""


class Held:
    """One claim."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job = job
        self.claim = claim
        self.stage = Stage.PREPARING
        self.why = ""
        self.offered_at = 0.0
        self.over_at: float | None = None
        self.grace_ns: int | None = None
        self.paused = False
        self.exceeded = False
        self.leak_ended = False
        self.struck: Struck | None = None
        self.result: Result | None = None
        self.available = [0, 0]
        self.received = [0, 0]
        self.sent = [0, 0]
        self.sent_in = 0
        self.has_more = False  # for the next message at once
        self.window = WINDOW_BYTES

    def report(self, chunks: tuple[Chunk, ...]) -> Report:
        """All that there is to say of it, with these pieces of its streams."""
        return Report(
            token=self.job.token,
            claim=self.claim,
            stage=self.stage,
            why=self.why,
            exceeded=self.exceeded,
            leak_ended=self.leak_ended,
            struck=self.struck,
            result=self.result,
            chunks=chunks,
        )

    def take_chunks(self, read: ReadChunk, number: int) -> tuple[Chunk, ...]:
        """The next pieces of its streams, as far as the window goes; they go out as `number`."""
        chunks: list[Chunk] = []
        self.has_more = False
        for stream in (0, 1):
            offset = self.sent[stream]
            end = min(self.available[stream], self.received[stream] + self.window)
            if end <= offset or self.stage is Stage.LOST:
                continue
            data = read(self.claim, stream, offset, min(CHUNK_BYTES, end - offset))
            self.sent[stream] = offset + len(data)
            chunks.append(Chunk(stream, offset, data))
            self.has_more = self.has_more or self.sent[stream] < end
        if chunks:
            self.sent_in = number
        return tuple(chunks)


class Link:
    """What passes between this worker and one run."""

    def __init__(self, client: str, lease_s: float, now: float) -> None:
        self.client = client
        self.lease_s = lease_s
        self.heard = 0
        self.sent: deque[tuple[int, float]] = deque()
        self.basis = now
        self.dirty = False
        self.asks = False
        self.next_beat = now

    @property
    def lease_ends(self) -> float:
        """When what runs for it has to be gone if nothing more is heard."""
        return self.basis + self.lease_s

    def echoed(self, number: int) -> None:
        """The run has heard our message of this number: the lease counts from its leaving."""
        while self.sent and self.sent[0][0] <= number:
            self.basis = max(self.basis, self.sent.popleft()[1])
