"""Words of the assert language."""

import re
from typing import NamedTuple

from vibeguard.core.lang.errors import LanguageError, quoted

_TOKEN = re.compile(
    r"""(?ax)
    (?P<space> [ \t\r\n]+ )
  | (?P<number> (?: [0-9]+ (?: \.[0-9]+ )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? (?! [\w.] ) )
  | (?P<name> [A-Za-z_]\w* (?: \.\w+ )* )
  | (?P<text> " [^"]* " | ' [^']* ' )
  | (?P<operator> \|\| | && | [=!<>]= (?! = ) | ! (?! == ) | [<>+*/()-] )
    """
)
_MOST_WORDS = 200_000  # of an expression; nobody writes one by hand that comes near
_WRONG_STARTS = (
    ("===", "write == for equal"),
    ("!==", "write != for not equal"),
    ("=~", "match with grok, and compare what it extracted"),
    ("=", "write == for equal"),
    ("&", "write && for and"),
    ("|", "write || for or"),
    ("%", "there is no remainder; the operators are || && ! == != < <= > >= + - * / ( )"),
    ("$", "write the bare name of the field"),
    ("{", "a variable of the config is put in as {{.name}}, if vars has it"),
    ('"', 'close the text with another "'),
    ("'", "close the text with another '"),
)


class Token(NamedTuple):
    """One word: its kind (number, name, text, operator, end), what it says, and where it stands."""

    kind: str
    value: str
    offset: int


def tokenize(text: str) -> list[Token]:
    """Split an expression into words; the last one is of the kind `end`."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if len(tokens) > _MOST_WORDS:
            what = f"the expression has more than {_MOST_WORDS:,} words"
            raise LanguageError(what, "split the check in two", position)
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unknown(text, position)
        kind = str(match.lastgroup)
        if kind == "text":
            # There are no escapes: "C:\" is three characters, and a text holds the other quote.
            tokens.append(Token(kind, match.group()[1:-1], position))
        elif kind != "space":
            tokens.append(Token(kind, match.group(), position))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _unknown(text: str, position: int) -> LanguageError:
    """Return the error for a character that begins no word."""
    if text[position].isdigit() or text[position] == ".":
        word = re.compile(r"[\w.]+").match(text, position)
        return LanguageError(
            f"{quoted(word.group() if word else '.')} is not a number",
            "write a number like 80, 0.5 or 1e6; a name begins with a letter or _",
            position,
        )
    for start, do in _WRONG_STARTS:
        if text.startswith(start, position):
            return LanguageError(f"{start} is not understood here", do, position)
    return LanguageError(
        f"{text[position]} is not understood here",
        "use names, numbers, quoted texts and the operators || && ! == != < <= > >= + - * / ( )",
        position,
    )
