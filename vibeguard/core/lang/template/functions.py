"""The functions of a template, what they compute with, and how that is printed."""

import json
import operator
import re
from collections.abc import Callable, Iterator, Sequence

from vibeguard.core.lang.errors import LanguageError

# None is Go's missing value: the lookup of a name that is not there.
Value = str | bool | int | float | None

NO_VALUE = "<no value>"
_VERB = re.compile(r"%(?P<flags>[-+ 0]*)(?P<width>\d*)(?P<precision>\.\d*)?(?P<verb>[a-zA-Z%]?)")
_VERBS = {"text": "svq", "missing value": "sv", "number": "dvfeg", "truth value": "tv"}
_MOST_DIGITS = 3  # of a width: a suggestion is no page of blanks


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


def call(name: str, arguments: Sequence[Value]) -> Value:
    """Call a function; `and` and `or` have looked at their arguments one by one before."""
    function, least, most = FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise fail(f"{name} does not take {len(arguments)} arguments")
    return function(*arguments)


def _equal(first: Value, *others: Value) -> bool:
    return any(_equals(first, other) for other in others)


def _equals(left: Value, right: Value) -> bool:
    if left is not None and right is not None and type(left) is not type(right):
        raise fail(f"a {kind(left)} cannot be compared with a {kind(right)}")
    return left == right


def _ordered(order: Callable[..., bool]) -> Callable[[Value, Value], bool]:
    """Texts are compared with texts and numbers with numbers of one kind, as in Go."""

    def compare(left: Value, right: Value) -> bool:
        if type(left) is not type(right) or left is None or isinstance(left, bool):
            raise fail(f"a {kind(left)} cannot be compared with a {kind(right)}")
        return order(left, right)

    return compare


def _length(value: Value) -> int:
    """Return the number of bytes of a text, as Go counts them."""
    if not isinstance(value, str):
        raise fail(f"a {kind(value)} has no length")
    return len(value.encode())


def _printf(form: Value, *arguments: Value) -> str:
    if not isinstance(form, str):
        raise fail("printf needs a text first")
    rest = iter(arguments)
    text = _VERB.sub(lambda match: _formatted(match, rest), form)
    for value in rest:
        raise fail(f"printf has no verb for {show(value)}")
    return text


def _formatted(match: re.Match[str], arguments: Iterator[Value]) -> str:
    flags, width, precision, verb = match.group("flags", "width", "precision", "verb")
    if verb == "%":
        return "%"
    if len(width) > _MOST_DIGITS or len(precision or "") > _MOST_DIGITS + 1:
        raise OutputFull
    try:
        value = next(arguments)
    except StopIteration:
        raise fail(f"printf has no value for {match[0]}") from None
    if not verb or verb not in _VERBS[kind(value)] or (verb == "d" and isinstance(value, float)):
        raise fail(f"printf puts no {kind(value)} in the place of {match[0]}")
    if verb == "q":
        value = json.dumps(value, ensure_ascii=False)
    if verb in "svqt":
        value, verb = show(value), "s"
    return f"%{flags}{width}{precision or ''}{verb}" % value


# Name -> function, fewest and most arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int | None]] = {
    "and": (lambda *values: values[-1], 1, None),
    "or": (lambda *values: values[-1], 1, None),
    "not": (operator.not_, 1, 1),
    "eq": (_equal, 2, None),
    "ne": (lambda left, right: not _equals(left, right), 2, 2),
    "lt": (_ordered(operator.lt), 2, 2),
    "le": (_ordered(operator.le), 2, 2),
    "gt": (_ordered(operator.gt), 2, 2),
    "ge": (_ordered(operator.ge), 2, 2),
    "len": (_length, 1, 1),
    "printf": (_printf, 1, None),
}
