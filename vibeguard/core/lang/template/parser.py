"""From the words of a template to its tree."""

from collections.abc import Container
from typing import Literal

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template import constants
from vibeguard.core.lang.template.functions import FUNCTIONS
from vibeguard.core.lang.template.nodes import (
    Action,
    Block,
    Constant,
    Field,
    Function,
    Jump,
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
_KEYWORDS = frozenset(
    {"if", "else", "end", "with", "range", "break", "continue", "define", "template", "block"}
)


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
        self.variables = [""]
        self.nesting = 0
        self.loops = 0

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
            if keyword.value in ("end", "else"):
                return tuple(nodes), keyword
            node = self.action(keyword)
            nodes.append(node)

    def action(self, keyword: Token) -> Node:
        """Read one action that is neither `end` nor `else`."""
        if keyword.kind != "word" or keyword.value not in _KEYWORDS:
            return Action(self.pipeline("right"))
        self.next_word()
        if keyword.value in ("break", "continue"):
            if not self.loops:
                raise self.unexpected(keyword)
            self.expect_right()
            return Jump("break" if keyword.value == "break" else "continue")
        if keyword.value == "if":
            return self.block("if", keyword)
        if keyword.value == "with":
            return self.block("with", keyword)
        if keyword.value == "range":
            return self.block("range", keyword)
        raise LanguageError(
            f"{keyword.value} is not supported", "write the text where it is needed", keyword.offset
        )

    def block(self, keyword: Literal["if", "with", "range"], opening: Token) -> Block:
        """Read the rest of a block, its `end` included."""
        self.enter(opening)
        known = len(self.variables)
        pipeline = self.pipeline("right", in_range=keyword == "range")
        self.loops += keyword == "range"
        body, ending = self.nodes()
        self.loops -= keyword == "range"
        otherwise: tuple[Node, ...] = ()
        if ending.value == "else" and ending.kind == "word":
            otherwise = self.otherwise(keyword, opening)
        else:
            self.end(ending, opening)
        del self.variables[known:]
        self.nesting -= 1
        return Block(keyword, pipeline, body, otherwise)

    def otherwise(
        self, keyword: Literal["if", "with", "range"], opening: Token
    ) -> tuple[Node, ...]:
        """Read what follows `else`: another condition, which shares the `end`, or a plain body."""
        self.next_word()
        following = self.peek_word()
        if following.kind == "word" and following.value == keyword and keyword != "range":
            self.next_word()
            return (self.block(keyword, following),)
        self.expect_right()
        nodes, ending = self.nodes()
        self.end(ending, opening)
        return nodes

    def end(self, ending: Token, opening: Token) -> None:
        if ending.value != "end" or ending.kind != "word":
            raise LanguageError(
                f"{{{{{opening.value}}}}} has no {{{{end}}}}", "add it", opening.offset
            )
        self.next_word()
        self.expect_right()

    def pipeline(self, closing: str, *, in_range: bool = False) -> Pipeline:
        """Read a pipeline and what closes it."""
        names, declares = self.declaration(in_range=in_range)
        commands: list[tuple[Operand, ...]] = []
        while True:
            command = self.command()
            if commands and isinstance(command[0], Constant | Field) and len(command) == 1:
                bare = command[0]
                if isinstance(bare, Constant) or not bare.path:
                    raise self.unexpected(self.peek())
            commands.append(command)
            token = self.peek_word()
            self.position += 1
            if token.value == "|" and token.kind == "mark":
                if not self._closes(self.peek_word(), closing):
                    continue
                token = self.next_word()  # Go lets a pipeline end in |
            if self._closes(token, closing):
                break
            raise self.unexpected(token)
        self.variables.extend(names if declares else ())
        return Pipeline(tuple(commands), names, declares)

    @staticmethod
    def _closes(token: Token, closing: str) -> bool:
        """Whether a word closes a pipeline: the end of the action, or a parenthesis."""
        return closing == token.kind or (token.kind == "mark" and token.value == closing)

    def declaration(self, *, in_range: bool) -> tuple[tuple[str, ...], bool]:
        """Read `$x :=`, `$x =` or, in a range, `$key, $value :=`; most pipelines have none."""
        start = self.position
        names: list[str] = []
        while (token := self.peek_word()).kind == "variable":
            names.append(token.value[1:])
            self.position += 1
            mark = self.peek_word()
            if mark.kind == "mark" and mark.value in (":=", "="):
                self.position += 1
                if mark.value == "=":
                    self.known(*names, token=token)
                return tuple(names), mark.value == ":="
            if not (in_range and len(names) == 1 and mark == ("mark", ",", mark.offset)):
                break
            self.position += 1
        self.position = start
        return (), False

    def command(self) -> tuple[Operand, ...]:
        """Read operands with space between them."""
        operands = [self.operand(self.peek_word())]
        while self.peek().kind == "space":
            token = self.peek_word()
            if token.kind in ("right", "mark") and token.value != "(":
                break
            operands.append(self.operand(token))
        if operands == [Constant(None)]:
            raise LanguageError("nil is not a command", "name a value", self.peek().offset)
        return tuple(operands)

    def operand(self, token: Token) -> Operand:
        """Read one operand and the fields that follow it without a space."""
        self.position += 1
        if token.kind == "name":
            return Field((token.value,))
        if token.kind == "field":
            return Field((token.value[1:], *self.fields()))
        if token.kind == "variable":
            self.known(token.value[1:], token=token)
            return Variable(token.value[1:], self.fields())
        if token.kind == "mark" and token.value == "(":
            self.enter(token)
            inner = self.pipeline(")")
            self.nesting -= 1
            return Nested(inner, self.fields())
        operand = self.simple_operand(token)
        if self.peek().kind == "field":
            raise self.unexpected(self.peek())
        return operand

    def simple_operand(self, token: Token) -> Operand:
        if token.kind == "dot":
            return Field(())
        if token.kind == "word":
            if token.value in _WORDS:
                return Constant(_WORDS[token.value])
            if token.value in FUNCTIONS:
                return Function(token.value)
            raise LanguageError(
                f"there is no function {token.value}",
                f"the functions are {', '.join(sorted(FUNCTIONS))}; a value is .{token.value}",
                token.offset,
            )
        if token.kind == "string":
            return Constant(constants.read_string(token.value, token.offset))
        if token.kind == "raw":
            return Constant(token.value[1:-1].replace("\r", ""))
        if token.kind == "rune":
            return Constant(constants.read_rune(token.value, token.offset))
        if token.kind == "number":
            return Constant(constants.read_number(token.value, token.offset))
        raise self.unexpected(token)

    def fields(self) -> tuple[str, ...]:
        names = []
        while self.peek().kind == "field":
            names.append(self.peek().value[1:])
            self.position += 1
        return tuple(names)

    def peek(self) -> Token:
        return self.tokens[self.position]

    def peek_word(self) -> Token:
        """Skip space and return the next word, unread."""
        while self.tokens[self.position].kind == "space":
            self.position += 1
        return self.tokens[self.position]

    def next_word(self) -> Token:
        token = self.peek_word()
        self.position += 1
        return token

    def expect_right(self) -> None:
        token = self.next_word()
        if token.kind != "right":
            raise self.unexpected(token)

    def enter(self, token: Token) -> None:
        self.nesting += 1
        if self.nesting > _MOST_NESTED:
            raise LanguageError(
                "the template is nested too deeply", "make it simpler", token.offset
            )

    def known(self, *names: str, token: Token) -> None:
        for name in names:
            if name not in self.variables:
                raise LanguageError(f"${name} is not declared", f"${name} := ...", token.offset)

    def unexpected(self, token: Token) -> LanguageError:
        return LanguageError(
            f"{token.value or 'the end'} is not expected here",
            "see Go's text/template",
            token.offset,
        )
