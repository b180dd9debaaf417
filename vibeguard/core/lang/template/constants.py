"""Constants of a template, as Go reads them."""

import re

from vibeguard.core.lang.errors import LanguageError

_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|)",
    re.DOTALL,
)
_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip
_DIGITS = re.compile(r"[0-9]+(?:_[0-9]+)*")
_OCTAL = re.compile(r"0[0-7]+")


def read_string(token: str, offset: int) -> str:
    """Return what a quoted text says, escapes resolved."""
    quote = token[0]
    pieces = []
    position = 1
    for match in _ESCAPE.finditer(token, 1, len(token) - 1):
        pieces.append(token[position : match.start()].encode())
        simple, byte, short, long, octal = match.groups()
        if simple and not (simple in "'\"" and simple != quote):
            pieces.append(_SIMPLE[simple].encode())
        elif byte or octal:
            pieces.append(bytes([int(byte or octal, 16 if byte else 8) & 0xFF]))
        elif short or long:
            pieces.append(_encode(int(short or long, 16), offset))
        else:
            raise _bad(token, offset)
        position = match.end()
    pieces.append(token[position:-1].encode())
    return b"".join(pieces).decode("utf-8", "replace")


def read_rune(token: str, offset: int) -> int:
    """Return the number of the one character between single quotes."""
    text = read_string(token, offset)
    if len(text) != 1:
        raise _bad(token, offset)
    return ord(text)


def read_number(token: str, offset: int) -> int | float:
    """Return a number: a float if it has a point or an exponent, else a 64-bit integer."""
    sign = -1 if token[0] == "-" else 1
    digits = token.lstrip("+-")
    try:
        if re.match(r"0[xXoObB]", digits):
            number: int | float = int(digits, 0)
        elif _OCTAL.fullmatch(digits):
            number = int(digits, 8)
        elif _DIGITS.fullmatch(digits):
            number = int(digits)
        else:
            return sign * float(digits)
    except ValueError as error:
        raise _bad(token, offset) from error
    if number >= 1 << 63:
        raise LanguageError(f"{token} overflows", "numbers have 64 bits", offset)
    return sign * number


def _encode(code_point: int, offset: int) -> bytes:
    if code_point > 0x10FFFF or 0xD800 <= code_point < 0xE000:
        raise LanguageError("an escape is no character", "use a valid code point", offset)
    return chr(code_point).encode()


def _bad(token: str, offset: int) -> LanguageError:
    return LanguageError(f"{token} is no constant", "see Go's syntax of constants", offset)
