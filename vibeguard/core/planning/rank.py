"""Which check goes first: what failed before, then the critical path.

Graham, "Bounds on multiprocessing timing anomalies" (1969): list scheduling by longest remaining
path stays within 2 - 1/m of the best makespan, whatever the order of equal paths.
"""

from collections.abc import Collection, Mapping

from vibeguard.core.planning.graph import Requires, closure, dependents_of, topological_order

UNIT_NS = 1_000_000_000


def remaining_paths(requires: Requires, expected_ns: Mapping[str, int]) -> dict[str, int]:
    """Nanoseconds on the longest path from each check's start to the end of the run.

    A check without a recorded duration counts as the median of those that have one; without any
    history every check counts one second, so that the graph alone decides.
    """
    known = sorted(expected_ns[check] for check in requires if check in expected_ns)
    middle = len(known) // 2  # and the one as far from the end; `statistics` is slow to load
    unknown = (known[middle] + known[~middle]) // 2 if known else UNIT_NS
    dependents = dependents_of(requires)
    paths: dict[str, int] = {}
    for check in reversed(topological_order(requires)):
        after = max((paths[dependent] for dependent in dependents[check]), default=0)
        paths[check] = expected_ns.get(check, unknown) + after
    return paths


def failing_first(requires: Requires, failed: Collection[str]) -> set[str]:
    """The checks that go before all others: what failed before, and what stands in its way."""
    known = (check for check in failed if check in requires)
    return closure(known, lambda check: (entry.check for entry in requires[check]))
