"""The functions of Go's text/template."""

from collections.abc import Callable, Mapping, Sequence

from vibeguard.core.lang.template.printf import sprintf
from vibeguard.core.lang.template.values import NO_VALUE, Extracted, Value, fail, kind, show, truth

_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JAVASCRIPT = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"'}
    | {character: f"\\u{ord(character):04X}" for character in "<>&="}
    | {chr(code): f"\\u{code:04X}" for code in range(0x20)}
)
_UNRESERVED = frozenset(b"-_.~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def call(name: str, arguments: Sequence[Value]) -> Value:
    """Call a function; a text that it makes of extracted text is extracted text too."""
    function, least, most = FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise fail(f"{name} does not take {len(arguments)} arguments")
    result = function(*arguments)
    if isinstance(result, str) and any(isinstance(a, Extracted | Mapping) for a in arguments):
        return Extracted(result)
    return result


def _equal(first: Value, *others: Value) -> bool:
    return any(_equals(first, other) for other in others)


def _equals(left: Value, right: Value) -> bool:
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        raise fail("a map cannot be compared")
    if kind(left) != kind(right):
        if left is None or right is None:
            return False
        raise fail(f"a {kind(left)} cannot be compared with a {kind(right)}")
    return left == right


def _not_equal(left: Value, right: Value) -> bool:
    return not _equals(left, right)


def _less(left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        raise fail("true and false have no order")
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    if isinstance(left, float) and isinstance(right, float):
        return left < right
    raise fail(f"a {kind(left)} cannot be compared with a {kind(right)}")


def _less_or_equal(left: Value, right: Value) -> bool:
    return _less(left, right) or _equals(left, right)


def _length(value: Value) -> int:
    """Return the number of bytes of a text, or of the entries of a map, as Go counts them."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return len(value)
    raise fail(f"a {kind(value)} has no length")


def _index(value: Value, *keys: Value) -> Value:
    if value is None:
        raise fail("nothing cannot be indexed")
    for key in keys:
        if isinstance(value, Mapping) and isinstance(key, str):
            value = value.get(key, "")
        elif isinstance(value, str) and isinstance(key, int) and not isinstance(key, bool):
            octets = value.encode()
            if not 0 <= key < len(octets):
                raise fail(f"index {key} is out of range")
            value = octets[key]
        else:
            raise fail(f"a {kind(value)} cannot be indexed with a {kind(key)}")
    return value


def _slice(value: Value, *bounds: Value) -> str:
    if not isinstance(value, str):
        raise fail(f"a {kind(value)} cannot be sliced")
    octets = value.encode()
    numbers = [n for n in bounds if isinstance(n, int) and not isinstance(n, bool)]
    start, end = ([*numbers, len(octets)] if len(numbers) == 1 else numbers) or (0, len(octets))
    if len(numbers) != len(bounds) or not 0 <= start <= end <= len(octets):
        raise fail("a slice is out of range")
    return octets[start:end].decode("utf-8", "replace")


def _print(*arguments: Value) -> str:
    """Join values; a space goes between two where neither is a text."""
    pieces: list[str] = []
    for position, argument in enumerate(arguments):
        if (
            position
            and not isinstance(argument, str)
            and not isinstance(arguments[position - 1], str)
        ):
            pieces.append(" ")
        pieces.append(show(argument, "<nil>"))
    return "".join(pieces)


def _println(*arguments: Value) -> str:
    return " ".join(show(argument, "<nil>") for argument in arguments) + "\n"


def _printf(form: Value, *arguments: Value) -> str:
    if not isinstance(form, str):
        raise fail("printf needs a text first")
    return sprintf(form, arguments)


def _join(arguments: Sequence[Value]) -> str:
    return _print(*(NO_VALUE if argument is None else argument for argument in arguments))


def _html(*arguments: Value) -> str:
    return _join(arguments).translate(_HTML)


def _js(*arguments: Value) -> str:
    return _join(arguments).translate(_JAVASCRIPT)


def _urlquery(*arguments: Value) -> str:
    return "".join(
        chr(byte) if byte in _UNRESERVED else "+" if byte == 0x20 else f"%{byte:02X}"
        for byte in _join(arguments).encode()
    )


def _short_circuit(*_: Value) -> Value:
    raise fail("and and or look at their arguments one by one")


# Name -> function, fewest and most arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int | None]] = {
    "and": (_short_circuit, 1, None),
    "or": (_short_circuit, 1, None),
    "not": (lambda value: not truth(value), 1, 1),
    "eq": (_equal, 2, None),
    "ne": (_not_equal, 2, 2),
    "lt": (_less, 2, 2),
    "le": (_less_or_equal, 2, 2),
    "gt": (lambda left, right: not _less_or_equal(left, right), 2, 2),
    "ge": (lambda left, right: not _less(left, right), 2, 2),
    "len": (_length, 1, 1),
    "index": (_index, 1, None),
    "slice": (_slice, 1, 3),
    "print": (_print, 0, None),
    "printf": (_printf, 1, None),
    "println": (_println, 0, None),
    "html": (_html, 0, None),
    "js": (_js, 0, None),
    "urlquery": (_urlquery, 0, None),
}
