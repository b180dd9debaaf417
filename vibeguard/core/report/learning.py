"""Advice on where a check should run, from the durations of earlier runs; nothing is moved."""

from collections.abc import Iterable, Mapping

from vibeguard.core.history import Estimate
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import Pool
from vibeguard.core.wording.units import duration

# Fewer passes than this are no habit.
LEAST_SAMPLES = 5
# Three of four runs this many times shorter, or longer, than `async_after`: not a matter of taste.
FAR_UNDER = 10
FAR_OVER = 1.5


Placed = CheckConfig | PlannedCheck


def placement_advice(
    checks: Iterable[tuple[Placed, Pool]], estimates: Mapping[str, Estimate], async_after_ns: int
) -> list[str]:
    """A sentence for each `async: auto` check whose third quartile is far from `async_after`."""
    return [
        sentence
        for check, pool in checks
        if check.mode == "auto" and (sentence := _advice(check, pool, estimates, async_after_ns))
    ]


def _advice(
    check: Placed, pool: Pool, estimates: Mapping[str, Estimate], async_after_ns: int
) -> str:
    """The sentence about one check; empty where it has no habit, or is where it belongs."""
    estimate = estimates.get(check.id)
    if estimate is None or estimate.samples < LEAST_SAMPLES:
        return ""
    took = f"three of four runs took {duration(estimate.p75_ns)} or less"
    if pool is Pool.BACKGROUND and estimate.p75_ns * FAR_UNDER < async_after_ns:
        return (
            f"{check.id} runs in the background because of its timeout, but {took}: "
            "`async: false` or a shorter timeout would bring it to the foreground"
        )
    if pool is Pool.FOREGROUND and estimate.p75_ns > async_after_ns * FAR_OVER:
        return (
            f"{check.id} holds up the foreground: one of four runs took {duration(estimate.p75_ns)}"
            " or more: `async: true` would move it to the background"
        )
    return ""
