"""What a session gives its run for the attempts of checks."""

from collections.abc import Awaitable, Callable
from typing import Final

import trio
from msgspec import Struct

from vibeguard.core.judge import Judgement
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import State
from vibeguard.core.names import TerminationReason
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Executor
from vibeguard.system.process.start_refused import StartRefused

PATIENCE_S: Final = 30.0
OWN_PATIENCE_S: Final = 3.0


class Ended(Struct, frozen=True):
    """How an attempt ended, and why we ended it, if that decides its outcome."""

    result: AttemptResult
    struck: TerminationReason | None = None


Judge = Callable[[PlannedCheck, int, Ended, Callable[[], None]], Awaitable[Judgement]]


class Patience:
    """How long a run tries again when the system is short of something (EAGAIN, ENOMEM): 30 s.

    The time counts only while no check of the run is running, and from the last start on: one that
    runs may hold what is missing, and will give it back. Of what nobody else can give back
    (EMFILE), it is 3 s. It is one patience for all starts of the run: what one has waited for in
    vain, no other waits for.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._since: float | None = None

    def bear(self, refusal: StartRefused) -> None:
        """Raise the refusal if it is final, or if the time to try again is over."""
        now = trio.current_time()
        anything_runs = any(self._state.used.values())
        if self._since is None or anything_runs:
            self._since = now
        patience_s = OWN_PATIENCE_S if refusal.ours else PATIENCE_S
        if not refusal.transient or now >= self._since + patience_s:
            raise refusal

    def renew(self) -> None:
        """There was enough for a start."""
        self._since = None


class Support(Struct, frozen=True):
    """Where attempts run, and what is done for each of them.

    `begin` looks at what it may change before it starts, `specify` says what to start, `keep`
    remembers its output. `judge` finds its outcome. It calls its last argument, `Run.step`, before
    it waits for anything: only then is the attempt's slot offered to another check. A cancel must
    not make it raise: an exit that was seen keeps its outcome.
    """

    executor: Executor
    patience: Patience
    begin: Callable[[PlannedCheck], Awaitable[None]]
    specify: Callable[[PlannedCheck, int], AttemptSpec]
    judge: Judge
    keep: Callable[[PlannedCheck, int, AttemptResult], None]
