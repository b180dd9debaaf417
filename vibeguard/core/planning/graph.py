"""The requirement graph as indexes, all iterative: a chain of 10,000 is as good as any."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.names import WhilePending

Requires = Mapping[str, Sequence[Requirement]]


def dependents_of(requires: Requires) -> dict[str, list[str]]:
    """For each check the checks that require it, in plan order. O(V + E)."""
    dependents: dict[str, list[str]] = {check: [] for check in requires}
    for check, requirements in requires.items():
        for requirement in requirements:
            dependents[requirement.check].append(check)
    return dependents


def topological_order(requires: Requires) -> list[str]:
    """Requirements first, else plan order (Kahn 1962). Checks on a cycle are left out. O(V + E)."""
    dependents = dependents_of(requires)
    missing = {check: len(requirements) for check, requirements in requires.items()}
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


def waiting_closure(requires: Requires, seeds: Iterable[str]) -> set[str]:
    """The seeds and every check that waits (`while_pending: wait`) for one, directly or not."""
    waits = {
        check: [r for r in requirements if r.while_pending is WhilePending.WAIT]
        for check, requirements in requires.items()
    }
    return closure(seeds, dependents_of(waits).__getitem__)
