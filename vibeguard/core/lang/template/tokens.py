"""Words of a template: text, delimiters, and what stands between them."""

import re
from collections.abc import Container, Generator, Iterator
from typing import NamedTuple

from vibeguard.core.lang.errors import LanguageError

_SPACE = " \t\r\n"
# A name ends where one of these follows; anything else there is a mistake.
_WORD_END = r"(?=[ \t\r\n,|:()]|\}\}|\Z)"
_WORD = re.compile(
    rf"""(?x)
    (?P<right> [ \t\r\n]-\}}\}} | \}}\}} )
  | (?P<space> [ \t\r\n]+? (?= [ \t\r\n]-\}}\}} ) | [ \t\r\n]+ )
  | (?P<string> " (?: \\. | [^"\\\n] )* " )
  | (?P<raw> ` [^`]* ` )
  | (?P<variable> \$ \w+ {_WORD_END} )
  | (?P<field> \$? (?: \. [^\W0-9] \w* )+ {_WORD_END} )
  | (?P<number> [+-]? [0-9]{{1,18}} (?: \. [0-9]{{1,18}} )? {_WORD_END} )
  | (?P<dot> \. {_WORD_END} )
  | (?P<word> \w+ {_WORD_END} )
  | (?P<mark> := | [=|()] )
    """
)
_COMMENT_END = re.compile(r"([ \t\r\n]-)?\}\}")
_PLAIN_FIELD = re.compile(r"\{\{\.([^{}]+)\}\}")


class Token(NamedTuple):
    """One word: its kind, what it says, and where it stands."""

    kind: str
    value: str
    offset: int


def tokenize(text: str, names: Container[str]) -> Iterator[Token]:
    """Yield the words of a template, `right` at the end of each action, `end` at the end of all.

    `{{.name}}` with exactly a name out of `names` is a field whatever characters the name has.
    """
    position = 0
    trim = False
    while True:
        start = text.find("{{", position)
        piece = text[position:] if start < 0 else text[position:start]
        if trim:
            piece = piece.lstrip(_SPACE)
        if start >= 0 and _trims_left(text, start):
            piece = piece.rstrip(_SPACE)
        if piece:
            yield Token("text", piece, position)
        if start < 0:
            yield Token("end", "", len(text))
            return
        exact = _PLAIN_FIELD.match(text, start)
        if exact is not None and exact.group(1) in names:
            yield Token("field", f".{exact.group(1)}", start)
            yield Token("right", "}}", exact.end())
            position, trim = exact.end(), False
            continue
        position, trim = yield from _tokenize_action(text, start)


def _trims_left(text: str, start: int) -> bool:
    return text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in tuple(_SPACE)


def _tokenize_action(text: str, start: int) -> Generator[Token, None, tuple[int, bool]]:
    """Yield the words of one action; return where it ends and whether it trims what follows."""
    position = start + (3 if _trims_left(text, start) else 2)
    comment_start = position + 1 if _trims_left(text, start) else position
    if text.startswith("/*", comment_start):
        closed = text.find("*/", comment_start + 2)
        ending = _COMMENT_END.match(text, closed + 2) if closed >= 0 else None
        if ending is None:  # nor may a later comment end this one: the text between would be lost
            raise LanguageError("a comment is not closed", "end it with */}}", start)
        return ending.end(), bool(ending.group(1))
    while True:
        match = _WORD.match(text, position)
        if match is None:
            raise _unknown(text, start, position)
        kind = str(match.lastgroup)
        yield Token(kind, match.group(), position)
        position = match.end()
        if kind == "right":
            return position, match.group() != "}}"


def _unknown(text: str, start: int, position: int) -> LanguageError:
    if position >= len(text):
        return LanguageError("{{ is not closed", "close it with }}", start)
    return LanguageError(
        f"{text[position]} is not understood in a template",
        "see the template language in the docs",
        position,
    )
