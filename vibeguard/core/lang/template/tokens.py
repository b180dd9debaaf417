"""Words of a template: text, and what stands between `{{` and `}}`."""

import re
from collections.abc import Container, Generator, Iterator
from typing import NamedTuple

from vibeguard.core.lang.errors import LanguageError

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


class Token(NamedTuple):
    """One word: its kind, what it says, and where it stands."""

    kind: str
    value: str
    offset: int


def tokenize(text: str, names: Container[str]) -> Iterator[Token]:
    """Yield the words of a template, `right` at the end of each action, `end` at the end of all.

    What stands for itself is of the kind `plain`. `{{.name}}` with exactly a name out of `names` is
    a field whatever characters the name has.
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
            yield Token("plain", piece, position)
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
    while True:
        match = _WORD.match(text, position)
        if match is None:
            raise _unknown(text, start, position)
        kind = str(match.lastgroup)
        yield Token(kind, match[kind], match.start(kind))
        position = match.end()
        if kind == "right":
            return position, match[kind] != "}}"


def _unknown(text: str, start: int, position: int) -> LanguageError:
    position += len(text[position:]) - len(text[position:].lstrip(_SPACE))
    if position >= len(text):
        return LanguageError("{{ is not closed", "close it with }}", start)
    return LanguageError(
        f"{text[position]} is not understood in a template",
        "see the template language in the docs",
        position,
    )
