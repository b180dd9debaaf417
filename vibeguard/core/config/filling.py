"""Puts variables into the texts of a config, and compiles those that are patterns or assertions.

What all of them may be together has a bound: variables, aliases and prompts can make much of
little, and a config is read before anybody has judged it.
"""

import re
from collections.abc import Callable

from vibeguard.core.config.mistakes import Findings
from vibeguard.core.config.nodes import Text
from vibeguard.core.config.positions import place_in
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.interpolate import Interpolation, references

_LONGEST = 1 << 15  # characters of a pattern or an assertion
_MOST_COST = 500_000  # of compiling, in characters of a simple pattern: a third of a second
_MOST_CHARACTERS = 16 << 20  # of all texts after interpolation, prompts with each check


class Filling:
    """Fills texts with `variables`, and records in `findings` what is wrong with them."""

    def __init__(self, variables: dict[str, str], findings: Findings) -> None:
        self._interpolation = Interpolation(variables)
        self._findings = findings
        self._characters = 0
        self._cost = 0
        self._compiled: dict[tuple[str, str], LanguageError | None] = {}
        self._places: dict[tuple[int, int, int], tuple[int, int]] = {}

    def pattern(self, text: Text) -> str:
        """A grok pattern, filled and checked."""
        return self._compile(text, "grok", _compile_grok)

    def assertion(self, text: Text) -> str:
        """An assertion, filled and checked; a blank one is none, whoever made it blank."""
        filled = self._compile(text, "assert", _parse_expression)
        return filled if filled.strip() else ""

    def put(self, text: Text) -> str:
        """The text with variables put in."""
        value = text.value
        if "{{." in value:
            try:
                value = self._interpolation.put(value)
            except LanguageError as error:
                self._blame(text, error, error.offset)
        self.spend(value, text)
        return value

    def spend(self, value: str, text: Text) -> None:
        """Count what goes into the plan: variables, aliases and prompts can make a lot of little.

        Each text costs its quotes and key too. Ends the loading where it is too much.
        """
        self._characters += len(value) + 16
        if self._characters > _MOST_CHARACTERS:
            what = f"with this the checks are longer than {_MOST_CHARACTERS >> 20} MiB together"
            do = "use shorter texts, or fewer of them"
            self._findings.end(what, do, text.line, text.column)

    def blame(self, text: Text, error: LanguageError) -> None:
        """Record an error at its offset in the filled text."""
        self._blame(text, error, self._interpolation.origin(text.value, error.offset))

    def _blame(self, text: Text, error: LanguageError, offset: int) -> None:
        """Record an error at an offset of the text as written.

        Aliases repeat a text and its error; the place is looked for once.
        """
        key = (text.line, text.column, offset)
        if key not in self._places:
            self._places[key] = place_in(text, offset, self._findings.source)
        self._findings.add_error(error, *self._places[key])

    def _compile(self, text: Text, language: str, compiler: Callable[[str], int]) -> str:
        """The text with variables put in, checked as this language; equal ones only once."""
        value = self.put(text)
        if self._holds_refused_variable(value):
            return value
        if (language, value) not in self._compiled:
            self._compiled[language, value] = None
            try:
                self._cost += compiler(_of_modest_length(value))
            except LanguageError as error:
                self._cost += max(error.cost, len(value))  # it has been read up to the mistake
                self._compiled[language, value] = error
            if self._cost > _MOST_COST:
                what = "up to here patterns and assertions are so large together that checking them"
                do = "use fewer or smaller ones; equal ones count once"
                self._findings.end(f"{what} takes too long", do, text.line, text.column)
        wrong = self._compiled[language, value]
        if wrong is not None:
            self.blame(text, wrong)
        return value

    def _holds_refused_variable(self, text: str) -> bool:
        """Whether a variable is still to come whose definition was refused: nobody can judge it."""
        if not self._findings or "{{." not in text:
            return False
        return any(map(self._findings.may_define, references(text)))


def _of_modest_length(text: str) -> str:
    if len(text) > _LONGEST:
        raise LanguageError(f"a text of more than {_LONGEST:,} characters", "use a shorter one")
    return text


def _compile_grok(pattern: str) -> int:
    from vibeguard.core.lang.grok import compile_grok  # noqa: PLC0415 - loads RE2

    return compile_grok(pattern).cost


def _parse_expression(text: str) -> int:
    from vibeguard.core.lang.expression import parse_expression  # noqa: PLC0415 - only if used

    cost = 3 * len(re.findall(r"[\w.]+|\S", text))  # words are what takes time, not characters
    try:
        if text.strip():
            parse_expression(text)
    except LanguageError as error:
        error.cost = cost
        raise
    return cost
