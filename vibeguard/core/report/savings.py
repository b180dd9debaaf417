"""What the background saved: the same durations, run level by level, against what happened.

Level by level is how the first VibeGuard ran a graph: a level is everything whose requirements lie
in earlier levels, and nothing of the next one starts before the slowest of this one has ended.
Within a level the slots are those of the foreground, filled in the order of the plan; weights and
groups did not exist and count for nothing here. Checks of the background count like the others, for
there was one pool. It is an estimate: under other parallelism the durations would be others.
"""

from collections.abc import Iterable
from heapq import heapify, heapreplace

from vibeguard.core.model.state import State
from vibeguard.core.names import Pool
from vibeguard.core.report.reasons import duration_ns


def saved_ns(state: State) -> int | None:
    """Level-by-level makespan less the real one, in nanoseconds; None until all have settled.

    Negative when level by level would have been quicker (it cannot know that beforehand).
    """
    if state.planned is None or state.settled < len(state.checks):
        return None
    ends = [record.settled_t for record in state.checks.values() if record.settled_t is not None]
    starts = [r.first_started_t for r in state.checks.values() if r.first_started_t is not None]
    if not starts:
        return None
    slots = max(state.planned.settings.parallel, 1)
    return level_by_level_ns(state, slots) - (max(ends) - min(starts))


def level_by_level_ns(state: State, slots: int) -> int:
    """The makespan of the run's durations with a barrier after each level of the graph."""
    levels: dict[int, list[int]] = {}
    for check, level in _levels(state).items():
        record = state.checks[check]
        levels.setdefault(level, []).append(duration_ns(state, record))
    return sum(_makespan(durations, slots) for durations in levels.values())


def in_background(state: State) -> tuple[str, ...]:
    """The checks of the background pool that were started, in plan order."""
    return tuple(
        check
        for check, record in state.checks.items()
        if record.planned.pool is Pool.BACKGROUND and record.first_started_t is not None
    )


def _makespan(durations: Iterable[int], slots: int) -> int:
    free = [0] * slots
    heapify(free)
    for length in durations:
        heapreplace(free, free[0] + length)
    return max(free)


def _levels(state: State) -> dict[str, int]:
    """The level of every check, counted from 0."""
    from vibeguard.core.planning.graph import topological_order  # noqa: PLC0415 - if async alone

    requires = {c: [r.check for r in record.planned.requires] for c, record in state.checks.items()}
    levels: dict[str, int] = {}
    for check in topological_order(requires):
        levels[check] = 1 + max((levels[required] for required in requires[check]), default=-1)
    return levels
