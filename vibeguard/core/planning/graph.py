"""The requirement graph as indexes, all iterative: a chain of 10,000 is as good as any."""

from collections.abc import Iterable, Mapping, Sequence

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


def waiting_closure(requires: Requires, seeds: Iterable[str]) -> set[str]:
    """The seeds and every check that waits (`while_pending: wait`) for one, directly or not."""
    dependents: dict[str, list[str]] = {check: [] for check in requires}
    for check, requirements in requires.items():
        for requirement in requirements:
            if requirement.while_pending is WhilePending.WAIT:
                dependents[requirement.check].append(check)
    closure = set(seeds)
    frontier = list(closure)
    while frontier:
        for dependent in dependents[frontier.pop()]:
            if dependent not in closure:
                closure.add(dependent)
                frontier.append(dependent)
    return closure
