"""Collects what is wrong with one config: each mistake once, and a bounded number of them.

Every mistake goes through `Findings.add`, so its bounds cannot be forgotten: what aliases repeat
is one mistake, the first 200 in the file's order are shown and the rest counted, the advice of a
mistake that is not shown is never worked out, and at 10,000 the loading ends.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn

from msgspec import Struct

from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text
from vibeguard.core.config.source import Source
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.problems import ConfigError, Problem
from vibeguard.core.wording.units import plural

MOST_SHOWN = 200
MOST_FOUND = 10_000
_MOST_NEAR_NAMES = 30  # looking for them is slow, and nobody reads more


class _Advice(Struct, frozen=True, gc=False):
    """What to do, and how to find out what was probably meant."""

    do: str
    meant: Callable[[], str] | None = None


class Findings:
    """The mistakes in one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[tuple[int, int, str], _Advice] = {}
        self._refused: list[Node] = []
        self._refused_texts: frozenset[str] | None = None
        self._ended = False  # before all was looked at
        self.names_are_missing = False  # an alias of nothing stands where names are defined

    def __len__(self) -> int:
        return len(self._found)

    def add(
        self, what: str, do: str, line: int, column: int, meant: Callable[[], str] | None = None
    ) -> None:
        """Record a mistake; `meant` is asked for a better advice than `do`, if it is shown.

        Raises ConfigError where there are so many that the rest is not worth the time.
        """
        self._found.setdefault((line, column, what), _Advice(do, meant))
        if len(self._found) == MOST_FOUND:
            self._ended = True
            raise self.error()

    def end(self, what: str, do: str, line: int, column: int) -> NoReturn:
        """Record a mistake after which nothing more is looked at."""
        self._ended = True
        self.add(what, do, line, column)
        raise self.error()

    def add_error(self, error: LanguageError, line: int, column: int) -> None:
        """Record what is wrong with a text of one of the small languages."""
        self.add(error.what, error.plain, line, column, error.meant)

    def refuse(self, node: Node) -> None:
        """Remember what is not read any further: whatever it defines counts as defined."""
        self._refused.append(node)

    def may_define(self, name: str) -> bool:
        """Whether something that was refused may define this name: then its use is no mistake."""
        if self._refused_texts is None:
            self._refused_texts = frozenset(_texts(self._refused))
        return self.names_are_missing or name in self._refused_texts

    def problems(self) -> list[Problem]:
        """The first in the file's order, and how many more there are."""
        order = sorted(self._found)
        problems = []
        for number, (line, column, what) in enumerate(order[:MOST_SHOWN]):
            advice = self._found[line, column, what]
            meant = advice.meant() if advice.meant and number < _MOST_NEAR_NAMES else ""
            problems.append(self.source.problem(what, meant or advice.do, line, column))
        more = len(order) - MOST_SHOWN
        if more > 0:
            stopped = " at least" if self._ended else ""
            what = f"and{stopped} {plural(more, 'more mistake')}"
            problems.append(Problem(what, "mend these first", self.source.file))
        return problems

    def error(self) -> ConfigError:
        """The exception that carries them; there must be one."""
        return ConfigError(self.problems())


def _texts(nodes: list[Node]) -> Iterator[str]:
    """Every text in these nodes, keys included; what aliases repeat is looked at once."""
    seen: set[int] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if type(node) is Text:
            yield node.value
        elif id(node) not in seen:
            seen.add(id(node))
            if type(node) is Mapping:
                yield from node.keys
                pending += node.values.values()
            elif type(node) is Sequence:
                pending += node.items
