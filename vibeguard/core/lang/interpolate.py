"""Variables in texts of the config: exactly `{{.name}}` of a known variable is replaced.

Nothing else is touched, so that `docker ps --format '{{.Names}}'` survives. It is one pass: what a
variable brought in is not looked at again, hence order never matters. Variables may use variables;
these are resolved first, and a cycle is an error.
"""

from collections.abc import Iterator, Mapping

from vibeguard.core.lang.cycles import arrows, find_cycles
from vibeguard.core.lang.errors import LanguageError

MAX_CHARACTERS = 1 << 20  # of one text after interpolation: variables of variables can explode
MAX_TOGETHER = 8 << 20  # of all variables
_MOST_CLOSINGS = 8  # of `}}` in a name: who has more than one is looking for trouble
_OPEN, _CLOSE = "{{.", "}}"


def references(text: str) -> Iterator[str]:
    """The names between each `{{.` and the next `}}` of its line, whether they are known or not.

    A regular expression would look for the end once more from each beginning.
    """
    for line in text.split("\n"):
        for piece in line.split(_CLOSE)[:-1]:
            name = piece.partition(_OPEN)[2]
            if name:
                yield name


class VariableCycle(Exception):
    """Variables use each other in a circle. `cycles` are their names, as `find_cycles` has them."""

    def __init__(self, cycles: list[list[str]]) -> None:
        super().__init__(arrows(cycles[0]))
        self.cycles = cycles


class Interpolation:
    """Puts the values of a set of variables, none of which uses another, into texts."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._values = variables
        self._lengths = frozenset(map(len, variables))
        closings = max((name.count(_CLOSE) for name in variables), default=0)
        self._most_ends = 1 + min(closings, _MOST_CLOSINGS)

    def put(self, text: str) -> str:
        """The text with every `{{.name}}` of a known variable replaced.

        Raises `LanguageError` if that makes it longer than `MAX_CHARACTERS`.
        """
        pieces: list[str] = []
        length = last = 0
        for start, end, name in self.uses(text):
            pieces += (text[last:start], self._values[name])
            length += len(pieces[-1]) + len(pieces[-2])
            last = end
            if length > MAX_CHARACTERS:
                raise LanguageError(
                    "variables make this text longer than 1 MiB",
                    "use fewer or shorter variables",
                    start,
                )
        return "".join((*pieces, text[last:])) if pieces else text

    def origin(self, text: str, offset: int) -> int:
        """Where in `text` the character stands that `put(text)` has at `offset`.

        What came out of a variable stands where the `{{.name}}` does.
        """
        shift = 0
        for start, end, name in self.uses(text):
            if offset < start + shift:
                break
            length = len(self._values[name])
            if offset < start + shift + length:
                return start
            shift += length - (end - start)
        return offset - shift

    def uses(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where variables are used: start, end and name of each, from left to right.

        The time does not grow with the number of variables, hence no regular expression.
        """
        start, end = text.find(_OPEN), 0
        while start >= 0 and end >= 0:
            at = start + len(_OPEN)
            if end < at:
                end = text.find(_CLOSE, at)
            name = self._name(text, at, end)
            if name is None:
                start = text.find(_OPEN, start + 1)
            else:
                after = at + len(name) + len(_CLOSE)
                yield start, after, name
                start = text.find(_OPEN, after)

    def _name(self, text: str, start: int, end: int) -> str | None:
        """The variable whose name ends before a `}}`; the longest, for a name may hold some."""
        found = None
        for _ in range(self._most_ends):
            if end < 0:
                break
            if end - start in self._lengths and text[start:end] in self._values:
                found = text[start:end]
            end = text.find(_CLOSE, end + 1)
        return found


def resolve_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with other variables put in, in the same order.

    Raises `VariableCycle`, or `LanguageError` when a value outgrows `MAX_CHARACTERS`, or all of
    them `MAX_TOGETHER`.
    """
    every = Interpolation(variables)
    uses = {
        name: tuple(dict.fromkeys(used for _, _, used in every.uses(value)))
        for name, value in variables.items()
        if _OPEN in value
    }
    if not any(uses.values()):
        return dict(variables)
    cycles = find_cycles(uses)
    if cycles:
        raise VariableCycle(cycles)
    from graphlib import TopologicalSorter  # noqa: PLC0415 - few variables use others

    resolved = dict(variables)
    room = MAX_TOGETHER
    putting = Interpolation(resolved)  # each is complete before another one uses it
    for name in TopologicalSorter(uses).static_order():
        if not uses.get(name):
            continue
        resolved[name] = putting.put(variables[name])
        room -= len(resolved[name])
        if room < 0:
            what = f"variables together are longer than {MAX_TOGETHER >> 20} MiB"
            raise LanguageError(what, "use fewer or shorter variables")
    return resolved
