"""A history: the checks of a run, what their processes do, and everything that goes wrong."""

import errno
import json
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.disk import Trouble
from vibeguard.core.model.plan import Plan
from vibeguard.core.names import OnChange

SECOND_NS = 1_000_000_000
ALWAYS_S = 1e6
INPUT = "input.txt"
HANDED = b"a.py\0b c.py\0"  # the list of a check that is handed files
Program = list[Any]


@dataclass(frozen=True)
class Happening:
    """Something from outside: at a moment (virtual seconds since the start), or at a task's step."""

    what: str
    at_s: float = 0.0
    at_step: int | None = None
    detail: str = ""

    @property
    def kind(self) -> str:
        """What it is an example of, for those who count."""
        named = self.what in {"signal", "order", "tamper", "second run"}
        checkpoint = "" if self.at_step is None else ", at a checkpoint"
        return f"{self.what} {self.detail if named else ''}".rstrip() + checkpoint

    def __str__(self) -> str:
        when = f"{self.at_s:.3f} s" if self.at_step is None else f"step {self.at_step}"
        return f"at {when}: {self.what} {self.detail}".rstrip()


@dataclass(frozen=True)
class Fault:
    """A call of the system that fails with an error number from one moment until another."""

    call: str
    number: int
    from_s: float
    until_s: float

    def __str__(self) -> str:
        name = errno.errorcode[self.number]
        return f"{self.call} fails with {name} from {self.from_s:.2f} to {self.until_s:.2f} s"


@dataclass(frozen=True)
class Again:
    """The same checks once more in the same folder, where passes of the first run may be reused.

    `between` is what is done to the folder meanwhile; the wall clock has gone on by `later_s`.
    """

    between: str
    later_s: float


@dataclass(frozen=True)
class Cut:
    """Nothing passes between the broker and a worker, or, as `broker`, between it and the run."""

    who: str
    from_s: float
    until_s: float


@dataclass(frozen=True)
class PoolTrouble:
    """The pool of a run, and what goes wrong in it. `deaths`: which worker, when (seconds)."""

    workers: int
    slots: int
    loses: float
    repeats: float
    unfit: float
    delay_s: float
    cuts: tuple[Cut, ...]
    deaths: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class History:
    """All of it. `str` prints what a reader needs to follow a failure."""

    seed: int
    plan: Plan
    programs: dict[str, list[Program]]
    happenings: tuple[Happening, ...]
    faults: tuple[Fault, ...]
    trouble: Trouble | None
    reads_s: tuple[float, ...]
    most_pids: int
    slow: bool
    again: "Again | None" = None
    pool: PoolTrouble | None = None
    hesitates: bool = False  # where numbers are given again, time passes before a signal
    lags: bool = False  # a reader takes a piece of the log at each of its looks
    lying: dict[str, Any] = field(default_factory=dict)  # what earlier runs have left in the tree

    @property
    def is_calm(self) -> bool:
        """Whether nothing comes from outside, so that the checks alone decide."""
        return not (self.happenings or self.faults or self.trouble or self.pool)

    @property
    def remote(self) -> frozenset[str]:
        """The checks that go to workers."""
        return frozenset(check.id for check in self.plan.checks if check.where is not None)

    def __str__(self) -> str:
        settings = self.plan.settings
        head = (
            f"history {self.seed}: {settings.parallel} + {settings.async_parallel} slots, "
            f"grace {settings.grace_ns / SECOND_NS:g} s, fail fast {settings.fail_fast}, "
            f"run timeout {settings.run_timeout_ns}, {self.most_pids} pids, slow {self.slow}, "
            f"hesitates {self.hesitates}, readers lag {self.lags}"
        )
        lines = [head]
        for check in self.plan.checks:
            requires = ", ".join(f"{r.check} ({r.while_pending})" for r in check.requires)
            lines.append(
                f"  {check.id} [{check.pool} {check.severity}] requires {requires or 'nothing'}; "
                f"timeout {check.timeout_ns / SECOND_NS:g} s, retries {check.retries}, "
                f"leaks {check.leaks}, weight {check.weight}, group {check.group or '-'}, "
                f"idle {check.idle_timeout_ns}, grok {check.grok}"
            )
            if check.results or check.file or check.on_change is not OnChange.NOTE:
                lines.append(
                    f"    judged by {check.file}{check.results}, {check.expect}, {check.quarantine}, "
                    f"stale {check.stale}, on_change {check.on_change}, {check.judge_timeout_ns} ns"
                )
            lines += [f"    {json.dumps(does)}" for does in self.programs[check.id]]
        lines += [f"  {each}" for each in (*self.happenings, *self.faults)]
        lines += [f"  {name} lies there: {what}" for name, what in self.lying.items()]
        if self.trouble is not None:
            lines.append(f"  disk: {self.trouble.way} from {self.trouble.first} on")
        if self.pool is not None:
            lines.append(f"  {self.pool}; remote: {', '.join(sorted(self.remote))}")
        if self.again is not None:
            lines.append(f"  again {self.again.later_s:g} s later, between: {self.again.between}")
        return "\n".join(lines)
