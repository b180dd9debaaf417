"""What a session gives its run for the attempts of checks."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from vibeguard.core.judge import Judgement
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import TerminationReason
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Executor
from vibeguard.system.supervisor.patience import Patience


class Ended(Struct, frozen=True):
    """How an attempt ended, and why we ended it, if that decides its outcome."""

    result: AttemptResult
    struck: TerminationReason | None = None


Judge = Callable[[PlannedCheck, int, Ended, Callable[[], None]], Awaitable[Judgement]]


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
