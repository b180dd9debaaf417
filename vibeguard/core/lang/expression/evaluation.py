"""What an assert expression computes with, given the values that grok extracted.

An expression is made of functions, one in another, each from the extracted values to a value.
Operators of one rank are one `chain`, evaluated from the left, so that the depth of the functions
is bounded by the parentheses of an expression and not by its length.

Numbers are IEEE 754 doubles, as in the original. NaN satisfies no comparison, not even `!=`, and
the denial of one no more: `!(rate > 0.05)` is not true either.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from vibeguard.core.lang.errors import LanguageError

ORDERINGS = frozenset({"<", "<=", ">", ">="})
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf(?:inity)?)|(?i:nan))"
)
# A number, and the sign or unit right behind it: 9.5%, 120KB, 1,234.
_NUMBER_WITHIN = re.compile(r"\s*([+-]?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)\s?([%A-Za-z]{0,8})\s*\Z")
_LONGEST_NUMBER = 1000  # characters; a longer run of digits is a text
_LARGEST_WHOLE = 2**63
_SHOWN = 60  # characters of a value in a message


class BadValue(LanguageError):
    """The expression cannot be evaluated with these values."""


class MissingName(LanguageError):
    """The expression needs a name that no pattern extracted."""

    def __init__(self, name: str, offset: int = 0) -> None:
        super().__init__(
            f"{name} was not extracted",
            "check the grok pattern against the output; a text is written in quotes",
            offset,
        )
        self.name = name


class Value(NamedTuple):
    """A value as text, and as a number if it reads as one."""

    text: str
    number: float | None


Evaluate = Callable[[Mapping[str, str]], Value]
"""A part of an expression; raises `MissingName` and `BadValue`."""


class Link(NamedTuple):
    """One operator of a chain and what stands to the right of it."""

    operator: str
    operand: Evaluate
    offset: int


_TRUE = Value("true", None)
_FALSE = Value("false", None)
_UNKNOWN = Value("nan", math.nan)  # a comparison with NaN, and what depends on it: never true
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def _read(text: str) -> Value:
    """Return a text as a value: one that reads as a number, white space excluded, is one."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return Value(text, None)
    return Value(text, float(text))


def truth(value: Value) -> bool:
    """Return whether a value counts as true: all but false, zero, NaN and the empty text do."""
    if value.number is not None:
        return value.number != 0 and not math.isnan(value.number)
    return value.text not in ("", "false")


def literal(text: str) -> Evaluate:
    """A number, a quoted text, or one of the words true and false."""
    value = _read(text)
    return lambda _: value


def field(name: str, offset: int) -> Evaluate:
    """What grok extracted under a name."""

    def evaluate(values: Mapping[str, str]) -> Value:
        if name not in values:
            raise MissingName(name, offset)
        return _read(values[name])

    return evaluate


def signed(operators: Sequence[str], operand: Evaluate, offset: int) -> Evaluate:
    """`!` and `-` before an operand, as written: the last one is applied first."""

    def evaluate(values: Mapping[str, str]) -> Value:
        value = operand(values)
        for sign in reversed(operators):
            if sign == "!":
                value = _UNKNOWN if _is_nan(value) else _truth_value(not truth(value))
            else:
                value = _from_number(-_number(value, "-", offset))
        return value

    return evaluate


def chain(first: Evaluate, rest: Sequence[Link]) -> Evaluate:
    """Operands joined by operators of one rank."""

    def evaluate(values: Mapping[str, str]) -> Value:
        result = first(values)
        for link in rest:
            if link.operator in ("&&", "||"):
                result = _combine(link, result, values)
            elif link.operator in _COMPARISONS:
                result = _compare(link, result, link.operand(values))
            else:
                result = _calculate(link, result, link.operand(values))
        return result

    return evaluate


def _combine(link: Link, left: Value, values: Mapping[str, str]) -> Value:
    """`&&` or `||`; the right side is looked at where the left one does not decide."""
    decides = truth(left) == (link.operator == "||")
    right = left if decides else link.operand(values)
    if truth(right):
        return _TRUE
    return _UNKNOWN if _is_nan(left) or _is_nan(right) else _FALSE


def _is_nan(value: Value) -> bool:
    return value.number is not None and math.isnan(value.number)


def _truth_value(truth: bool) -> Value:
    return _TRUE if truth else _FALSE


def _compare(link: Link, left: Value, right: Value) -> Value:
    """Compare as numbers, or as texts; an order of a number and a text means nothing.

    `"[no statements]" >= 80` held as a comparison of texts, and passed.
    """
    compare = _COMPARISONS[link.operator]
    if left is _UNKNOWN or right is _UNKNOWN:
        return _UNKNOWN
    if link.operator in ORDERINGS and (left.number is None) != (right.number is None):
        raise _not_a_number(left if left.number is None else right, link.operator, link.offset)
    if left.number is None or right.number is None:
        return _truth_value(compare(left.text, right.text))
    if _is_nan(left) or _is_nan(right):
        return _UNKNOWN
    return _truth_value(compare(left.number, right.number))


def _calculate(link: Link, left: Value, right: Value) -> Value:
    first = _number(left, link.operator, link.offset)
    second = _number(right, link.operator, link.offset)
    if link.operator == "/" and second == 0:
        raise BadValue("division by zero", "ask first: total > 0 && part / total", link.offset)
    return _from_number(_ARITHMETIC[link.operator](first, second))


def _number(value: Value, sign: str, offset: int) -> float:
    if value.number is None:
        raise _not_a_number(value, sign, offset)
    return value.number


def _not_a_number(value: Value, sign: str, offset: int) -> BadValue:
    """The error that shows the value, and how to capture the number in it, if there is one."""
    shown = value.text if len(value.text) <= _SHOWN else value.text[:_SHOWN] + "..."
    what = f'{sign} needs numbers, and "{shown}" is not one'
    match = _NUMBER_WITHIN.match(value.text)
    if match is None:
        return BadValue(what, "capture the digits alone", offset)
    digits, unit = match.groups()
    if "," in digits:
        do = "capture %{INT:thousands},%{INT:ones} and compare thousands * 1000 + ones"
    else:
        do = f"capture the digits alone: %{{NUMBER:name}}{unit}"
    return BadValue(what, do, offset)


def _from_number(number: float) -> Value:
    """Return a computed number; its text matters only if it is compared with a text."""
    is_whole = abs(number) < _LARGEST_WHOLE and number == int(number)
    return Value(str(int(number)) if is_whole else repr(number), number)
