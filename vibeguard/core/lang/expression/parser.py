"""From words to an expression: one function climbs the ranks, one reads an operand."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.expression.evaluation import (
    MissingName,
    Value,
    decides,
    joined,
    signed,
    value_of,
)

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


_RANKS = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
_MOST_NESTED = 64  # parentheses; far more than anyone can read, far less than Python's stack
_WORDS = {"and": "&&", "or": "||", "not": "!"}


class Parser:
    """Reads one expression, and evaluates it where there are values; `names` are its fields.

    Operators of one rank are read in a loop: how deep the calls are is bounded by the parentheses
    of an expression, and not by its length. What is not `live` (`&&` and `||` look at their right
    side only if they must, and without values all) is only read.
    """

    def __init__(self, tokens: list[Token], values: Mapping[str, str] | None = None) -> None:
        self.tokens = tokens
        self.values = values
        self.position = 0
        self.nesting = 0
        self.names: set[str] = set()

    def parse(self) -> Value:
        """The whole expression; anything left over is an error."""
        if self._current().kind == "end":
            raise LanguageError("the expression is empty", "write one, or leave assert out", 0)
        value = self._chain(0, live=self.values is not None)
        if self._current().kind != "end":
            raise self._left_over(self._current())
        return value

    def _current(self) -> Token:
        return self.tokens[self.position]

    def _chain(self, rank: int, *, live: bool) -> Value:
        """Read operands of a higher rank, joined by operators of this one."""
        if rank == len(_RANKS):
            return self._unary(live=live)
        left = self._chain(rank + 1, live=live)
        while self._current().kind == "operator" and self._current().value in _RANKS[rank]:
            operator = self._current()
            self.position += 1
            needed = live and not decides(operator.value, left)
            right = self._chain(rank + 1, live=needed)
            if live:
                left = joined(operator.value, left, right if needed else left, operator.offset)
        return left

    def _unary(self, *, live: bool) -> Value:
        """An operand with the signs before it, the last of which is applied first."""
        start = self._current().offset
        signs = []
        while self._current().kind == "operator" and self._current().value in "!-":
            signs.append(self._current().value)
            self.position += 1
        value = self._operand(live=live)
        for sign in reversed(signs if live else ()):
            value = signed(sign, value, start)
        return value

    def _operand(self, *, live: bool) -> Value:
        token = self._current()
        self.position += 1
        if token.kind in ("number", "text"):
            return value_of(token.value)
        if token.kind == "name":
            return self._name(token, live=live)
        if token == Token("operator", "(", token.offset):
            return self._parentheses(token, live=live)
        self.position -= 1
        what = f"instead of {quoted(token.value)}" if token.value else "at the end"
        raise LanguageError(
            f"a value is missing {what}",
            "put a name, a number, a quoted text or an expression in parentheses here",
            token.offset,
        )

    def _name(self, token: Token, *, live: bool) -> Value:
        if token.value in ("true", "false"):
            return value_of(token.value)
        following = self._current()
        if following.value == "(" and following.kind == "operator":
            raise LanguageError(
                f"{quoted(token.value)} is not a function: there are none",
                "compare what grok extracted",
                token.offset,
            )
        if token.value == "not" and following.kind != "operator":
            raise self._left_over(following, after=token)
        self.names.add(token.value)
        if not live or self.values is None:
            return value_of("")
        if token.value not in self.values:
            raise MissingName(token.value, token.offset)
        return value_of(self.values[token.value])

    def _parentheses(self, opening: Token, *, live: bool) -> Value:
        self.nesting += 1
        if self.nesting > _MOST_NESTED:
            raise LanguageError(
                f"parentheses are nested more than {_MOST_NESTED} deep",
                "split the check in two",
                opening.offset,
            )
        inner = self._chain(0, live=live)
        if self._current().value != ")" or self._current().kind != "operator":
            if self._current().kind == "end":
                raise LanguageError("( is never closed", "close it with )", opening.offset)
            raise self._left_over(self._current())
        self.position += 1
        self.nesting -= 1
        return inner

    def _left_over(self, token: Token, after: Token | None = None) -> LanguageError:
        """Return the error for what follows a complete expression."""
        if after is None and self.position:
            after = self.tokens[self.position - 1]
        for word in (after, token):
            if word is not None and word.kind == "name" and word.value in _WORDS:
                return LanguageError(
                    f"{word.value} is not an operator",
                    f"write {_WORDS[word.value]}",
                    word.offset,
                )
        what = (
            "a ) without a ("
            if token.value == ")"
            else f"{quoted(token.value)} follows a whole value"
        )
        return LanguageError(
            what, "join the two with an operator, or remove what is too much", token.offset
        )
