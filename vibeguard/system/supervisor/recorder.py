"""The only door to the log: stamp, fold, write, in one synchronous step."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr

from vibeguard.core.fold.fold import apply
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.problems import LogWriteError


class Log(Protocol):
    """Where stamped events go."""

    def append(self, event: Event) -> None:
        """Write one event; raises LogWriteError when it cannot be stored whole."""

    def sync(self) -> None:
        """Make what was written durable; raises LogWriteError."""

    @property
    def on_reserve(self) -> bool:
        """Whether the disk was full and there is room for the last events only."""


class Recorder(Struct, eq=False):
    """Records transitions. The live State of a run *is* the fold of what was recorded.

    Here, and nowhere else, secrets are masked: `redact` has each event before it is folded.
    An event that the fold rejects is never written: LogCorrupt at this point is a defect of
    VibeGuard's own. After a failed write nothing is recorded any more, since nothing may follow a
    torn line; `failed` is called once, and `failure` says what happened. `strained` is called once,
    in the middle of a step, when there is room for the last events only.
    """

    log: Log
    elapsed_ns: Callable[[], int]
    redact: Callable[[Event], Event] = lambda event: event
    state: State = field(default_factory=State)
    failure: LogWriteError | None = None
    failed: Callable[[], None] = lambda: None
    strained: Callable[[], None] = lambda: None
    _strained: bool = False

    def record(self, event: Event) -> None:
        """One transition and its record. No checkpoint, nothing in between."""
        if self.failure is not None:
            return
        # Folded before it is written: what the fold refuses must not reach the log, and were there
        # a checkpoint in between, another task could see a State that the log does not have (ADR
        # 0005).
        event = self.redact(event)
        force_setattr(event, "seq", self.state.next_seq)
        force_setattr(event, "t", self.elapsed_ns())
        apply(self.state, event)
        try:
            self.log.append(event)
        except LogWriteError as error:
            self.fail(error)
            return
        if self.log.on_reserve and not self._strained:
            self._strained = True
            self.strained()

    def record_durably(self, event: Event) -> None:
        """The same, and on the disk when it returns: for what must not be taken back by a crash."""
        self.record(event)
        if self.failure is not None:
            return
        try:
            self.log.sync()
        except LogWriteError as error:
            self.fail(error)

    def fail(self, error: LogWriteError) -> None:
        """Nothing is recorded from now on; the first failure is the one that counts."""
        if self.failure is None:
            self.failure = error
            self.failed()
