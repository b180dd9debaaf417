"""What a run knows of one attempt that it asked for, and what passes between it and a worker."""

from enum import Enum, auto

from vibeguard.core.pool.messages import WINDOW_BYTES, Answer, Order


class Step(Enum):
    """How far the run is with it."""

    QUEUED = auto()
    CLAIMED = auto()
    GOING = auto()


class Attempt:
    """One attempt of the run that is with the pool."""

    def __init__(self, token: str, now: float) -> None:
        self.token = token
        self.step = Step.QUEUED
        self.submitted_at = now
        self.claim = ""
        self.worker = ""
        self.answer = Answer.OPEN
        self.grace_ns: int | None = None
        self.end_by: float | None = None
        self.received = [0, 0]
        self.acknowledged = 0
        self.window = WINDOW_BYTES

    def order(self, *, paused: bool, window: int) -> Order:
        """All that is wanted of it now."""
        self.acknowledged = sum(self.received)
        self.window = window
        return Order(
            claim=self.claim,
            answer=self.answer,
            grace_ns=self.grace_ns,
            paused=paused,
            received=(self.received[0], self.received[1]),
            window=window,
        )


class Link:
    """What passes between the run and one worker."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.heard = 0
        self.heard_at = 0.0
        self.closing: dict[str, Order] = {}
