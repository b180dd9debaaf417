"""The functions of a template, what they compute with, and how that is printed."""

import json
import operator
import re
from collections.abc import Callable

# None is Go's missing value: the lookup of a name that is not there.
Value = str | bool | int | float | None

_VERB = re.compile(r"%([-+ 0]*\d{0,3}(?:\.\d{0,3})?)([svqtdfeg%])|%")


def show(value: Value) -> str:
    """A value as it is printed."""
    if value is None:
        return "<no value>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equal(left: Value, right: Value) -> bool:
    if None not in (left, right) and isinstance(left, str) is not isinstance(right, str):
        raise TypeError("a text is compared with what is none")
    return left == right


def _printf(form: str, *arguments: Value) -> str:
    rest = list(reversed(arguments))

    def put(match: re.Match[str]) -> str:
        layout, verb = match[1], match[2]
        if verb == "%":
            return "%"
        if not verb or not rest:
            raise TypeError(f"{match[0]} has no meaning or no value")
        value = rest.pop()
        if verb in "svqt":
            shown = show(value)
            return f"%{layout}s" % (json.dumps(shown, ensure_ascii=False) if verb == "q" else shown)
        return f"%{layout}{verb}" % value

    text = _VERB.sub(put, form)
    if rest:
        raise TypeError("there are more values than verbs")
    return text


# What does not fit raises TypeError. `and` and `or`, which look at their operands one by one, are
# called where they have none.
FUNCTIONS: dict[str, Callable[..., Value]] = {
    "and": operator.truth,
    "or": operator.truth,
    "not": operator.not_,
    "eq": lambda first, second, *others: any(_equal(first, one) for one in (second, *others)),
    "ne": lambda left, right: not _equal(left, right),
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "len": lambda text: len(str.encode(text)),
    "printf": _printf,
}
