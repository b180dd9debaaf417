"""One seed, one history: the checks of a run, what their processes do, and everything that goes wrong."""

import errno
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation import program
from tests.simulation.disk import WAYS, Trouble
from vibeguard.core.model.config import CheckConfig, Requirement
from vibeguard.core.model.plan import Plan
from vibeguard.core.model.settings import Settings
from vibeguard.core.names import LeakPolicy, ReusePolicy, Severity, WhilePending
from vibeguard.core.planning.plan import make_plan, resolve_settings

SECOND_NS = 1_000_000_000
OUTPUT_LIMIT = 4096
INPUT = "input.txt"
Program = list[Any]


@dataclass(frozen=True)
class Happening:
    """Something from outside: at a moment (virtual seconds since the start), or at a task's step."""

    what: str
    at_s: float = 0.0
    at_step: int | None = None
    detail: str = ""

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

    @property
    def is_calm(self) -> bool:
        """Whether nothing comes from outside, so that the checks alone decide."""
        return not (self.happenings or self.faults or self.trouble)

    def __str__(self) -> str:
        settings = self.plan.settings
        head = (
            f"history {self.seed}: {settings.parallel} + {settings.async_parallel} slots, "
            f"grace {settings.grace_ns / SECOND_NS:g} s, fail fast {settings.fail_fast}, "
            f"run timeout {settings.run_timeout_ns}, {self.most_pids} pids, slow {self.slow}"
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
            lines += [f"    {json.dumps(does)}" for does in self.programs[check.id]]
        lines += [f"  {each}" for each in (*self.happenings, *self.faults)]
        if self.trouble is not None:
            lines.append(f"  disk: {self.trouble.way} from {self.trouble.first} on")
        if self.again is not None:
            lines.append(f"  again {self.again.later_s:g} s later, between: {self.again.between}")
        return "\n".join(lines)


def history_of(seed: int) -> History:
    """The history of a number; half of them have nothing but checks in them."""
    rng = Random(f"history {seed}")
    again = _again(rng) if rng.random() < 0.15 else None
    checks, programs = _checks(rng, reuse=again is not None)
    settings = Settings(
        parallel=rng.randint(1, 4),
        async_parallel=rng.randint(1, 2),
        fail_fast=rng.random() < 0.2,
        grace_ns=round(rng.choice([0.2, 1, 5]) * SECOND_NS),
        run_timeout_ns=round(rng.uniform(0.5, 6) * SECOND_NS) if rng.random() < 0.08 else None,
    )
    resolved = resolve_settings(
        settings, usable_cpus=2, jitter_seed=rng.randrange(1 << 30), reuse=again is not None
    )
    disturbed = rng.random() < 0.7
    return History(
        seed=seed,
        plan=make_plan(checks, resolved, variables={}),
        programs=programs,
        happenings=_happenings(rng, [c.id for c in checks]) if disturbed else (),
        faults=_faults(rng) if disturbed else (),
        trouble=_trouble(rng) if disturbed and rng.random() < 0.25 else None,
        reads_s=tuple(sorted(rng.uniform(0, 9) for _ in range(rng.choice([0, 1, 4, 12])))),
        most_pids=rng.choice([12, 40, 400]),
        slow=rng.random() < 0.7,
        again=again,
    )


def _again(rng: Random) -> Again:
    between = rng.choice(["nothing", "nothing", "input changed", "log cut", "log forged"])
    return Again(between, rng.choice([1.0, 3600.0, -3600.0]))


def unhurried_history_of(seed: int) -> History:
    """One of which nothing depends on who is quicker, so that Linux must agree (`on_linux.py`)."""
    rng = Random(f"unhurried {seed}")
    cancelled = rng.random() < 0.4
    checks: list[CheckConfig] = []
    programs: dict[str, list[Program]] = {}
    for number in range(rng.choice([1, 2, 3])):
        name = f"c{number}"
        retries = 0 if cancelled else rng.choice([0, 0, 1])
        programs[name] = [_unhurried(rng) for _ in range(1 + retries)]
        checks.append(
            CheckConfig(
                id=name,
                run=json.dumps(programs[name]),
                shell=shlex.join([sys.executable, "-I", "-S", program.__file__]),
                requires=tuple(Requirement(c.id) for c in checks if rng.random() < 0.3),
                timeout_ns=(30 if cancelled else 1) * SECOND_NS,
                retries=retries,
                severity=rng.choice([Severity.ERROR, Severity.WARNING]),
                leaks=rng.choice([LeakPolicy.WARN, LeakPolicy.FAIL]),
                output_limit_bytes=OUTPUT_LIMIT,
            )
        )
    settings = Settings(parallel=4, async_parallel=4, grace_ns=SECOND_NS // 4)
    resolved = resolve_settings(settings, usable_cpus=2, jitter_seed=seed)
    what = rng.choice(["", *(check.id for check in checks)])
    asked = Happening("cancel check" if what else "cancel", at_s=1.0, detail=what)
    return History(
        seed=seed,
        plan=make_plan(checks, resolved, variables={}),
        programs=programs,
        happenings=(asked,) if cancelled else (),
        faults=(),
        trouble=None,
        reads_s=(),
        most_pids=400,
        slow=False,
    )


def _unhurried(rng: Random, depth: int = 0) -> Program:
    """A process that ends at once, or never by itself."""
    does: Program = []
    if rng.random() < 0.3:
        does.append(["term", rng.choice(["ignore", 0, 7])])
    for _ in range(rng.choice([0, 1, 2])):
        if rng.random() < 0.5:
            does.append(["write", rng.choice([1, 60, 5000])])
        elif depth < 2:
            how = [each for each in ("setsid", "setpgid", "close") if rng.random() < 0.3]
            does.append(["fork", _unhurried(rng, depth + 1), how])
    lasts = [["exit", 0], ["exit", 0], ["exit", 3], ["die", "SIGSEGV"], ["sleep", 60], ["stop"]]
    return [*does, rng.choice(lasts)]


def _checks(rng: Random, *, reuse: bool) -> tuple[list[CheckConfig], dict[str, list[Program]]]:
    checks: list[CheckConfig] = []
    programs: dict[str, list[Program]] = {}
    for number in range(rng.choice([1, 2, 3, 3, 4, 5, 6])):
        retries = rng.choice([0, 0, 0, 1])
        name = f"c{number}"
        programs[name] = [_program(rng) for _ in range(1 + retries)]
        judged = rng.choice([("", ""), ("", ""), ("", ""), ("says %{NUMBER:n}", "n >= 4")])
        checks.append(
            CheckConfig(
                id=name,
                run=json.dumps(programs[name]),
                requires=tuple(_requirements(rng, checks)),
                mode=rng.choice(["sync", "sync", "async"]),
                timeout_ns=round(rng.choice([0.7, 2, 5, 30]) * SECOND_NS),
                idle_timeout_ns=rng.choice([None, None, None, SECOND_NS]),
                slow_after_ns=rng.choice([None, None, SECOND_NS]),
                retries=retries,
                severity=rng.choice([Severity.ERROR] * 3 + [Severity.WARNING]),
                group=rng.choice(["", "", "", "g"]),
                weight=rng.choice([1, 1, 2]),
                leaks=rng.choice([LeakPolicy.WARN, LeakPolicy.FAIL, LeakPolicy.IGNORE]),
                grok=(judged[0],) if judged[0] else (),
                assertion=judged[1],
                output_limit_bytes=OUTPUT_LIMIT,
                reuse=ReusePolicy.ON if reuse else ReusePolicy.OFF,
                inputs=(INPUT,) if reuse else (),
                tools=() if reuse else None,
                outputs=() if reuse else None,
            )
        )
    return checks, programs


def _requirements(rng: Random, earlier: Sequence[CheckConfig]) -> list[Requirement]:
    found = []
    for check in earlier:
        if rng.random() < 0.3:
            choices = ["wait", "wait", "skip", "proceed"] if check.mode == "async" else ["wait"]
            found.append(Requirement(check.id, WhilePending(rng.choice(choices))))
    return found


def _program(rng: Random, depth: int = 0) -> Program:
    """What one process does. Three of four that lead a check pass."""
    does: Program = []
    if rng.random() < 0.12:
        does.append(["term", rng.choice(["ignore", 0, 7])])
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.random()
        if kind < 0.5:
            does.append(["sleep", round(rng.choice([0.01, 0.1, 0.3, 1, 3]) * rng.random(), 4)])
        elif kind < 0.75:
            does.append(["write", rng.choice([1, 60, 300, 5000, 100_000])])
        elif depth < 2 and kind < 0.92:
            how = [
                each for each in ("setsid", "setpgid", "close", "unmarked") if rng.random() < 0.2
            ]
            does.append(["fork", _program(rng, depth + 1), how])
        elif kind < 0.94:
            does.append(["stuck", round(rng.choice([0.2, 2, 20]) * rng.random(), 4)])
        elif kind < 0.96:
            does.append(["stop"])
    does.append(_last(rng, depth))
    return does


def _last(rng: Random, depth: int) -> list[Any]:
    kind = rng.random()
    if kind < (0.75 if not depth else 0.5):
        return ["exit", 0]
    if kind < 0.85:
        return ["exit", rng.choice([1, 2, 127])]
    if kind < 0.9:
        return ["die", rng.choice(["SIGSEGV", "SIGTERM", "SIGKILL"])]
    return ["sleep", rng.choice([2, 60])]


def _happenings(rng: Random, checks: Sequence[str]) -> tuple[Happening, ...]:
    found = []
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        what = rng.choice(
            [
                "signal", "signal", "order", "order", "kill", "front lost", "cancel", "cancel check",
                "rubbish", "pause", "suspend", "stall", "stranger", "group taken", "tamper", "crash",
                "crash",
            ]
        )  # fmt: skip
        detail = ""
        if what == "signal":
            detail = rng.choice(["SIGINT", "SIGTERM", "SIGHUP"])
        elif what == "order":
            detail = rng.choice(["SIGINT", "SIGTERM"])
        elif what == "cancel check":
            detail = rng.choice([*checks, "nobody"])
        elif what in {"pause", "suspend", "stall", "group taken"}:
            detail = f"{rng.choice([0.05, 0.8, 3, 40]) * rng.random():.4f}"
        elif what == "tamper":
            detail = rng.choice(["append", "cut", "delete"])
        step = rng.randint(5, 300) if rng.random() < 0.4 else None
        found.append(Happening(what, round(rng.uniform(0, 5) * rng.random(), 4), step, detail))
    return tuple(found)


def _faults(rng: Random) -> tuple[Fault, ...]:
    kinds = [
        ("pidfd_open", errno.EMFILE), ("pidfd_send_signal", errno.EPERM), ("pipe", errno.EMFILE),
        ("posix_spawn", errno.EAGAIN), ("posix_spawn", errno.E2BIG), ("setsid", errno.EPERM),
        ("kill", errno.EPERM), ("fork", errno.EAGAIN), ("prctl", errno.EINVAL),
        ("pidfd_send_signal", errno.ENOSYS),
    ]  # fmt: skip
    found = []
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        call, number = rng.choice(kinds)
        start = round(rng.uniform(0, 2) * rng.random(), 3)
        lasting = 1e6 if call == "prctl" else rng.choice([0.02, 0.5, 3])
        found.append(Fault(call, number, 0.0 if call == "prctl" else start, start + lasting))
    return tuple(found)


def _trouble(rng: Random) -> Trouble:
    way = rng.choice(WAYS)
    return Trouble(way, rng.randint(0, 3) if way.startswith("output") else rng.randint(3, 40))
