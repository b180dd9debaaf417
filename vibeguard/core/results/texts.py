"""Short texts out of long, untrusted ones."""

import re
from itertools import islice

MOST_MESSAGE = 1_000  # characters
MOST_NAME = 500
MOST_LINES = 2_000
MOST_COLUMNS = 1_000

# Where the message ends and the stack begins.
_FRAME = (
    r'^\s*(?:at \S|\u276f |File "|stack backtrace:|note: run with `RUST_BACKTRACE|goroutine \d'
    r"|(?:> *)?\d+ \|)"
)


class BoundedText:
    """A text in pieces, of which the beginning and the end are kept."""

    def __init__(self, head: int = 16 << 10, tail: int = 48 << 10) -> None:
        self._most_head, self._most_tail = head, tail
        self._head = self._tail = ""

    def add(self, text: str) -> None:
        """Add the next piece."""
        room = self._most_head - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail = (self._tail + text)[-self._most_tail :]

    def __str__(self) -> str:
        return self._head + self._tail


def lines_of(text: str) -> list[str]:
    """The lines of a text, so few and so short that no pattern takes long on them."""
    return [line[:MOST_COLUMNS].rstrip() for line in islice(text.split("\n"), MOST_LINES)]


def cut(text: str, most: int) -> str:
    """The text in at most so many characters, with dots where it was longer."""
    return text if len(text) <= most else text[: most - 3] + "..."


def message_of(text: str, *, without: str = "") -> str:
    """What a failure's text says before its stack: the message, without its `without` line."""
    kept: list[str] = []
    for line in lines_of(text[: 4 * MOST_MESSAGE]):
        if re.match(_FRAME, line):
            break
        if kept or (line.strip() and not (without and line.strip().startswith(without))):
            kept.append(line)
    return cut("\n".join(kept).strip(), MOST_MESSAGE)


def nanoseconds(said: str | float | None, unit_ns: int = 1_000_000_000) -> int | None:
    """A duration as tools write it, `1,234.5` too; None if it is no duration."""
    try:
        value = float(str(said).replace(",", ""))
    except ValueError:
        return None
    return round(value * unit_ns) if 0 <= value < 1e9 else None
