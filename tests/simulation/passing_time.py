"""Simulated time: it passes when somebody waits, and a little at every call."""

import errno
import heapq
import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.processes import SECOND_NS, refuse


def nothing(*_: Any) -> None:
    """Nobody is told."""


class Time:
    """What happens when. `faults` are calls that fail: error number, from and until when."""

    def __init__(self, rng: Random, *, slow: bool) -> None:
        self.rng = rng
        self.now_ns = 1_000 * SECOND_NS
        self.faults: dict[str, list[tuple[int, int, int]]] = {}
        self.call: Callable[[Any], None] = nothing
        self.woken = False
        self.calls = 0
        self.reached: Counter[str] = Counter()  # what went wrong or was out of the ordinary
        self._slow = slow
        self._thread = threading.get_ident()
        self._events: list[tuple[int, int, str, Any]] = []
        self._order = 0

    def later(self, delay_ns: int, kind: str, what: Any) -> None:
        """Something happens after a while; `kind` is a method of ours, or `call`."""
        self._order += 1
        heapq.heappush(self._events, (self.now_ns + delay_ns, self._order, kind, what))

    def advance(self, until_ns: float) -> None:
        """Let time pass until then, or until something woke the supervisor."""
        while self._events and self._events[0][0] <= until_ns and not self.woken:
            at, _, kind, what = heapq.heappop(self._events)
            self.now_ns = max(self.now_ns, at)
            getattr(self, kind)(what)
        if not self.woken:
            self.now_ns = max(self.now_ns, int(until_ns))

    def spend(self) -> None:
        """A call takes some time, seldom a long one, and the others go on meanwhile.

        Only for the thread of the run: another one answers for it (`vouching.witness`) while this one
        waits in a real call, so that nothing else can happen.
        """
        if threading.get_ident() != self._thread:
            return
        self.calls += 1
        cost = self.rng.getrandbits(13)
        if self._slow and cost < 40:
            cost = 30_000_000 if cost < 3 else cost * 40_000
            self.reached["a call takes long"] += 1
        self.advance_by(cost)

    def advance_by(self, lasting_ns: int) -> None:
        """Nothing wakes the supervisor, which is busy, and the others go on."""
        self.now_ns += lasting_ns
        while self._events and self._events[0][0] <= self.now_ns:
            _, _, kind, what = heapq.heappop(self._events)
            getattr(self, kind)(what)

    def fail(self, call: str) -> None:
        """Raise what the call is to fail with at this moment, if it is."""
        self.spend()
        for number, start, end in self.faults.get(call, ()):
            if start <= self.now_ns < end:
                self.reached[f"{call} fails with {errno.errorcode[number]}"] += 1
                raise refuse(number)

    def will_fail(self, call: str) -> bool:
        """Whether the call is to fail at this moment."""
        return any(start <= self.now_ns < end for _, start, end in self.faults.get(call, ()))

    def suspend(self, gap_ns: int) -> None:
        """The whole machine stands still, and its clock does not."""
        self.now_ns += gap_ns
        self._events = [(at + gap_ns, order, kind, what) for at, order, kind, what in self._events]
