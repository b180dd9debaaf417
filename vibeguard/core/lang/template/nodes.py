"""The tree of a template."""

from typing import Literal

from msgspec import Struct

from vibeguard.core.lang.template.values import Scalar


class Text(Struct, frozen=True):
    """Text that stands for itself."""

    text: str


class Constant(Struct, frozen=True):
    """A number, a text, true, false or nil."""

    value: Scalar


class Field(Struct, frozen=True):
    """`.` or `.a.b`: the present value, or what is found in it."""

    path: tuple[str, ...]


class Variable(Struct, frozen=True):
    """`$x` or `$x.a`; the name of `$` alone, the whole data, is empty."""

    name: str
    path: tuple[str, ...]


class Function(Struct, frozen=True):
    """The name of a function."""

    name: str


class Nested(Struct, frozen=True):
    """A pipeline in parentheses, and what is looked up in its value."""

    pipeline: "Pipeline"
    path: tuple[str, ...]


Operand = Constant | Field | Variable | Function | Nested


class Pipeline(Struct, frozen=True):
    """Commands, each with its operands, the value of one being the last argument of the next.

    `names` are the variables that take the value; `declares` tells `:=` from `=`.
    """

    commands: tuple[tuple[Operand, ...], ...]
    names: tuple[str, ...] = ()
    declares: bool = False


class Action(Struct, frozen=True):
    """A pipeline whose value is printed, unless a variable takes it."""

    pipeline: Pipeline


class Block(Struct, frozen=True):
    """if, with or range."""

    keyword: Literal["if", "with", "range"]
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]


class Jump(Struct, frozen=True):
    """break or continue."""

    keyword: Literal["break", "continue"]


Node = Text | Action | Block | Jump
