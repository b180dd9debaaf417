"""One seed, one history: what it decides is drawn here."""

import errno
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from msgspec.structs import replace as replace_struct

from tests.simulation import program
from tests.simulation.disk import WAYS, Trouble
from tests.simulation.history import (
    ALWAYS_S,
    INPUT,
    SECOND_NS,
    Again,
    Cut,
    Fault,
    Happening,
    History,
    PoolTrouble,
    Program,
)
from tests.simulation.machine import FEW_PIDS
from vibeguard.core.model.config import CheckConfig, Requirement, Where
from vibeguard.core.model.settings import PoolSettings, Settings
from vibeguard.core.names import LeakPolicy, ReusePolicy, Severity, WhilePending
from vibeguard.core.planning.plan import make_plan, resolve_settings

OUTPUT_LIMIT = 4096


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
    if again is not None:
        checks = _reusable(Random(f"reuse {seed}"), checks, programs)
    pool = None
    if again is None and (in_pool := Random(f"pool {seed}")).random() < 0.12:
        pool = _pool(in_pool)
        checks = [_sent_away(in_pool, check, programs) for check in checks]
        if (apart := Random(f"apart {seed}")).random() < 0.25:
            pool = _kept_apart(apart, pool)
            checks = [_long(check, programs) for check in checks]
        settings = replace_struct(
            settings,
            pool=PoolSettings(
                lease_ns=round(in_pool.choice([2, 3, 6]) * SECOND_NS),
                queue_timeout_ns=round(in_pool.choice([4, 20]) * SECOND_NS),
                slots=in_pool.choice([1, 2, 8]),
            ),
        )
    resolved = resolve_settings(
        settings, usable_cpus=2, jitter_seed=rng.randrange(1 << 30), reuse=again is not None
    )
    disturbed = rng.random() < 0.7
    plain = History(
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
        pool=pool,
    )
    return _with_more(plain, Random(f"more {seed}"), disturbed=disturbed)


def _reusable(
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
            simple = replace_struct(check, run=run, retries=retries, grok=(), assertion="")
            made.append(simple)
        else:
            made.append(check)
    return made


def _pool(rng: Random) -> PoolTrouble:
    """Half of the pools have nothing wrong with them."""
    well = rng.random() < 0.4
    workers = rng.choice([1, 2, 2, 3])
    cuts = []
    for _ in range(0 if well else rng.choice([0, 1, 1, 2])):
        at_s = round(rng.uniform(0, 5) * rng.random(), 3)
        who = rng.choice(["broker", *(f"w{number}" for number in range(workers))])
        cuts.append(Cut(who, at_s, at_s + rng.choice([0.3, 2, 12]) * rng.random()))
    deaths = () if well or rng.random() < 0.7 else ((rng.randrange(3), 5 * rng.random()),)
    return PoolTrouble(
        workers=workers,
        slots=rng.choice([1, 2]),
        loses=0.0 if well else rng.choice([0, 0.05, 0.3]),
        repeats=0.0 if well else rng.choice([0, 0.2]),
        unfit=0.0 if well else rng.choice([0, 0, 0.3]),
        delay_s=rng.choice([0.002, 0.05, 0.4]),
        cuts=tuple(cuts),
        deaths=deaths,
    )


def _kept_apart(rng: Random, pool: PoolTrouble) -> PoolTrouble:
    """For longer than any lease nothing is heard of one of the workers."""
    at_s = round(rng.uniform(0.3, 2), 3)
    cut = Cut(f"w{rng.randrange(pool.workers)}", at_s, at_s + 20)
    return replace(pool, cuts=(*pool.cuts, cut))


def _long(check: CheckConfig, programs: dict[str, list[Program]]) -> CheckConfig:
    """The check goes on while nothing is heard of it."""
    if check.where is None:
        return check
    programs[check.id] = [[["sleep", 25.0], ["exit", 0]] for _ in programs[check.id]]
    run = json.dumps(programs[check.id])
    return replace_struct(
        check, run=run, timeout_ns=30 * SECOND_NS, idle_timeout_ns=None, grok=(), assertion=""
    )


def _sent_away(rng: Random, check: CheckConfig, programs: dict[str, list[Program]]) -> CheckConfig:
    """The check as it may go to a worker, whose processes are one each."""
    if rng.random() < 0.35:
        return check
    alone = [[step for step in does if step[0] != "fork"] for does in programs[check.id]]
    programs[check.id] = alone
    return replace_struct(
        check,
        run=json.dumps(alone),
        where=Where(),
        group="",
        leaks=LeakPolicy.WARN,
        retry_lost=rng.choice([0, 1]),
    )


def _with_more(history: History, rng: Random, *, disturbed: bool) -> History:
    """What came later has a number of its own, so that the rest of a history stays what it was."""
    faults, again = history.faults, history.again
    hesitates = rng.random() < 0.6 and history.most_pids < FEW_PIDS
    lags = rng.random() < 0.4
    if rng.random() < (0.3 if hesitates else 0.06) and disturbed:
        faults += (Fault("pidfd_open", errno.ENOSYS, 0.0, ALWAYS_S),)
        if rng.random() < 0.3:
            faults += (Fault("thread", errno.EAGAIN, 0.0, rng.random()),)
    if again is not None and rng.random() < 0.5:
        between, later_s = rng.choice(
            [
                ("nothing", 90_000.0),
                ("nothing", 90_000.0),
                ("record forged", 1.0),
                ("record cut", 1.0),
                ("records mixed", 1.0),
            ]
        )
        again = Again(between, later_s)
    happenings = history.happenings
    if again is not None and rng.random() < 0.3:
        again = Again("nothing", 1.0)
        happenings += (Happening("edit", round(rng.uniform(0, 2) * rng.random(), 4)),)
    if history.pool is None and again is None and rng.random() < 0.05:
        detail = rng.choice(["", "", "supersedes"])
        happenings += (Happening("second run", round(rng.uniform(0, 2), 4), detail=detail),)
    if disturbed and rng.random() < 0.04:
        happenings += (Happening("tamper", round(rng.uniform(0, 3), 4), detail="output"),)
    happenings += _standing_still(Random(f"stands {history.seed}")) if disturbed else ()
    history = replace(history, happenings=happenings)
    return replace(history, faults=faults, again=again, hesitates=hesitates, lags=lags)


def _standing_still(rng: Random) -> tuple[Happening, ...]:
    """Early, while most checks still run, all of them stand still for a while."""
    if rng.random() > 0.08:
        return ()
    what = rng.choice(["pause", "pause", "suspend"])
    detail = f"{rng.choice([0.5, 3, 20]) * rng.uniform(0.5, 1):.4f}"
    return (Happening(what, round(rng.uniform(0, 1), 4), detail=detail),)


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


def _unhurried(rng: Random, depth: int = 0, *, grouped: bool = False) -> Program:
    """A process that ends at once, or never by itself.

    One in a group of its own does not stop itself: if its parent ends later, Linux hangs it up.
    """
    does: Program = []
    if rng.random() < 0.3:
        does.append(["term", rng.choice(["ignore", 0, 7])])
    for _ in range(rng.choice([0, 1, 2])):
        if rng.random() < 0.5:
            does.append(["write", rng.choice([1, 60, 5000])])
        elif depth < 2:
            how = [each for each in ("setsid", "setpgid", "close") if rng.random() < 0.3]
            theirs = "setsid" not in how and (grouped or "setpgid" in how)
            does.append(["fork", _unhurried(rng, depth + 1, grouped=theirs), how])
    lasts = [["exit", 0], ["exit", 0], ["exit", 3], ["die", "SIGSEGV"], ["sleep", 60], ["stop"]]
    last = rng.choice(lasts)
    return [*does, ["sleep", 60] if grouped and last == ["stop"] else last]


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
        lasting = ALWAYS_S if call == "prctl" else rng.choice([0.02, 0.5, 3])
        found.append(Fault(call, number, 0.0 if call == "prctl" else start, start + lasting))
    return tuple(found)


def _trouble(rng: Random) -> Trouble:
    way = rng.choice(WAYS)
    return Trouble(way, rng.randint(0, 3) if way.startswith("output") else rng.randint(3, 40))
