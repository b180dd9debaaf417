"""The bytes of a config as text: decoding, lines, and problems with their place in it."""

import re
from bisect import bisect_right
from functools import cached_property

from vibeguard.core.problems import ConfigError, Problem

MAX_BYTES = 16 << 20
_LINE_BREAK = "\r\n|[\n\r\x85\u2028\u2029]"  # those that YAML counts
_NOT_PRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+"
_LIKE_A_BLANK = "[\xa0\u2000-\u200b\u202f\u3000\ufeff]"  # as copied from a page
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MOST_PLACES = 20  # a binary file has thousands
_EXCERPT = 500  # characters of a line that a message repeats


class Source:
    """The text of one config file, without byte order mark."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without line breaks."""
        return re.split(_LINE_BREAK, self.text)

    def problem(self, what: str, do: str, line: int, column: int) -> Problem:
        """A problem at this place, with its line; of a long one, what is around the place."""
        text = self.lines[line - 1] if 1 <= line <= len(self.lines) else ""
        start = max(column - 1 - _EXCERPT // 2, 0) if len(text) > _EXCERPT else 0
        excerpt = text[start : start + _EXCERPT]
        if not text.isprintable() and (odd := re.search(_LIKE_A_BLANK, text)):
            do += f" (in column {odd.start() + 1} stands U+{ord(odd[0]):04X}, which is no blank)"
        return Problem(what, do, self.file, line, column, excerpt, start + 1)

    def offset(self, line: int, column: int) -> int:
        """Where in the text the character at this place stands."""
        return self._starts[line - 1] + column - 1

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins in the text."""
        return [0, *(match.end() for match in re.finditer(_LINE_BREAK, self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character of the text."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def read_source(data: bytes, file: str) -> Source:
    """Decode UTF-8 (or UTF-16 with its mark, as YAML allows).

    Raises `ConfigError` with every place that is not text, up to 20 of them.
    """
    if len(data) > MAX_BYTES:
        what = f"the config is larger than {MAX_BYTES >> 20} MiB"
        raise ConfigError([Problem(what, "is this the right file?", file)])
    encoding = "utf-16" if data.startswith(_UTF16_MARKS) else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise ConfigError(_undecodable(data, encoding, file)) from None
    source = Source(text.removeprefix("\ufeff"), file)
    if source.text.replace("\n", " ").isprintable():
        return source  # as nearly all are: the pattern takes 3 ms to compile
    places = [match.start() for match in re.finditer(_NOT_PRINTABLE, source.text)]
    if places:
        raise ConfigError([_control_character(source, offset) for offset in places[:_MOST_PLACES]])
    return source


def _undecodable(data: bytes, encoding: str, file: str) -> list[Problem]:
    """The places that are not text, the first twenty of them."""
    source = Source(data.decode(encoding, errors="replace").removeprefix("\ufeff"), file)
    if encoding != "utf-8":
        return [source.problem("this file is not UTF-16", "save it as UTF-8", 1, 1)]
    problems: list[Problem] = []
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    offset = 0  # of the text that is decoded so far
    while len(problems) < _MOST_PLACES:
        try:
            data[start:].decode()
            break
        except UnicodeDecodeError as error:
            offset += len(data[start : start + error.start].decode())
            line, column = source.place(offset)
            what = f"byte 0x{data[start + error.start]:02x} is not UTF-8"
            problems.append(source.problem(what, "save the file as UTF-8", line, column))
            offset += 1  # what cannot be decoded stands as one U+FFFD
            start += error.end
    return problems


def _control_character(source: Source, offset: int) -> Problem:
    line, column = source.place(offset)
    what = f"the control character U+{ord(source.text[offset]):04X} cannot stand in YAML"
    do = 'remove it, or write it in double quotes with an escape such as "\\e"'
    return source.problem(what, do, line, column)
