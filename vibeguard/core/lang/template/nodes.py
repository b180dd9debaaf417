"""The tree of a template."""

from dataclasses import dataclass
from typing import Literal

from vibeguard.core.lang.template.values import Scalar


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true, false or nil."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Field:
    """`.` or `.a.b`: the present value, or what is found in it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x` or `$x.a`; the name of `$` alone, the whole data, is empty."""

    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function."""

    name: str


@dataclass(frozen=True, slots=True)
class Nested:
    """A pipeline in parentheses, and what is looked up in its value."""

    pipeline: "Pipeline"
    path: tuple[str, ...]


Operand = Constant | Field | Variable | Function | Nested


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each with its operands, the value of one being the last argument of the next.

    `names` are the variables that take the value; `declares` tells `:=` from `=`.
    """

    commands: tuple[tuple[Operand, ...], ...]
    names: tuple[str, ...] = ()
    declares: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is printed, unless a variable takes it."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Block:
    """if, with or range."""

    keyword: Literal["if", "with", "range"]
    pipeline: Pipeline
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Jump:
    """break or continue."""

    keyword: Literal["break", "continue"]


Node = Text | Action | Block | Jump
