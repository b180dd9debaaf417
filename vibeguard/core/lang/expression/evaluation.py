"""What an assert expression computes with, given the values that grok extracted.

Numbers are IEEE 754 doubles, as in the original. NaN satisfies no comparison, not even `!=`, and
the denial of one no more: `!(rate > 0.05)` is not true either.
"""

import math
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from vibeguard.core.lang.errors import LanguageError

_ORDERINGS = frozenset({"<", "<=", ">", ">="})
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


def value_of(text: str) -> Value:
    """Return a text as a value: one that reads as a number, white space excluded, is one."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return Value(text, None)
    return Value(text, float(text))


def truth(value: Value) -> bool:
    """Return whether a value counts as true: all but false, zero, NaN and the empty text do."""
    if value.number is not None:
        return value.number != 0 and not math.isnan(value.number)
    return value.text not in ("", "false")


def signed(sign: str, value: Value, offset: int) -> Value:
    """`!` or `-` before a value."""
    if sign == "-":
        return _from_number(-_number(value, "-", offset))
    return _UNKNOWN if _is_nan(value) else _truth_value(not truth(value))


def decides(sign: str, left: Value) -> bool:
    """Whether `&&` or `||` needs no look at its right side."""
    return sign in ("&&", "||") and truth(left) == (sign == "||")


def joined(sign: str, left: Value, right: Value, offset: int) -> Value:
    """Two values with an operator between; of `&&` and `||` the one that decides is both."""
    if sign in ("&&", "||"):
        if truth(right):
            return _TRUE
        return _UNKNOWN if _is_nan(left) or _is_nan(right) else _FALSE
    if sign in _COMPARISONS:
        return _compare(sign, left, right, offset)
    return _calculate(sign, left, right, offset)


def _is_nan(value: Value) -> bool:
    return value.number is not None and math.isnan(value.number)


def _truth_value(truth: bool) -> Value:
    return _TRUE if truth else _FALSE


def _compare(sign: str, left: Value, right: Value, offset: int) -> Value:
    """Compare as numbers, or as texts; an order of a number and a text means nothing.

    `"[no statements]" >= 80` held as a comparison of texts, and passed.
    """
    compare = _COMPARISONS[sign]
    if left is _UNKNOWN or right is _UNKNOWN:
        return _UNKNOWN
    if sign in _ORDERINGS and (left.number is None) != (right.number is None):
        raise _not_a_number(left if left.number is None else right, sign, offset)
    if left.number is None or right.number is None:
        return _truth_value(compare(left.text, right.text))
    if _is_nan(left) or _is_nan(right):
        return _UNKNOWN
    return _truth_value(compare(left.number, right.number))


def _calculate(sign: str, left: Value, right: Value, offset: int) -> Value:
    first, second = _number(left, sign, offset), _number(right, sign, offset)
    if sign == "/" and second == 0:
        raise BadValue("division by zero", "ask first: total > 0 && part / total", offset)
    return _from_number(_ARITHMETIC[sign](first, second))


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
