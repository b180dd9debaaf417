"""How far it is from the start of a check to the end of the run: the critical path first.

Graham, "Bounds on multiprocessing timing anomalies" (1969): list scheduling by longest remaining
path stays within 2 - 1/m of the best makespan, whatever the order of equal paths.
"""

from collections.abc import Mapping
from statistics import median

from vibeguard.core.planning.graph import Requires, dependents_of, topological_order

UNIT_NS = 1_000_000_000


def remaining_paths(requires: Requires, expected_ns: Mapping[str, int]) -> dict[str, int]:
    """Nanoseconds on the longest path from each check's start to the end of the run.

    A check without a recorded duration counts as the median of those that have one; without any
    history every check counts one second, so that the graph alone decides.
    """
    known = [expected_ns[check] for check in requires if check in expected_ns]
    unknown = int(median(known)) if known else UNIT_NS
    dependents = dependents_of(requires)
    paths: dict[str, int] = {}
    for check in reversed(topological_order(requires)):
        after = max((paths[dependent] for dependent in dependents[check]), default=0)
        paths[check] = expected_ns.get(check, unknown) + after
    return paths
