"""Go's fmt.Sprintf for the values that templates have."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from vibeguard.core.lang.template.values import Value, kind, show, show_float

_FLAGS = re.compile(r"[-+# 0]*")
_DIGITS = re.compile(r"[0-9]*")
_INDEX = re.compile(r"\[(?:[^]]+\]|\](?=.))?", re.DOTALL)  # what Go skips, well-formed or not
_GOOD_INDEX = re.compile(r"\[0*([0-9]{1,7})\]")
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

    def pad(self, text: str, *, zeros: bool = False, signed: bool = False) -> str:
        """Fill up to the width, in characters; zeros stand behind the sign of a number."""
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if "-" in self.flags:
            return text + " " * missing
        if zeros and "0" in self.flags:
            sign = text[:1] if signed and text[:1] in ("+", "-", " ") else ""
            return sign + "0" * missing + text[len(sign) :]
        return " " * missing + text


def sprintf(form: str, arguments: Sequence[Value]) -> str:
    """Return the text that Go's fmt.Sprintf makes, its marks for mistakes included."""
    return _Printer(form, arguments).run()


class _Printer:
    """Goes through a form as Go's doPrintf does."""

    def __init__(self, form: str, arguments: Sequence[Value]) -> None:
        self._form = form
        self._arguments = arguments
        self._position = 0
        self._next = 0  # the argument whose turn it is
        self._has_indexes = False  # with them, arguments may be left over
        self._is_index_good = True
        self._complaints = ""

    def run(self) -> str:
        pieces: list[str] = []
        while (percent := self._form.find("%", self._position)) >= 0:
            pieces.append(self._form[self._position : percent])
            self._position = percent + 1
            pieces.append(self._directive())
        pieces.append(self._form[self._position :])
        waiting = self._arguments[self._next :]
        if waiting and not self._has_indexes:
            extra = ", ".join("<nil>" if a is None else f"{kind(a)}={show(a)}" for a in waiting)
            pieces.append(f"%!(EXTRA {extra})")
        return "".join(pieces)

    def _directive(self) -> str:
        self._is_index_good = True
        self._complaints = ""
        layout, has_index = self._layout()
        if not has_index:
            self._index()
        verb = self._form[self._position : self._position + 1]
        self._position += len(verb)
        return self._complaints + self._convert(verb, layout)

    def _convert(self, verb: str, layout: _Layout) -> str:
        if not verb:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if not self._is_index_good:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._arguments):
            return f"%!{verb}(MISSING)"
        return _format(self._take_argument(), verb, layout)

    def _layout(self) -> tuple[_Layout, bool]:
        """Read flags, width and precision; say whether the verb's own index was read with them."""
        flags = self._take(_FLAGS)
        width, has_index = self._measure("WIDTH", has_index=self._index())
        precision = None
        if self._skip("."):
            if has_index:  # as in "%[3].2d"; it should have been "%.[3]2d"
                self._is_index_good = False
            precision, has_index = self._measure("PREC", has_index=self._index())
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        return _Layout(flags, width, precision), has_index

    def _measure(self, what: str, *, has_index: bool) -> tuple[int | None, bool]:
        """Read a width or precision, and say whether an index is left for what follows it."""
        if self._skip("*"):
            value = self._take_argument() if self._next < len(self._arguments) else None
            number = value if isinstance(value, int) and not isinstance(value, bool) else None
            return self._bounded(number, what), False
        digits = self._take(_DIGITS)
        if not digits:
            return (0 if what == "PREC" else None), has_index
        if has_index and what == "WIDTH":  # as in "%[3]2d"; it should have been "%2[3]d"
            self._is_index_good = False
        return self._bounded(int(digits.lstrip("0")[:8] or "0"), what), has_index

    def _bounded(self, number: int | None, what: str) -> int | None:
        """Return a width or precision, or None with Go's complaint about it."""
        if number is None or abs(number) > _WIDEST or (what == "PREC" and number < 0):
            self._complaints += f"%!(BAD{what})"
            return None
        return number

    def _index(self) -> bool:
        """Read an index like [2] if there is one; return whether it has the form of one."""
        found = _INDEX.match(self._form, self._position)
        if found is None:
            return False
        self._has_indexes = True
        self._position = found.end()
        good = _GOOD_INDEX.fullmatch(found[0])
        if good is not None and 1 <= int(good[1]) <= len(self._arguments):
            self._next = int(good[1]) - 1
        else:
            self._is_index_good = False
        return good is not None

    def _take_argument(self) -> Value:
        self._next += 1
        return self._arguments[self._next - 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        """Read what the pattern matches here; it matches nothing too."""
        found = pattern.match(self._form, self._position)
        text = found[0] if found else ""
        self._position += len(text)
        return text

    def _skip(self, character: str) -> bool:
        found = self._form.startswith(character, self._position)
        self._position += found
        return found


def _format(value: Value, verb: str, layout: _Layout) -> str:
    if verb == "T":
        return layout.pad("<nil>" if value is None else kind(value))
    if value is None:
        return layout.pad("<nil>") if verb == "v" else f"%!{verb}(<nil>)"
    if verb == "v":  # there + asks for more detail, which plain values do not have
        layout = layout._replace(flags=layout.flags.replace("+", ""))
    formatted = _format_known(value, verb, layout)
    if formatted is not None:
        return formatted
    # Go shows the value of a wrong verb as %v would, with the width and precision that were given.
    plain = layout._replace(flags=layout.flags.replace("#", ""))
    return f"%!{verb}({kind(value)}={_format_known(value, 'v', plain)})"


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
        if "#" in layout.flags and "`" not in value and value.replace("\t", "").isprintable():
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
    return layout.pad(text, zeros=layout.precision is None, signed=True)


def _format_float(value: float, verb: str, layout: _Layout) -> str | None:
    if verb not in "eEfFgGv":
        return None
    if verb == "v" or (verb in "gG" and layout.precision is None):
        text = show_float(abs(value))
    else:
        precision = 6 if layout.precision is None else layout.precision
        text = format(abs(value), f".{precision}{verb}")
    sign = _sign(value < 0, layout)
    return layout.pad(sign + text.removeprefix("+"), zeros=value - value == 0, signed=True)


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
