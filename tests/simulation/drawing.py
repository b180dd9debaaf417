"""One seed, one history: what it decides is drawn here, with `drawn_checks` and `mishaps`."""

import errno
from dataclasses import replace
from random import Random

from msgspec.structs import replace as replace_struct

from tests.simulation import drawn_checks, drawn_judging, mishaps
from tests.simulation.history import (
    ALWAYS_S,
    SECOND_NS,
    Again,
    Fault,
    Happening,
    History,
    PoolTrouble,
    Program,
)
from tests.simulation.machine import FEW_PIDS
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.settings import PoolSettings, Settings
from vibeguard.core.planning.plan import make_plan, resolve_settings


def history_of(seed: int) -> History:
    """The history of a number; half of them have nothing but checks in them."""
    rng = Random(f"history {seed}")
    again = mishaps.again(rng) if rng.random() < 0.15 else None
    checks, programs = drawn_checks.checks(rng, reuse=again is not None)
    settings = Settings(
        parallel=rng.randint(1, 4),
        async_parallel=rng.randint(1, 2),
        fail_fast=rng.random() < 0.2,
        grace_ns=round(rng.choice([0.2, 1, 5]) * SECOND_NS),
        run_timeout_ns=round(rng.uniform(0.5, 6) * SECOND_NS) if rng.random() < 0.08 else None,
    )
    if again is not None:
        checks = drawn_checks.reusable(Random(f"reuse {seed}"), checks, programs)
    pool = None
    if again is None and (in_pool := Random(f"pool {seed}")).random() < 0.12:
        pool, checks = _with_pool(in_pool, seed, checks, programs)
        settings = replace_struct(settings, pool=_pool_settings(in_pool))
    lying = {}
    if again is None and pool is None and (judges := Random(f"judged {seed}")).random() < 0.3:
        checks = [drawn_judging.judged(judges, check, programs[check.id]) for check in checks]
        lying = drawn_judging.lying(judges, checks)
    resolved = resolve_settings(
        settings, usable_cpus=2, jitter_seed=rng.randrange(1 << 30), reuse=again is not None
    )
    disturbed = rng.random() < 0.7
    plain = History(
        seed=seed,
        plan=make_plan(checks, resolved, variables={}),
        programs=programs,
        happenings=mishaps.happenings(rng, [c.id for c in checks]) if disturbed else (),
        faults=mishaps.faults(rng) if disturbed else (),
        trouble=mishaps.trouble(rng) if disturbed and rng.random() < 0.25 else None,
        reads_s=tuple(sorted(rng.uniform(0, 9) for _ in range(rng.choice([0, 1, 4, 12])))),
        most_pids=rng.choice([12, 40, 400]),
        slow=rng.random() < 0.7,
        again=again,
        pool=pool,
        lying=lying,
    )
    return _with_more(plain, Random(f"more {seed}"), disturbed=disturbed)


def _with_pool(
    rng: Random, seed: int, checks: list[CheckConfig], programs: dict[str, list[Program]]
) -> tuple[PoolTrouble, list[CheckConfig]]:
    """A pool, and the checks of which most go to it."""
    pool = mishaps.pool(rng)
    checks = [drawn_checks.sent_away(rng, check, programs) for check in checks]
    if (apart := Random(f"apart {seed}")).random() < 0.25:
        pool = mishaps.kept_apart(apart, pool)
        checks = [drawn_checks.long(check, programs) for check in checks]
    return pool, checks


def _pool_settings(rng: Random) -> PoolSettings:
    return PoolSettings(
        lease_ns=round(rng.choice([2, 3, 6]) * SECOND_NS),
        queue_timeout_ns=round(rng.choice([4, 20]) * SECOND_NS),
        slots=rng.choice([1, 2, 8]),
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
    alone = any(c.results or c.file for c in history.plan.checks)  # another would write the same
    if history.pool is None and again is None and rng.random() < 0.05 and not alone:
        detail = rng.choice(["", "", "supersedes"])
        happenings += (Happening("second run", round(rng.uniform(0, 2), 4), detail=detail),)
    if disturbed and rng.random() < 0.04:
        happenings += (Happening("tamper", round(rng.uniform(0, 3), 4), detail="output"),)
    happenings += mishaps.standing_still(Random(f"stands {history.seed}")) if disturbed else ()
    if disturbed:
        happenings += mishaps.changed_before_a_pause(Random(f"changed {history.seed}"))
    history = replace(history, happenings=happenings)
    return replace(history, faults=faults, again=again, hesitates=hesitates, lags=lags)
