"""What a template computes with, and how it is printed."""

from vibeguard.core.lang.errors import LanguageError

# None is Go's missing value: the lookup of a name that is not there.
Value = str | bool | int | float | None

NO_VALUE = "<no value>"


class OutputFull(Exception):
    """What a template makes is longer than what it may make."""


def fail(what: str) -> LanguageError:
    """Return the error of a template that cannot be carried out."""
    return LanguageError(what, "values are texts; see the template language in the docs")


def kind(value: Value) -> str:
    """Return the name of a value's kind as Go's messages have it."""
    if value is None:
        return "<nil>"
    return {str: "string", bool: "bool", int: "int", float: "float64"}[type(value)]


def show(value: Value) -> str:
    """Return a value as it is printed."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
