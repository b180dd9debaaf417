"""The requirement graph as indexes, all iterative: a chain of 10,000 is as good as any."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.names import WhilePending
from vibeguard.core.wording.units import SECOND_NS

# Of each check, in plan order, the checks that it requires.
Requires = Mapping[str, Collection[str]]


def dependents_of(requires: Requires) -> dict[str, list[str]]:
    """For each check the checks that require it, in plan order. O(V + E)."""
    dependents: dict[str, list[str]] = {check: [] for check in requires}
    for check, names in requires.items():
        for name in names:
            dependents.setdefault(name, []).append(check)
    return dependents


def topological_order(requires: Requires) -> list[str]:
    """Requirements first, else plan order (Kahn 1962). Checks on a cycle are left out. O(V + E)."""
    dependents = dependents_of(requires)
    missing = {check: len(names) for check, names in requires.items()}
    order = [check for check, count in missing.items() if count == 0]
    for check in order:
        for dependent in dependents[check]:
            missing[dependent] -= 1
            if missing[dependent] == 0:
                order.append(dependent)
    return order


def closure(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    """Everything that can be reached, the start included."""
    reached = set(start)
    stack = list(reached)
    while stack:
        for name in following(stack.pop()):
            if name not in reached:
                reached.add(name)
                stack.append(name)
    return reached


def waiting_closure(
    requires: Mapping[str, Sequence[Requirement]], seeds: Iterable[str]
) -> set[str]:
    """The seeds and every check that waits (`while_pending: wait`) for one, directly or not."""
    waits = {
        check: [r.check for r in requirements if r.while_pending is WhilePending.WAIT]
        for check, requirements in requires.items()
    }
    return closure(seeds, dependents_of(waits).__getitem__)


def remaining_paths(requires: Requires, expected_ns: Mapping[str, int]) -> dict[str, int]:
    """Nanoseconds on the longest path from each check's start to the end of the run.

    Graham, "Bounds on multiprocessing timing anomalies" (1969): list scheduling by longest
    remaining path stays within 2 - 1/m of the best makespan, whatever the order of equal paths.

    A check without a recorded duration counts as the median of those that have one; without any
    history every check counts one second, so that the graph alone decides.
    """
    known = sorted(expected_ns[check] for check in requires if check in expected_ns)
    middle = len(known) // 2  # and the one as far from the end; `statistics` is slow to load
    unknown = (known[middle] + known[~middle]) // 2 if known else SECOND_NS
    dependents = dependents_of(requires)
    paths: dict[str, int] = {}
    for check in reversed(topological_order(requires)):
        after = max(map(paths.__getitem__, dependents[check]), default=0)
        paths[check] = expected_ns.get(check, unknown) + after
    return paths
