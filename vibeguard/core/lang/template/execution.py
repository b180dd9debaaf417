"""Carrying out a template."""

from collections.abc import Mapping, Sequence

from vibeguard.core.lang.template.functions import call
from vibeguard.core.lang.template.syntax import (
    Action,
    Block,
    Constant,
    Field,
    Function,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)
from vibeguard.core.lang.template.values import OutputFull, Value, fail, show

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
        self._scopes: list[dict[str, Value]] = [{}]
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
            elif isinstance(node, Action):
                value = self._pipeline(node.pipeline)
                if not node.pipeline.name:
                    self._write(show(value))
            else:
                self._block(node)

    def _write(self, text: str) -> None:
        self._pieces.append(text[: self._room])
        self._room -= len(text)
        if self._room < 0:
            raise OutputFull

    def _block(self, block: Block) -> None:
        self._scopes.append({})
        before = dict(self.entered)
        value = self._pipeline(block.pipeline)
        if not block.is_with and not block.pipeline.name:
            self.entered = before  # what a condition only looks at does not get into the text
        if block.is_with:
            self._scopes.append({".": value} if value else {})
        self.walk(block.body if value else block.otherwise)
        del self._scopes[-2 if block.is_with else -1 :]

    def _pipeline(self, pipeline: Pipeline) -> Value:
        value: Value = None
        for order, command in enumerate(pipeline.commands):
            value = self._command(command, (value,) if order else ())
        if pipeline.name:
            scopes = reversed(self._scopes)
            taker = next((s for s in scopes if pipeline.name in s), self._scopes[-1])
            (self._scopes[-1] if pipeline.declares else taker)[pipeline.name] = value
        return value

    def _command(self, operands: tuple[Operand, ...], final: tuple[Value, ...]) -> Value:
        first = operands[0]
        if isinstance(first, Function):
            return self._call(first.name, operands[1:], final)
        if len(operands) > 1 or final:
            raise fail("a value that is no function has arguments")
        return self._operand(first)

    def _call(self, name: str, operands: tuple[Operand, ...], final: tuple[Value, ...]) -> Value:
        arguments: list[Value] = []
        for position, operand in enumerate(operands):
            before = dict(self.entered)
            arguments.append(self._operand(operand))
            if name not in ("and", "or"):
                continue
            if bool(arguments[-1]) == (name == "or"):
                return arguments[-1]
            if final or position < len(operands) - 1:
                self.entered = before  # passed over: another value is what comes out
        arguments += final
        # A text that variables double again and again would fill the memory before it is shown.
        if sum(len(argument) for argument in arguments if isinstance(argument, str)) > _MOST_READ:
            raise OutputFull
        value = call(name, arguments)
        if isinstance(value, str) and len(value) > self._room:
            self._write(value)
        return value

    def _operand(self, operand: Operand) -> Value:
        if isinstance(operand, Constant):
            return operand.value
        if isinstance(operand, Field):
            return self._look_up(operand.name)
        if isinstance(operand, Variable):
            return self._variable(operand.name)
        if isinstance(operand, Function):
            return self._call(operand.name, (), ())
        return self._pipeline(operand.pipeline)

    def _variable(self, name: str) -> Value:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        raise fail(f"{name} has no value here")

    def _look_up(self, name: str) -> Value:
        if name in self._variables:
            return self._variables[name]
        self.entered[name] = self._values.get(name)
        return self.entered[name]
