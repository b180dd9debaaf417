"""Text in columns: how many cells a string takes, cutting, wrapping. For sanitised text only."""

import re
import unicodedata
from collections.abc import Iterator

from vibeguard.core.wording.units import plural

LONGEST_TEXT = 16 << 10
"""The most characters of one text of a config that any format shows."""

_SGR = re.compile("\x1b\\[[0-9;]*m")


def cells(text: str) -> int:
    """How many terminal cells the text takes: wide characters two, combining ones and SGR none."""
    if "\x1b" in text:
        text = _SGR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """The text in at most `columns` cells; what is cut off leaves `..` (or less) behind."""
    if cells(text) <= columns:
        return text
    mark = ".." if columns > 4 else ""
    return _head(text, columns - len(mark)) + mark


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters: the middle goes, since errors end with what matters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [{len(text) - 2 * half} characters] {text[-half:]}"


def cut_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text, cut at `limit` characters with a line that says how much is left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: {len(text) - limit:,} of {len(text):,} characters left out]"


def first_line(text: str) -> str:
    """Text of several lines where only one has room: the first, and how many follow it."""
    first, newline, rest = text.strip().partition("\n")
    return f"{first} [{plural(rest.count(newline) + 1, 'more line')}]" if newline else first


def wrap(text: str, columns: int, *, first: str = "", rest: str = "") -> str:
    """Wrap words to `columns` cells; 0 means no limit. Words are never broken: paths stay whole.

    `first` begins the first line, `rest` each further one. Newlines in the text are kept.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lead = rest if lines else first
        if not columns or cells(lead) + cells(paragraph) <= columns:
            lines.append((lead + paragraph).rstrip())
            continue
        lines.extend(_wrapped(paragraph, columns, lead, rest))
    return "\n".join(lines)


def _wrapped(paragraph: str, columns: int, lead: str, rest: str) -> Iterator[str]:
    words: list[str] = []
    used = cells(lead)
    for word in paragraph.split():
        width = cells(word)
        if not words and lead.strip() and used + width > columns >= cells(rest) + width:
            yield lead.rstrip()  # a label alone: the word fits below it
            lead, used = rest, cells(rest)
        if words and used + 1 + width > columns:
            yield lead + " ".join(words)
            lead, words, used = rest, [], cells(rest)
        used += width + (1 if words else 0)
        words.append(word)
    yield (lead + " ".join(words)).rstrip()


def fold(text: str, columns: int, *, prefix: str, rest: str = "") -> str:
    """Break one line of output hard into lines of `columns` cells, each with a prefix.

    `rest` is the prefix of the second line and what follows, where it is another one.
    """
    room = columns - cells(prefix)
    if not columns or cells(text) <= room:
        return (prefix + text).rstrip()
    room = max(room, 8)
    lines: list[str] = []
    while text:
        head = _head(text, room) or text[0]
        lines.append(((rest if lines and rest else prefix) + head).rstrip())
        text = text[len(head) :]
    return "\n".join(lines)


def _head(text: str, room: int) -> str:
    if text.isascii():
        return text[: max(room, 0)]
    used = 0
    for at, character in enumerate(text):
        used += _width(character)
        if used > room:
            return text[:at]
    return text
