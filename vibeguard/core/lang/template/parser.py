"""From the words of a template to its tree."""

import json
import re
from collections.abc import Container

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template.functions import FUNCTIONS
from vibeguard.core.lang.template.syntax import (
    Action,
    Block,
    Constant,
    Field,
    Function,
    Nested,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)
from vibeguard.core.lang.template.tokens import Token, tokenize

_MOST_NESTED = 64  # blocks and parentheses; far less than Python's stack allows
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "nil": None}
_BLOCKS = ("if", "with")
_UNSUPPORTED = ("range", "break", "continue", "define", "template", "block")
_ESCAPES = re.compile(r'"(?:[^\\]|\\[bfnrt"\\]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*"', re.DOTALL)


def parse(text: str, names: Container[str]) -> tuple[Node, ...]:
    """Parse a whole template, or raise `LanguageError` with the offset of the mistake."""
    parser = _Parser(list(tokenize(text, names)))
    nodes, ending = parser.nodes()
    if ending.kind != "end":
        raise LanguageError(
            f"{{{{{ending.value}}}}} belongs to no block", "remove it", ending.offset
        )
    return nodes


class _Parser:
    """A parser by recursive descent: one method for each construct of the language."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.variables: set[str] = set()
        self.nesting = 0

    def nodes(self) -> tuple[tuple[Node, ...], Token]:
        """Read nodes up to `end`, `else` or the end of the text; return that word, unread."""
        nodes: list[Node] = []
        while True:
            token = self.peek()
            if token.kind == "end":
                return tuple(nodes), token
            if token.kind == "text":
                self.position += 1
                nodes.append(Text(token.value))
                continue
            keyword = self.peek_word()
            if keyword.kind == "word" and keyword.value in ("end", "else"):
                return tuple(nodes), keyword
            nodes.append(self.action(keyword))

    def action(self, keyword: Token) -> Node:
        """Read one action that is neither `end` nor `else`."""
        word = keyword.value if keyword.kind == "word" else ""
        if word in _UNSUPPORTED:
            raise LanguageError(
                f"{word} is not supported", "write the text where it is needed", keyword.offset
            )
        if word in _BLOCKS:
            self.position += 1
            return self.block(keyword)
        return Action(self.pipeline("right"))

    def block(self, opening: Token) -> Block:
        """Read the rest of a block, its `end` included."""
        self.enter(opening)
        outside = set(self.variables)
        pipeline = self.pipeline("right")
        body, ending = self.nodes()
        otherwise: tuple[Node, ...] = ()
        if ending.value == "else":
            otherwise = self.otherwise(opening)
        else:
            self.end(ending, opening)
        self.variables = outside
        self.nesting -= 1
        return Block(pipeline, body, otherwise, is_with=opening.value == "with")

    def otherwise(self, opening: Token) -> tuple[Node, ...]:
        """Read what follows `else`: another condition, which shares the `end`, or a plain body."""
        self.next_word()
        following = self.peek_word()
        if following.kind == "word" and following.value == opening.value:
            self.position += 1
            return (self.block(following),)
        self.expect_right()
        nodes, ending = self.nodes()
        self.end(ending, opening)
        return nodes

    def end(self, ending: Token, opening: Token) -> None:
        """Read the `end` of a block."""
        if ending.value != "end" or ending.kind != "word":
            raise LanguageError(
                f"{{{{{opening.value}}}}} has no {{{{end}}}}", "add it", opening.offset
            )
        self.next_word()
        self.expect_right()

    def pipeline(self, closing: str) -> Pipeline:
        """Read a pipeline and what closes it: the end of the action, or a parenthesis."""
        name, declares = self.declaration() if closing == "right" else ("", False)
        commands = [self.command()]
        while (token := self.next_word()).value == "|" and token.kind == "mark":
            taker = self.peek_word()
            commands.append(self.command())
            if not isinstance(commands[-1][0], Function):
                raise self.unexpected(taker)
        if closing not in (token.kind, token.value):
            raise self.unexpected(token)
        if declares:
            self.variables.add(name)
        return Pipeline(tuple(commands), name, declares)

    def declaration(self) -> tuple[str, bool]:
        """Read `$x :=` or `$x =`; most pipelines have none."""
        start = self.position
        token = self.peek_word()
        if token.kind == "variable":
            self.position += 1
            mark = self.peek_word()
            if mark.kind == "mark" and mark.value in (":=", "="):
                self.position += 1
                if mark.value == "=":
                    self.known(token)
                return token.value, mark.value == ":="
        self.position = start
        return "", False

    def command(self) -> tuple[Operand, ...]:
        """Read operands with space between them."""
        operands = [self.operand(self.next_word())]
        while self.peek().kind == "space":
            token = self.peek_word()
            if token.kind == "right" or (token.kind == "mark" and token.value != "("):
                break
            operands.append(self.operand(self.next_word()))
        if operands == [Constant(None)]:
            raise LanguageError("nil is not a command", "name a value", self.peek().offset)
        return tuple(operands)

    def operand(self, token: Token) -> Operand:
        """Read one operand, whose first word has been read."""
        if token.kind == "field":
            return Field(token.value.removeprefix("$").removeprefix("."))
        if token.kind == "variable":
            self.known(token)
            return Variable(token.value)
        if token.kind == "dot":
            return Variable(".")
        if token.kind == "mark" and token.value == "(":
            self.enter(token)
            inner = self.pipeline(")")
            self.nesting -= 1
            return Nested(inner)
        return self.constant(token)

    def constant(self, token: Token) -> Operand:
        """Read a word that stands for itself, or the name of a function."""
        if token.kind == "word" and token.value in _WORDS:
            return Constant(_WORDS[token.value])
        if token.kind == "string" and _ESCAPES.fullmatch(token.value):
            return Constant(json.loads(token.value, strict=False))
        if token.kind == "raw":
            return Constant(token.value[1:-1])
        if token.kind == "number":
            return Constant(float(token.value) if "." in token.value else int(token.value))
        if token.kind == "word" and token.value in FUNCTIONS:
            return Function(token.value)
        if token.kind != "word":
            raise self.unexpected(token)
        raise LanguageError(
            f"there is no function {token.value}",
            f"the functions are {', '.join(sorted(FUNCTIONS))}; a value is .{token.value}",
            token.offset,
        )

    def peek(self) -> Token:
        """The next word or space, unread."""
        return self.tokens[self.position]

    def peek_word(self) -> Token:
        """Skip space and return the next word, unread."""
        while self.tokens[self.position].kind == "space":
            self.position += 1
        return self.tokens[self.position]

    def next_word(self) -> Token:
        """Skip space and read the next word."""
        token = self.peek_word()
        self.position += 1
        return token

    def expect_right(self) -> None:
        """Read the end of an action."""
        token = self.next_word()
        if token.kind != "right":
            raise self.unexpected(token)

    def enter(self, token: Token) -> None:
        """Count one more block or parenthesis inside another."""
        self.nesting += 1
        if self.nesting > _MOST_NESTED:
            raise LanguageError(
                "the template is nested too deeply", "make it simpler", token.offset
            )

    def known(self, token: Token) -> None:
        """Refuse a variable that nothing has declared."""
        if token.value not in self.variables:
            raise LanguageError(
                f"{token.value} is not declared", f"{token.value} := ...", token.offset
            )

    def unexpected(self, token: Token) -> LanguageError:
        """The error of a word in the wrong place."""
        return LanguageError(
            f"{token.value or 'the end'} is not expected here",
            "see the template language in the docs",
            token.offset,
        )
