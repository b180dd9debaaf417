"""Go's fmt.Sprintf for the values that templates have."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from vibeguard.core.lang.template.values import Value, kind, show, show_float

_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\*|[0-9]+)?(?:\.(?P<precision>\*|[0-9]*))?(?P<verb>.|\Z)",
    re.DOTALL,
)
_WIDEST = 10_000  # characters; Go stops at a million
_INTEGER_VERBS = {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}
_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


class _Layout(NamedTuple):
    """What stands between % and the verb."""

    flags: str
    width: int | None
    precision: int | None

    def pad(self, text: str, *, zeros: bool = False) -> str:
        """Fill up to the width, in characters."""
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if "-" in self.flags:
            return text + " " * missing
        if zeros and "0" in self.flags:
            sign = text[:1] if text[:1] in ("+", "-", " ") else ""
            return sign + "0" * missing + text[len(sign) :]
        return " " * missing + text


def sprintf(form: str, arguments: Sequence[Value]) -> str:
    """Return the text that Go's fmt.Sprintf makes, its marks for mistakes included."""
    pieces: list[str] = []
    waiting = list(arguments)
    position = 0
    for match in _DIRECTIVE.finditer(form):
        pieces.append(form[position : match.start()])
        position = match.end()
        pieces.append(_directive(match, waiting))
    pieces.append(form[position:])
    if waiting:
        extra = ", ".join("<nil>" if a is None else f"{kind(a)}={show(a)}" for a in waiting)
        pieces.append(f"%!(EXTRA {extra})")
    return "".join(pieces)


def _directive(match: re.Match[str], waiting: list[Value]) -> str:
    width, bad_width = _measure(match["width"], waiting, "WIDTH")
    precision, bad_precision = _measure(match["precision"], waiting, "PREC")
    verb = match["verb"]
    if not verb:
        return bad_width + bad_precision + "%!(NOVERB)"
    if verb == "%":
        return bad_width + bad_precision + "%"
    if not waiting:
        return f"{bad_width}{bad_precision}%!{verb}(MISSING)"
    flags = match["flags"]
    if width is not None and width < 0:
        flags, width = flags + "-", -width
    layout = _Layout(flags, width, precision)
    return bad_width + bad_precision + _format(waiting.pop(0), verb, layout)


def _measure(text: str | None, waiting: list[Value], what: str) -> tuple[int | None, str]:
    """Return a width or precision, and Go's complaint about it."""
    if text is None:
        return None, ""
    if text != "*":
        number = int(text or "0")
        return (number, "") if number <= _WIDEST else (None, f"%!(BAD{what})")
    value = waiting.pop(0) if waiting else None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and isinstance(value, int) and abs(value) <= _WIDEST:
        if what == "PREC" and value < 0:
            return None, f"%!(BAD{what})"
        return value, ""
    return None, f"%!(BAD{what})"


def _format(value: Value, verb: str, layout: _Layout) -> str:
    if verb == "T":
        return layout.pad("<nil>" if value is None else kind(value))
    if value is None:
        return layout.pad("<nil>") if verb == "v" else f"%!{verb}(<nil>)"
    formatted = _format_known(value, verb, layout)
    return f"%!{verb}({kind(value)}={show(value)})" if formatted is None else formatted


def _format_known(value: Value, verb: str, layout: _Layout) -> str | None:
    """Return the formatted value, or None if the verb is not for its kind."""
    if isinstance(value, bool):
        return layout.pad(show(value)) if verb in "tv" else None
    if isinstance(value, str):
        return _format_text(value, verb, layout)
    if isinstance(value, int):
        return _format_integer(value, verb, layout)
    if isinstance(value, float):
        return _format_float(value, verb, layout)
    return layout.pad(show(value)) if verb in "sv" else None


def _format_text(value: str, verb: str, layout: _Layout) -> str | None:
    if layout.precision is not None and verb in "svq":
        value = value[: layout.precision]
    if verb in "sv":
        if verb == "v" and "#" in layout.flags:
            return layout.pad(_quote(value), zeros=True)
        return layout.pad(value, zeros=True)
    if verb == "q":
        if "#" in layout.flags and "`" not in value and value.isprintable():
            return layout.pad(f"`{value}`", zeros=True)
        return layout.pad(_quote(value), zeros=True)
    if verb in "xX":
        octets = value.encode()[: layout.precision]
        separator = " " if " " in layout.flags else ""
        prefix = "0x" if "#" in layout.flags and octets else ""
        text = prefix + separator.join(f"{byte:02x}" for byte in octets)
        return layout.pad(text.upper() if verb == "X" else text, zeros=True)
    return None


def _format_integer(value: int, verb: str, layout: _Layout) -> str | None:
    if verb in "cqU":
        character = chr(value) if 0 <= value <= 0x10FFFF else "\ufffd"
        quoted = "'\\''" if character == "'" else f"'{_quote(character)[1:-1]}'"
        shown = {"c": character, "q": quoted.replace('\\"', '"'), "U": f"U+{value:04X}"}
        return layout.pad(shown[verb])
    if verb in "eEfFgG":
        return None
    code = _INTEGER_VERBS.get("d" if verb == "v" else verb)
    if code is None:
        return None
    digits = format(abs(value), code)
    if layout.precision is not None:
        digits = digits.rjust(layout.precision, "0")
    prefixes = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}
    prefix = prefixes.get(code, "") if "#" in layout.flags else ""
    text = _sign(value < 0, layout) + prefix + digits
    return layout.pad(text, zeros=layout.precision is None)


def _format_float(value: float, verb: str, layout: _Layout) -> str | None:
    if verb not in "eEfFgGv":
        return None
    if verb == "v" or (verb in "gG" and layout.precision is None):
        text = show_float(abs(value))
    else:
        precision = 6 if layout.precision is None else layout.precision
        text = format(abs(value), f".{precision}{verb}")
    sign = _sign(value < 0, layout)
    return layout.pad(sign + text.removeprefix("+"), zeros=value - value == 0)


def _sign(negative: bool, layout: _Layout) -> str:
    if negative:
        return "-"
    return "+" if "+" in layout.flags else " " if " " in layout.flags else ""


def _quote(text: str) -> str:
    """Return a text in double quotes, as Go's strconv.Quote writes it."""
    pieces = []
    for character in text:
        if character in '"\\':
            pieces.append("\\" + character)
        elif character.isprintable():
            pieces.append(character)
        elif character in _QUOTED:
            pieces.append(_QUOTED[character])
        elif ord(character) < 0x80:
            pieces.append(f"\\x{ord(character):02x}")
        else:
            code = ord(character)
            pieces.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return '"' + "".join(pieces) + '"'
