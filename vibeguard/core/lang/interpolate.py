"""Variables in texts of the config: exactly `{{.name}}` of a known variable is replaced.

Nothing else is touched, so that `docker ps --format '{{.Names}}'` survives. It is one pass: what a
variable brought in is not looked at again, hence order never matters. Variables may use variables;
these are resolved first, and a cycle is an error.
"""

import re
from collections.abc import Mapping

from vibeguard.core.lang.cycles import arrows, find_cycles
from vibeguard.core.lang.errors import LanguageError

MAX_CHARACTERS = 1 << 20  # of one text after interpolation: variables of variables can explode


class VariableCycle(Exception):
    """Variables use each other in a circle. `cycles` are their names, as `find_cycles` has them."""

    def __init__(self, cycles: list[list[str]]) -> None:
        super().__init__(arrows(cycles[0]))
        self.cycles = cycles


class Interpolation:
    """Puts the values of a set of variables, none of which uses another, into texts."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._values = {"{{." + name + "}}": value for name, value in variables.items()}
        self._pattern = _pattern_for(variables)

    def put(self, text: str) -> str:
        """The text with every `{{.name}}` of a known variable replaced.

        Raises `LanguageError` if that makes it longer than `MAX_CHARACTERS`.
        """
        if self._pattern is None or "{{." not in text:
            return text
        pieces: list[str] = []
        length = last = 0
        for match in self._pattern.finditer(text):
            pieces += (text[last : match.start()], self._values[match[0]])
            length += len(pieces[-1]) + len(pieces[-2])
            last = match.end()
            if length > MAX_CHARACTERS:
                raise LanguageError(
                    "variables make this text longer than 1 MiB",
                    "use fewer or shorter variables",
                    match.start(),
                )
        return "".join((*pieces, text[last:])) if pieces else text

    def origin(self, text: str, offset: int) -> int:
        """Where in `text` the character stands that `put(text)` has at `offset`.

        What came out of a variable stands where the `{{.name}}` does.
        """
        if self._pattern is None:
            return offset
        shift = 0
        for match in self._pattern.finditer(text):
            start = match.start() + shift
            if offset < start:
                break
            length = len(self._values[match[0]])
            if offset < start + length:
                return match.start()
            shift += length - len(match[0])
        return offset - shift


def _pattern_for(variables: Mapping[str, str]) -> "re.Pattern[str] | None":
    """Matches the use of any of the variables; the longest name where one contains another."""
    if not variables:
        return None
    names = sorted(variables, key=len, reverse=True)
    return re.compile(r"\{\{\.(?:" + "|".join(map(re.escape, names)) + r")\}\}")


def resolve_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with other variables put in, in the same order.

    Raises `VariableCycle`, or `LanguageError` when a value outgrows `MAX_CHARACTERS`.
    """
    pattern = _pattern_for(variables)
    if pattern is None:
        return {}
    uses = {
        name: tuple(dict.fromkeys(match[0][3:-2] for match in pattern.finditer(value)))
        for name, value in variables.items()
        if "{{." in value
    }
    if not any(uses.values()):
        return dict(variables)
    cycles = find_cycles(uses)
    if cycles:
        raise VariableCycle(cycles)
    resolved = {name: value for name, value in variables.items() if not uses.get(name)}
    for name in _users_last(uses):
        used = {other: resolved[other] for other in uses[name]}
        resolved[name] = Interpolation(used).put(variables[name])
    return {name: resolved[name] for name in variables}


def _users_last(uses: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names that use others, each after those that it uses. There is no cycle."""
    done: set[str] = set()
    order: list[str] = []
    for root in uses:
        stack = [(root, iter(uses[root]))]
        while stack:
            name, rest = stack[-1]
            other = next((used for used in rest if used in uses and used not in done), None)
            if other is not None:
                stack.append((other, iter(uses[other])))
                continue
            stack.pop()
            if name not in done and uses[name]:
                order.append(name)
            done.add(name)
    return order
