"""Carrying out a template."""

from collections.abc import Mapping, Sequence

from vibeguard.core.lang.template.functions import call
from vibeguard.core.lang.template.syntax import (
    Block,
    Call,
    Constant,
    Expression,
    Field,
    Node,
    OutputFull,
    Text,
    Value,
    show,
)

_MOST_READ = 2 << 20  # characters that one call of a function is given


class Execution:
    """One template being carried out. Its text, and what it makes on the way, has a bound.

    There is no loop: the steps are as many as the template has nodes.
    """

    def __init__(
        self, values: Mapping[str, str], variables: Mapping[str, str], most_characters: int
    ) -> None:
        self._values = values
        self._variables = variables
        self._room = most_characters
        self._pieces: list[str] = []
        self.entered: dict[str, str | None] = {}

    @property
    def text(self) -> str:
        """What has been written so far."""
        return "".join(self._pieces)

    def walk(self, nodes: Sequence[Node]) -> None:
        """Carry out the nodes. Raises `OutputFull` with `text` filled, or `LanguageError`."""
        for node in nodes:
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Block):
                before = dict(self.entered)
                holds = self._evaluate(node.condition)
                self.entered = before  # what is only looked at does not get into the text
                self.walk(node.body if holds else node.otherwise)
            else:
                self._write(show(self._evaluate(node)))

    def _write(self, text: str) -> None:
        self._pieces.append(text[: self._room])
        self._room -= len(text)
        if self._room < 0:
            raise OutputFull

    def _evaluate(self, expression: Expression) -> Value:
        match expression:
            case Constant():
                return expression.value
            case Field():
                return self._look_up(expression.name)
            case Call():
                return self._call(expression.name, expression.operands)

    def _call(self, name: str, operands: Sequence[Expression]) -> Value:
        """Call a function; `and` and `or` look at their operands only as far as they must."""
        arguments: list[Value] = []
        for position, operand in enumerate(operands, 1):
            before = dict(self.entered)
            arguments.append(self._evaluate(operand))
            if name not in ("and", "or"):
                continue
            if bool(arguments[-1]) == (name == "or"):
                return arguments[-1]
            if position < len(operands):
                self.entered = before  # passed over: another value is what comes out
        # What is given again and again would fill the memory before it is shown.
        if sum(len(argument) for argument in arguments if isinstance(argument, str)) > _MOST_READ:
            raise OutputFull
        value = call(name, arguments)
        if isinstance(value, str) and len(value) > self._room:
            self._write(value)
        return value

    def _look_up(self, name: str) -> Value:
        if name in self._variables:
            return self._variables[name]
        self.entered[name] = self._values.get(name)
        return self.entered[name]
