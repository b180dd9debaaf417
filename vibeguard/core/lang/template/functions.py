"""The functions of a template; printf knows the verbs, widths and precisions that people use."""

import json
import operator
import re
from collections.abc import Callable, Iterator, Sequence

from vibeguard.core.lang.template.values import OutputFull, Value, fail, kind, show

_VERB = re.compile(r"%(?P<flags>[-+ 0]*)(?P<width>\d*)(?P<precision>\.\d*)?(?P<verb>[a-zA-Z%]?)")
_VERBS: dict[str, str] = {"string": "svqxX", "int": "dvxXob", "float64": "fFeEgGv", "bool": "tv"}
_MOST_DIGITS = 3  # of a width: a suggestion is no page of blanks


def call(name: str, arguments: Sequence[Value]) -> Value:
    """Call a function other than `and` and `or`, which look at their arguments one by one."""
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


def _print(*arguments: Value) -> str:
    """Join values; a space goes between two where neither is a text."""
    pieces: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        is_apart = not isinstance(argument, str) and not isinstance(before, str)
        pieces.append(" " * is_apart + show(argument))
    return "".join(pieces)


def _printf(form: Value, *arguments: Value) -> str:
    if not isinstance(form, str):
        raise fail("printf needs a text first")
    rest = iter(arguments)
    text = _VERB.sub(lambda match: _formatted(match, rest), form)
    extra = ", ".join(f"{kind(value)}={show(value)}" for value in rest)
    return f"{text}%!(EXTRA {extra})" if extra else text


def _formatted(match: re.Match[str], arguments: Iterator[Value]) -> str:
    flags, width, precision, verb = match.group("flags", "width", "precision", "verb")
    if verb == "%":
        return "%"
    if not verb:
        raise fail("printf knows flags, a width, a precision and a verb, and no more")
    if len(width) > _MOST_DIGITS or len(precision or "") > _MOST_DIGITS + 1:
        raise OutputFull
    try:
        value = next(arguments)
    except StopIteration:
        return f"%!{verb}(MISSING)"
    if value is None:
        return "<nil>" if verb == "v" else f"%!{verb}(<nil>)"
    if verb not in _VERBS[kind(value)]:
        return f"%!{verb}({kind(value)}={show(value)})"
    if verb == "b":
        value, verb = f"{value:b}", "s"
    elif verb in "vqtxX" and not (isinstance(value, int) and verb in "xX"):
        value, verb = _as_text(value, verb), "s"
    return f"%{flags}{width}{precision or ''}{verb}" % value


def _as_text(value: Value, verb: str) -> str:
    if verb == "q":
        return json.dumps(value, ensure_ascii=False)
    if verb in "xX":
        digits = show(value).encode().hex()
        return digits.upper() if verb == "X" else digits
    return show(value)


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
    "print": (_print, 0, None),
    "printf": (_printf, 1, None),
}
