"""The tree of a template, what it computes with, and how that is printed."""

from msgspec import Struct

from vibeguard.core.lang.errors import LanguageError

# None is Go's missing value: the lookup of a name that is not there.
Value = str | bool | int | float | None

NO_VALUE = "<no value>"


class Text(Struct, frozen=True):
    """Text that stands for itself."""

    text: str


class Constant(Struct, frozen=True):
    """A number, a text, true or false."""

    value: Value


class Field(Struct, frozen=True):
    """`.a.b`: what is extracted under that name."""

    name: str


class Call(Struct, frozen=True):
    """A function, and what it is given."""

    name: str
    operands: tuple["Expression", ...]


Expression = Constant | Field | Call


class Block(Struct, frozen=True):
    """`if`: one text or another."""

    condition: Expression
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]


Node = Text | Block | Expression


class OutputFull(Exception):
    """What a template makes is longer than what it may make."""


def fail(what: str) -> LanguageError:
    """Return the error of a template that cannot be carried out."""
    return LanguageError(what, "values are texts; see the template language in the docs")


def kind(value: Value) -> str:
    """Return the name of a value's kind as messages have it."""
    if value is None:
        return "missing value"
    return {str: "text", bool: "truth value", int: "number", float: "number"}[type(value)]


def show(value: Value) -> str:
    """Return a value as it is printed."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
