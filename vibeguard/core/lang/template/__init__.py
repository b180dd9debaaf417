"""Suggestions and fixes: the part of Go's text/template that configs use (ADR 0090).

Text stands for itself. Between `{{` and `}}` stand values (`.name`, constants), functions of them
in parentheses where they are inside another, and the blocks if, else and end; the trim markers
`{{-` and `-}}` work. What is outside this language, or cannot be carried out, makes the whole text
appear as it is written. Values are data: nothing in them is ever read as a template.
"""

from collections.abc import Container, Mapping

from msgspec import Struct

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template.execution import Execution, Step
from vibeguard.core.lang.template.functions import OutputFull
from vibeguard.core.lang.template.parser import parse
from vibeguard.core.wording.layout import LONGEST_TEXT, cut_text

MOST_CHARACTERS = LONGEST_TEXT
"""The longest template, and the longest text that comes out of one."""


class Rendered(Struct, frozen=True):
    """What came out, at most `MOST_CHARACTERS` of it and a line that says so where it was cut.

    `entered` are the extracted values that could get into the text, None for a name that has no
    value: those that only a condition looked at, or that `and` and `or` passed over, are not among
    them. `is_whole` is False where the text was cut.
    """

    text: str
    entered: Mapping[str, str | None] = {}
    is_whole: bool = True


def render(text: str, values: Mapping[str, str], variables: Mapping[str, str]) -> Rendered:
    """Carry out the actions of a text, or return it as it is written if it is no template.

    `values` are what grok extracted, `variables` the config's; these win. A name that has no value
    shows as `<no value>`.
    """
    if "{{" not in text:
        return _bounded(text)
    execution = Execution(values, variables, MOST_CHARACTERS)
    try:
        for step in _parse(text, {*values, *variables}):
            step(execution)
    except OutputFull:
        shown = f"{execution.text}\n[cut: longer than {MOST_CHARACTERS:,} characters]"
        return Rendered(shown, execution.entered, is_whole=False)
    except LanguageError:
        return _bounded(text)
    return Rendered(execution.text, execution.entered)


def check_template(text: str, names: Container[str]) -> LanguageError | None:
    """Return why the text will be shown as it is written, or None if it is a template.

    `names` are those that have values. What only fails with certain values is not seen here.
    """
    try:
        _parse(text, names)
    except LanguageError as error:
        return error
    return None


def _bounded(text: str) -> Rendered:
    return Rendered(cut_text(text), is_whole=len(text) <= MOST_CHARACTERS)


def _parse(text: str, names: Container[str]) -> list[Step]:
    if len(text) > MOST_CHARACTERS:
        what = "the text is too long for a template"
        raise LanguageError(what, f"write at most {MOST_CHARACTERS:,} characters")
    return parse(text, names)
