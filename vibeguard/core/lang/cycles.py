"""Cycles in a graph of names, found without recursion: a chain may be 10,000 long."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

_SHOWN = 12  # names of a cycle that a message can carry and still be read
_MOST = 50  # cycles that a user can be expected to read; bounds the work in a dense graph


def find_cycles(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles of the graph, each as its names in order, beginning with the one that stands first.

    One cycle for each edge that leads back (depth first, in the graph's order): without these edges
    there would be none. At most 50. A name that leads to itself is a cycle of one. Names that the
    graph does not have as keys are ignored. Takes O(V + E).
    """
    order = {name: number for number, name in enumerate(graph)}
    cycles = [_turned(cycle, order) for cycle in islice(_cycles(graph), _MOST)]
    return sorted(cycles, key=lambda cycle: [order[name] for name in cycle])


def _cycles(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    finished: set[str] = set()
    for root, following in graph.items():
        if following and root not in finished:
            yield from _cycles_from(root, graph, finished)


def _cycles_from(
    root: str, graph: Mapping[str, Sequence[str]], finished: set[str]
) -> Iterator[list[str]]:
    """Walk depth first from `root`; yield the cycle that each back edge closes."""
    depth_of = {root: 0}
    path = [root]
    edges = [iter(graph[root])]
    while path:
        for name in edges[-1]:
            start = depth_of.get(name)
            if start is not None:
                yield path[start:]
            elif name in graph and name not in finished:
                depth_of[name] = len(path)
                path.append(name)
                edges.append(iter(graph[name]))
                break
        else:
            finished.add(path[-1])
            del depth_of[path.pop()]
            edges.pop()


def _turned(cycle: list[str], order: Mapping[str, int]) -> list[str]:
    """The same cycle, turned so that the name that stands first in the graph begins it."""
    first = min(range(len(cycle)), key=lambda index: order[cycle[index]])
    return cycle[first:] + cycle[:first]


def arrows(cycle: Sequence[str]) -> str:
    """`a -> b -> a`; the middle of a long cycle is left out and counted."""
    names = [*cycle, cycle[0]]
    if len(names) > _SHOWN:
        half = _SHOWN // 2
        left_out = len(names) - 2 * half
        names = [*names[:half], f"({left_out} more)", *names[-half:]]
    return " -> ".join(names)
