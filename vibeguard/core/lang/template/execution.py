"""Carrying out a template."""

from collections.abc import Iterator, Mapping, Sequence

from vibeguard.core.lang.template.functions import call
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
from vibeguard.core.lang.template.values import Scalar, Value, fail, kind, show, truth

_MOST_CHARACTERS = 4 << 20  # of output; a range in a range must not fill the memory
_MOST_STEPS = 100_000


class _Break(Exception):
    """`break` was reached."""


class _Continue(Exception):
    """`continue` was reached."""


def execute(nodes: Sequence[Node], data: Mapping[str, Scalar]) -> list[str]:
    """Return the pieces of the output; those made of extracted text are `Extracted`."""
    return _Execution(data).run(nodes)


class _Execution:
    def __init__(self, data: Mapping[str, Scalar]) -> None:
        self.pieces: list[str] = []
        self.variables: list[tuple[str, Value]] = [("", data)]
        self.characters = 0
        self.steps = 0

    def run(self, nodes: Sequence[Node]) -> list[str]:
        self.walk(nodes, self.variables[0][1])
        return self.pieces

    def walk(self, nodes: Sequence[Node], dot: Value) -> None:
        for node in nodes:
            self.count_step()
            if isinstance(node, Text):
                self.write(node.text)
            elif isinstance(node, Action):
                value = self.pipeline(node.pipeline, dot)
                if not node.pipeline.names:
                    self.write(show(value))
            elif isinstance(node, Block):
                known = len(self.variables)
                self.block(node, dot)
                del self.variables[known:]
            else:
                self.jump(node)

    def write(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > _MOST_CHARACTERS:
            raise fail("the text is too long")
        self.pieces.append(text)

    def count_step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise fail("the template takes too long")

    def jump(self, node: Jump) -> None:
        if node.keyword == "break":
            raise _Break
        raise _Continue

    def block(self, node: Block, dot: Value) -> None:
        if node.keyword == "range":
            self.loop(node, dot)
            return
        value = self.pipeline(node.pipeline, dot)
        if truth(value):
            self.walk(node.body, value if node.keyword == "with" else dot)
        else:
            self.walk(node.otherwise, dot)

    def loop(self, node: Block, dot: Value) -> None:
        """Run the body for each entry; the variables take its key and value, or its value."""
        plain = Pipeline(node.pipeline.commands)
        names = node.pipeline.names
        over = self.pipeline(plain, dot)
        if len(names) > 1 and isinstance(over, int):
            raise fail("a range over a number has one variable")
        entries = list(_entries(over))
        known = len(self.variables)
        for key, value in entries:
            bound = (key, value)[-len(names) :] if names else ()
            for name, item in zip(names, bound, strict=True):
                self.assign(name, item, declares=node.pipeline.declares)
            try:
                self.walk(node.body, value)
            except _Break:
                break
            except _Continue:
                pass
            finally:
                del self.variables[known:]
        if not entries:
            self.walk(node.otherwise, dot)

    def assign(self, name: str, value: Value, *, declares: bool) -> None:
        if declares:
            self.variables.append((name, value))
            return
        for position in range(len(self.variables) - 1, -1, -1):
            if self.variables[position][0] == name:
                self.variables[position] = (name, value)
                return

    def pipeline(self, pipeline: Pipeline, dot: Value) -> Value:
        value: Value = None
        for order, command in enumerate(pipeline.commands):
            value = self.command(command, dot, (value,) if order else ())
        for name in pipeline.names:
            self.assign(name, value, declares=pipeline.declares)
        return value

    def command(self, operands: tuple[Operand, ...], dot: Value, final: tuple[Value, ...]) -> Value:
        self.count_step()
        first = operands[0]
        if isinstance(first, Function):
            return self.call(first.name, operands[1:], dot, final)
        if len(operands) > 1 or final:
            raise fail("a value that is no function has arguments")
        return self.operand(first, dot)

    def call(
        self, name: str, operands: tuple[Operand, ...], dot: Value, final: tuple[Value, ...]
    ) -> Value:
        if name not in ("and", "or"):
            arguments = [self.operand(operand, dot) for operand in operands]
            return call(name, [*arguments, *final])
        if not operands and not final:
            raise fail(f"{name} needs an argument")
        value: Value = None
        for operand in operands:
            value = self.operand(operand, dot)
            if truth(value) == (name == "or"):
                return value
        return final[0] if final else value

    def operand(self, operand: Operand, dot: Value) -> Value:
        if isinstance(operand, Constant):
            return operand.value
        if isinstance(operand, Field):
            return _look_up(dot, operand.path)
        if isinstance(operand, Variable):
            return _look_up(self.variable(operand.name), operand.path)
        if isinstance(operand, Nested):
            return _look_up(self.pipeline(operand.pipeline, dot), operand.path)
        return self.call(operand.name, (), dot, ())

    def variable(self, name: str) -> Value:
        return next(value for known, value in reversed(self.variables) if known == name)


def _look_up(value: Value, path: tuple[str, ...]) -> Value:
    """Return what stands in a value under a path; a name may itself hold dots (`a.b`)."""
    if not path or value is None:
        return value
    if not isinstance(value, Mapping):
        raise fail(f"a {kind(value)} has no field {path[0]}")
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        if name in value:
            return _look_up(value[name], path[length:])
    return None


def _entries(value: Value) -> Iterator[tuple[Value, Value]]:
    """Yield the keys and values of what a range runs over; Go takes no value for an empty map."""
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from sorted(value.items())
    elif isinstance(value, int) and not isinstance(value, bool):
        if value > _MOST_STEPS:
            raise fail("the template takes too long")
        yield from ((number, number) for number in range(value))
    else:
        raise fail(f"a range cannot run over a {kind(value)}")
