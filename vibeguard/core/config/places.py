"""Where a character of a scalar's value stands in the file."""

from collections.abc import Sequence

from vibeguard.core.config.nodes import Text

_QUOTES = frozenset({"'", '"'})
_BLOCKS = frozenset({"|", ">"})


def place_in(text: Text, offset: int, lines: Sequence[str]) -> tuple[int, int]:
    """Line and column of the value's character at `offset`.

    Exact where the file has the value's characters side by side; else (escapes, folded lines) the
    place where the value begins.
    """
    if text.style in _BLOCKS:
        return _place_in_block(text, offset, lines)
    start = text.column - 1 + (text.style in _QUOTES)
    line = lines[text.line - 1] if text.line <= len(lines) else ""
    if line.startswith(text.value, start):
        return text.line, start + offset + 1
    return text.line, text.column


def _place_in_block(text: Text, offset: int, lines: Sequence[str]) -> tuple[int, int]:
    """A block's lines stand below its indicator, each behind the same indentation."""
    before = text.value[:offset].split("\n")
    number = text.line + len(before)
    wanted = text.value.split("\n")[len(before) - 1]
    line = lines[number - 1] if number <= len(lines) else ""
    if wanted and line.endswith(wanted):
        return number, len(line) - len(wanted) + len(before[-1]) + 1
    return text.line, text.column
