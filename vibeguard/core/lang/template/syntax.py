"""The tree of a template."""

from msgspec import Struct

from vibeguard.core.lang.template.values import Value


class Text(Struct, frozen=True):
    """Text that stands for itself."""

    text: str


class Constant(Struct, frozen=True):
    """A number, a text, true, false or nil."""

    value: Value


class Field(Struct, frozen=True):
    """`.a.b`: what is extracted under that name."""

    name: str


class Variable(Struct, frozen=True):
    """`$x`; the name of `.` inside a `with` is a dot."""

    name: str


class Function(Struct, frozen=True):
    """The name of a function."""

    name: str


class Nested(Struct, frozen=True):
    """A pipeline in parentheses."""

    pipeline: "Pipeline"


Operand = Constant | Field | Variable | Function | Nested


class Pipeline(Struct, frozen=True):
    """Commands, each with its operands, the value of one being the last argument of the next.

    `name` is the variable that takes the value, if any; `declares` tells `:=` from `=`.
    """

    commands: tuple[tuple[Operand, ...], ...]
    name: str = ""
    declares: bool = False


class Action(Struct, frozen=True):
    """A pipeline whose value is printed, unless a variable takes it."""

    pipeline: Pipeline


class Block(Struct, frozen=True):
    """`if`, or `with`, whose body sees the value as `.`."""

    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]
    is_with: bool


Node = Text | Action | Block
