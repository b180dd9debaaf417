"""What a history came to: all that oracles look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.facts import Facts, lines_of
from tests.simulation.history import Happening, History
from tests.simulation.kernel import Kernel
from vibeguard.system.channel import Sealed
from vibeguard.system.journal.follow import Follower


@dataclass
class Death:
    """The supervisor was killed at this moment: what was written and safe, and what was left."""

    written: bytes
    durable: int
    alive_after_sweep: list[str]
    refused: bool  # no signal could be sent to all of them
    swept_in_s: float


@dataclass
class Outcome:
    """What a history came to. `log` is what lies on the disk at the end."""

    history: History
    kernel: Kernel
    disk: Disk
    first: "Outcome | None" = None  # the run before this one, in the same folder
    again: "Outcome | None" = None
    exit_code: int = -1
    sealed: Sealed | None = None
    folder: str = ""
    log: bytes = b""
    defect: str = ""
    failure: str = ""
    followed: Any = None
    follower: Follower | None = None
    follower_problem: str = ""
    written_after_tampering: int = 0  # lines
    unnoticed: str = ""  # what was done to the log before the eyes of the follower
    started_before_the_plan_was_safe: bool = False
    altered_output: str = ""
    beside: list[str] = field(default_factory=list)  # what was wrong with a run at the same time
    edited_ns: list[int] = field(default_factory=list)  # when the input of all checks was changed
    deaths: list[Death] = field(default_factory=list)
    delivered: list[tuple[int, Happening]] = field(default_factory=list)
    alive_at_end: list[str] = field(default_factory=list)
    remote_alive: list[str] = field(default_factory=list)  # when every lease is over
    settled_alive: list[str] = field(default_factory=list)
    told_before_it_was_safe: list[str] = field(default_factory=list)
    group_taken: list[tuple[float, float]] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)  # attempts that could not be killed
    not_given_up: list[str] = field(default_factory=list)  # unkillable when the last check settled
    elapsed_s: float = 0.0
    cut_ns: list[int] = field(default_factory=list)  # when work in a fork was refused or given up

    @cached_property
    def events(self) -> list[Facts]:
        """What is in the log at the end."""
        return lines_of(self.log)

    def has(self, *whats: str) -> bool:
        """Whether one of these happened."""
        return any(happening.what in whats for _, happening in self.delivered)


Look = Callable[[Outcome], list[Any]]
"""What somebody makes of a run, while its folder is there."""
