"""Suggestions and fixes: the part of Go's text/template that configs use (ADR 0090).

Text stands for itself. Between `{{` and `}}` stand values (`.name`, constants), functions of them
in parentheses where they are inside another, and the blocks if, else and end; the trim markers
`{{-` and `-}}` work. What is outside this language, or cannot be carried out, makes the whole text
appear as it is written. Values are data: nothing in them is ever read as a template.
"""

import json
import re
from collections.abc import Container, Mapping
from typing import NamedTuple

from msgspec import Struct

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template.functions import FUNCTIONS, Value, show
from vibeguard.core.wording.layout import LONGEST_TEXT, cut_text

MOST_CHARACTERS = LONGEST_TEXT
"""The longest template, and the longest text that comes out of one."""

_MOST_READ = 2 << 20  # characters that one call of a function is given
_MOST_NESTED = 64  # blocks and parentheses; far less than Python's stack allows
_SPACE = " \t\r\n"
# A word ends where one of these follows, and a parenthesis opens behind one of these; anything else
# there is a mistake.
_WORD = re.compile(
    r"""(?x) [ \t\r\n]*? (?:
    (?P<right> [ \t\r\n]-\}\} | \}\} )
  | (?P<open> (?<! [^\s({-] ) \( )
  | (?: (?P<text> " (?: \\. | [^"\\\n] )* " | ` [^`]* ` )
      | (?P<field> (?: \. [^\W0-9] \w* )+ )
      | (?P<number> [+-]? [0-9]{1,18} (?: \. [0-9]{1,18} )? )
      | (?P<word> \w+ )
      | (?P<close> \) )
    ) (?= [ \t\r\n)] | \}\} | \Z )
    )"""
)
_PLAIN_FIELD = re.compile(r"\{\{\.([^{}]+)\}\}")
_ESCAPES = re.compile(r'"(?:[^\\]|\\[bfnrt"\\]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*"', re.DOTALL)
_SEE = "see the template language in the docs"


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
        return _as_written(text)
    try:
        template = _Template(text, {**values, **variables})
        is_whole = template.carry_out()
    except LanguageError:
        return _as_written(text)
    entered = {name: values.get(name) for name in template.entered if name not in variables}
    shown = "".join(template.pieces)
    if not is_whole:
        shown += f"\n[cut: longer than {MOST_CHARACTERS:,} characters]"
    return Rendered(shown, entered, is_whole)


def check_template(text: str, names: Container[str]) -> LanguageError | None:
    """Return why the text will be shown as it is written, or None if it is a template.

    `names` are those that have values. What only fails with certain values is not seen here.
    """
    try:
        _Template(text, names).block(live=False)
    except LanguageError as error:
        return error
    return None


def _as_written(text: str) -> Rendered:
    return Rendered(cut_text(text), is_whole=len(text) <= MOST_CHARACTERS)


class _Full(Exception):
    """What a template makes is longer than what it may make."""


class _Token(NamedTuple):
    """One word: its kind, what it says, and where it stands."""

    kind: str
    value: str
    offset: int


def _tokens(text: str, names: Container[str]) -> list[_Token]:
    """The words of a template, `right` at the end of each action, `end` at the end of all.

    What stands for itself is of the kind `plain`. `{{.name}}` with exactly a name out of `names` is
    a field whatever characters the name has.
    """
    tokens: list[_Token] = []
    at, before = 0, ""
    while (start := text.find("{{", at)) >= 0:
        trims = text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in tuple(_SPACE)
        plain = text[at:start].lstrip(before)
        tokens.append(_Token("plain", plain.rstrip(_SPACE) if trims else plain, at))
        exact = _PLAIN_FIELD.match(text, start)
        if exact is not None and exact[1] in names:
            at, before = exact.end(), ""
            tokens += _Token("field", f".{exact[1]}", start), _Token("right", "}}", at)
            continue
        at, kind = start + (3 if trims else 2), ""
        while kind != "right":
            match = _WORD.match(text, at)
            if match is None:
                raise _unknown(text, start, at)
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        before = "" if tokens[-1].value == "}}" else _SPACE
    return [*tokens, _Token("plain", text[at:].lstrip(before), at), _Token("end", "", len(text))]


def _unknown(text: str, start: int, at: int) -> LanguageError:
    at += len(text[at:]) - len(text[at:].lstrip(_SPACE))
    if at >= len(text):
        return LanguageError("{{ is not closed", "close it with }}", start)
    return LanguageError(f"{text[at]} is not understood in a template", _SEE, at)


# A value, and the names of those that could get into the text with it.
_Found = tuple[Value, tuple[str, ...]]
_NOTHING: _Found = (None, ())


class _Template:
    """Reads and carries out a template at once: one method for each construct of the language.

    What is not `live` (another branch, what `and` and `or` pass over) is only read. There is no
    loop: the steps are as many as the template has words.
    """

    def __init__(self, text: str, values: Mapping[str, str] | Container[str]) -> None:
        if len(text) > MOST_CHARACTERS:
            what = "the text is too long for a template"
            raise LanguageError(what, f"write at most {MOST_CHARACTERS:,} characters")
        self.pieces: list[str] = []
        self.entered: dict[str, None] = {}
        self._room = MOST_CHARACTERS
        self._values = values if isinstance(values, Mapping) else {}
        self._tokens = _tokens(text, values)
        self._position = 0
        self._nesting = 0

    def carry_out(self) -> bool:
        """Fill `pieces` and `entered`; whether all of it found room. Raises LanguageError."""
        try:
            self.block(live=True)
        except _Full:
            return False
        return True

    def block(self, *, live: bool, inside: bool = False) -> _Token:
        """Read up to `end`, `else` or the end of the text; return that word, read."""
        while True:
            token = self._next()
            if token.kind == "plain":
                self._write(token.value if live else "")
            elif token.kind == "end" or (token.kind == "word" and token.value in ("end", "else")):
                if not inside and token.kind != "end":
                    what = f"{{{{{token.value}}}}} belongs to no block"
                    raise LanguageError(what, "remove it", token.offset)
                return token
            elif token.kind == "word" and token.value == "if":
                self._if(token, live=live)
            else:
                value, names = self._expression(token, "right", live=live)
                self.entered |= dict.fromkeys(names)
                self._write(show(value) if live else "")

    def _if(self, opening: _Token, *, live: bool) -> None:
        """Read the rest of a block, its `end` included."""
        self._enter(opening)
        condition, _ = self._expression(self._next(), "right", live=live)
        holds = bool(condition)
        ending = self.block(live=live and holds, inside=True)
        if ending.value == "else" and self._peek().value == "if":
            self._if(self._next(), live=live and not holds)  # which shares the `end`
        else:
            if ending.value == "else":
                self._expect("right")
                ending = self.block(live=live and not holds, inside=True)
            if ending.value != "end":
                raise LanguageError("{{if}} has no {{end}}", "add it", opening.offset)
            self._expect("right")
        self._nesting -= 1

    def _expression(self, token: _Token, closing: str, *, live: bool) -> _Found:
        """Read a value, or a function with its operands, and what closes it."""
        if token.kind == "word" and token.value in FUNCTIONS:
            found = self._call(token.value, closing, live=live)
        else:
            found = self._operand(token, live=live)
        self._expect(closing)
        return found

    def _call(self, name: str, closing: str, *, live: bool) -> _Found:
        """Call a function; `and` and `or` look at their operands only as far as they must."""
        found: list[_Found] = []
        goes_on = live
        while self._peek().kind != closing:
            operand = self._operand(self._next(), live=goes_on)
            if goes_on:
                found.append(operand)
            if name in ("and", "or"):
                goes_on = goes_on and bool(operand[0]) == (name == "and")
        if not live:
            return _NOTHING
        if name in ("and", "or") and found:
            return found[-1]
        # What is given again and again would fill the memory before it is shown.
        if sum(len(value) for value, _ in found if isinstance(value, str)) > _MOST_READ:
            raise _Full
        try:
            value = FUNCTIONS[name](*(value for value, _ in found))
        except TypeError as error:
            raise LanguageError(f"{name}: {error}", _SEE) from None
        if isinstance(value, str) and len(value) > self._room:
            self._write(value)
        return value, tuple(one for _, names in found for one in names)

    def _operand(self, token: _Token, *, live: bool) -> _Found:
        """Read one operand, whose first word has been read."""
        match token.kind:
            case "field":
                name = token.value.removeprefix(".")
                return (self._values.get(name), (name,)) if live else _NOTHING
            case "open":
                self._enter(token)
                inner = self._expression(self._next(), "close", live=live)
                self._nesting -= 1
                return inner
            case "number":
                return (float if "." in token.value else int)(token.value), ()
            case "text" if token.value[0] == "`":
                return token.value[1:-1], ()
            case "text" if _ESCAPES.fullmatch(token.value):
                return json.loads(token.value, strict=False), ()
            case "word" if token.value in ("true", "false"):
                return token.value == "true", ()
            case "word" if token.value not in FUNCTIONS:
                raise LanguageError(
                    f"there is no function {token.value}",
                    f"the functions are {', '.join(sorted(FUNCTIONS))}; a value is .{token.value}",
                    token.offset,
                )
        raise _unexpected(token)

    def _write(self, text: str) -> None:
        """Write text that stands for itself. Raises `_Full`."""
        self.pieces.append(text[: self._room])
        self._room -= len(text)
        if self._room < 0:
            raise _Full

    def _peek(self) -> _Token:
        """The next word, unread."""
        return self._tokens[self._position]

    def _next(self) -> _Token:
        """Read the next word; the end of the text comes again and again."""
        token = self._peek()
        self._position += token.kind != "end"
        return token

    def _expect(self, kind: str) -> None:
        """Read the word that must come here."""
        token = self._next()
        if token.kind != kind:
            raise _unexpected(token)

    def _enter(self, token: _Token) -> None:
        """Count one more block or parenthesis inside another."""
        self._nesting += 1
        if self._nesting > _MOST_NESTED:
            what = "the template is nested too deeply"
            raise LanguageError(what, "make it simpler", token.offset)


def _unexpected(token: _Token) -> LanguageError:
    """The error of a word in the wrong place."""
    return LanguageError(f"{token.value or 'the end'} is not expected here", _SEE, token.offset)
