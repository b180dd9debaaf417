"""What checks of a history are like, and what their processes do."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from msgspec.structs import replace

from tests.simulation.history import INPUT, SECOND_NS, Program
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.config_parts import Requirement, Where
from vibeguard.core.names import LeakPolicy, ReusePolicy, Severity, WhilePending

OUTPUT_LIMIT = 4096


def checks(rng: Random, *, reuse: bool) -> tuple[list[CheckConfig], dict[str, list[Program]]]:
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


def reusable(
    rng: Random, checks: list[CheckConfig], programs: dict[str, list[Program]]
) -> list[CheckConfig]:
    """Half of the checks that may be reused pass, at once or when they are tried again."""
    made = []
    for check in checks:
        kind = rng.random()
        passes = [["sleep", round(0.2 * rng.random(), 4)], ["exit", 0]]
        if kind < 0.3:
            programs[check.id] = [passes]
        elif kind < 0.5:
            programs[check.id] = [[["exit", 1]], passes]
        if kind < 0.5:
            retries = len(programs[check.id]) - 1
            run = json.dumps(programs[check.id])
            simple = replace(check, run=run, retries=retries, grok=(), assertion="")
            made.append(simple)
        else:
            made.append(check)
    return made


def sent_away(rng: Random, check: CheckConfig, programs: dict[str, list[Program]]) -> CheckConfig:
    """The check as it may go to a worker, whose processes are one each."""
    if rng.random() < 0.35:
        return check
    alone = [[step for step in does if step[0] != "fork"] for does in programs[check.id]]
    programs[check.id] = alone
    return replace(
        check,
        run=json.dumps(alone),
        where=Where(),
        group="",
        leaks=LeakPolicy.WARN,
        retry_lost=rng.choice([0, 1]),
    )


def long(check: CheckConfig, programs: dict[str, list[Program]]) -> CheckConfig:
    """The check goes on while nothing is heard of it."""
    if check.where is None:
        return check
    programs[check.id] = [[["sleep", 25.0], ["exit", 0]] for _ in programs[check.id]]
    run = json.dumps(programs[check.id])
    return replace(
        check, run=run, timeout_ns=30 * SECOND_NS, idle_timeout_ns=None, grok=(), assertion=""
    )


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
