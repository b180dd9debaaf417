"""Histories of which nothing depends on who is quicker, so that Linux must agree."""

import json
import shlex
import sys
from random import Random

from tests.simulation import program
from tests.simulation.drawn_checks import OUTPUT_LIMIT
from tests.simulation.history import SECOND_NS, Happening, History, Program
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.settings import Settings
from vibeguard.core.names import LeakPolicy, Severity
from vibeguard.core.planning.plan import make_plan, resolve_settings


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
