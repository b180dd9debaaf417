"""How a rule picks lines: by what they match, or from one line to another."""

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

_MOST_JOINED = 4  # blocks: what is further back is no longer the cause that matters

Picker = Callable[[Sequence[str]], list[int]]


class Rule(Struct, frozen=True):
    """One entry of the list: `mark` must be found in the output, `pick` says which lines matter.

    `^` and `$` in a mark are the ends of a line. `tool` and `picks` are the words for the
    documentation. Patterns are compiled when they are used: most runs need no excerpt.
    """

    name: str
    tool: str
    picks: str
    mark: str
    pick: Picker


def lines_like(pattern: str, *, before: int = 0, after: int = 0, also: str = "") -> Picker:
    """Pick the lines in which a pattern is found, and some lines around each.

    Where there are any, lines with `also` are picked beside them.
    """

    def pick(lines: Sequence[str]) -> list[int]:
        matcher = re.compile(pattern)
        return [
            index
            for match, line in enumerate(lines)
            if matcher.search(line)
            for index in range(max(match - before, 0), min(match + after + 1, len(lines)))
        ]

    return together(pick, lines_like(also)) if also else pick


def blocks(start: str, stop: str, *, longest: int, also: str = "") -> Picker:
    """Pick from each line with `start` up to the line before one with `stop`, at most `longest`.

    Where there are any, lines with `also` are picked beside them.
    """

    def pick(lines: Sequence[str]) -> list[int]:
        starts, stops = re.compile(start), re.compile(stop)
        chosen: list[int] = []
        index = 0
        while index < len(lines):
            first = index
            index += 1
            if not starts.search(lines[first]):
                continue
            while index < len(lines) and not stops.search(lines[index]):
                index += 1
            end = min(index, first + longest)
            while not lines[end - 1]:
                end -= 1
            chosen.extend(range(first, end))
        return chosen

    return together(pick, lines_like(also)) if also else pick


def together(first: Picker, *others: Picker) -> Picker:
    """Pick what any of the pickers picks, if the first one picks anything."""

    def pick(lines: Sequence[str]) -> list[int]:
        chosen = first(lines)
        return [*chosen, *(i for other in others for i in other(lines))] if chosen else []

    return pick


def last_block(start: str, stop: str, *, joined: str) -> Picker:
    """Pick the last block from `start` to the line with `stop`, and blocks `joined` to it."""

    def pick(lines: Sequence[str]) -> list[int]:
        starts, stops, joints = re.compile(start), re.compile(stop), re.compile(joined)
        found = [index for index, line in enumerate(lines) if starts.search(line)]
        chosen: list[int] = []
        for first in reversed(found[-_MOST_JOINED:]):
            ends = (i for i in range(first + 1, len(lines)) if stops.search(lines[i]))
            end = next(ends, len(lines) - 1)
            chosen = [*range(first, end + 1), *chosen]
            joint = next((i for i in range(first - 1, -1, -1) if lines[i]), None)
            if joint is None or not joints.search(lines[joint]):
                break
            chosen = [*range(joint - 1, first), *chosen]
        return chosen

    return pick
