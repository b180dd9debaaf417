"""From the words of a template to what carries it out."""

import json
import re
from collections.abc import Container, Generator, Iterator
from functools import partial
from typing import NamedTuple

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template.execution import Evaluate, Execution, Step
from vibeguard.core.lang.template.functions import FUNCTIONS, Value

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


_MOST_NESTED = 64  # blocks and parentheses; far less than Python's stack allows
_WORDS = {"true": True, "false": False}
_UNSUPPORTED = ("with", "range", "break", "continue", "define", "template", "block")
_ESCAPES = re.compile(r'"(?:[^\\]|\\[bfnrt"\\]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*"', re.DOTALL)


def parse(text: str, names: Container[str]) -> list[Step]:
    """Parse a whole template, or raise `LanguageError` with the offset of the mistake."""
    parser = _Parser(list(tokenize(text, names)))
    steps, ending = parser.steps()
    if ending.kind != "end":
        raise LanguageError(
            f"{{{{{ending.value}}}}} belongs to no block", "remove it", ending.offset
        )
    return steps


def constant(value: Value) -> Evaluate:
    """A number, a text, true or false."""
    return lambda _: value


class _Parser:
    """A parser by recursive descent: one method for each construct of the language."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.nesting = 0

    def steps(self) -> tuple[list[Step], Token]:
        """Read up to `end`, `else` or the end of the text; return that word, read."""
        steps: list[Step] = []
        while True:
            token = self.next()
            if token.kind == "plain":
                steps.append(partial(Execution.write, text=token.value))
            elif token.kind == "end" or (token.kind == "word" and token.value in ("end", "else")):
                return steps, token
            elif token.kind == "word" and token.value == "if":
                steps.append(self.block(token))
            else:
                steps.append(partial(Execution.show, value=self.expression(token, "right")))

    def block(self, opening: Token) -> Step:
        """Read the rest of a block, its `end` included."""
        self.enter(opening)
        condition = self.expression(self.next(), "right")
        body, ending = self.steps()
        otherwise: list[Step] = []
        if ending.value == "else" and self.peek().value == "if":
            otherwise = [self.block(self.next())]  # which shares the `end`
        else:
            if ending.value == "else":
                self.expect_right()
                otherwise, ending = self.steps()
            if ending.value != "end":
                raise LanguageError("{{if}} has no {{end}}", "add it", opening.offset)
            self.expect_right()
        self.nesting -= 1
        return partial(Execution.branch, condition=condition, body=body, otherwise=otherwise)

    def expression(self, token: Token, closing: str) -> Evaluate:
        """Read a value, or a function with its operands, and what closes it."""
        if token.kind == "word" and token.value in FUNCTIONS:
            operands = []
            while self.peek().kind != closing:
                operands.append(self.operand(self.next()))
            self.position += 1
            return partial(Execution.call, name=token.value, operands=operands)
        value = self.operand(token)
        if self.peek().kind != closing:
            raise self.unexpected(self.peek())
        self.position += 1
        return value

    def operand(self, token: Token) -> Evaluate:
        """Read one operand, whose first word has been read."""
        match token.kind:
            case "field":
                return partial(Execution.look_up, name=token.value.removeprefix("."))
            case "open":
                self.enter(token)
                inner = self.expression(self.next(), "close")
                self.nesting -= 1
                return inner
            case "number":
                return constant(float(token.value) if "." in token.value else int(token.value))
            case "text" if token.value[0] == "`":
                return constant(token.value[1:-1])
            case "text" if _ESCAPES.fullmatch(token.value):
                return constant(json.loads(token.value, strict=False))
            case "word" if token.value in _WORDS:
                return constant(_WORDS[token.value])
            case "word" if token.value in _UNSUPPORTED:
                what, do = f"{token.value} is not supported", "write the text where it is needed"
                raise LanguageError(what, do, token.offset)
            case "word" if token.value not in FUNCTIONS:
                raise LanguageError(
                    f"there is no function {token.value}",
                    f"the functions are {', '.join(sorted(FUNCTIONS))}; a value is .{token.value}",
                    token.offset,
                )
        raise self.unexpected(token)

    def peek(self) -> Token:
        """The next word, unread."""
        return self.tokens[self.position]

    def next(self) -> Token:
        """Read the next word; the end of the text comes again and again."""
        token = self.tokens[self.position]
        self.position += token.kind != "end"
        return token

    def expect_right(self) -> None:
        """Read the end of an action."""
        token = self.next()
        if token.kind != "right":
            raise self.unexpected(token)

    def enter(self, token: Token) -> None:
        """Count one more block or parenthesis inside another."""
        self.nesting += 1
        if self.nesting > _MOST_NESTED:
            raise LanguageError(
                "the template is nested too deeply", "make it simpler", token.offset
            )

    def unexpected(self, token: Token) -> LanguageError:
        """The error of a word in the wrong place."""
        return LanguageError(
            f"{token.value or 'the end'} is not expected here",
            "see the template language in the docs",
            token.offset,
        )
