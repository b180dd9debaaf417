"""Where a character of a scalar's value stands in the file.

Nodes keep only where they begin, so that loading stays quick: when a mistake is to be shown, the
source is walked from there, undoing escapes and folded lines as YAML does them.
"""

import re
from itertools import islice

from vibeguard.core.config.nodes import Text
from vibeguard.core.config.source import Source

_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = f"(?:\r\n|[{_BREAKS}])"
_KEPT_BLANKS = f"[ \t]++(?!{_BREAK})"  # those before a line break are dropped
# Not `++`: up to Python 3.11.4 what its last turn has taken before it failed stays taken.
_OFTEN = "{1,1000}"
_FOLD = f"(?P<fold>[ \t]*{_BREAK}(?:[ \t]*{_BREAK})*[ \t]*)"

# One step through a value by its style: characters as they are, a fold, or an escape. All patterns
# here are compiled when they are used, since most runs use none.
_STEPS = {
    "": f"(?P<same>(?:[^ \t{_BREAKS}]++|{_KEPT_BLANKS}){_OFTEN})|{_FOLD}",
    "'": f"(?P<same>(?:[^' \t{_BREAKS}]++|{_KEPT_BLANKS}){_OFTEN})|{_FOLD}|''",
    '"': (
        rf'(?P<same>(?:[^"\\ \t{_BREAKS}]++|{_KEPT_BLANKS}){_OFTEN})|{_FOLD}'
        rf"|\\(?P<joined>{_BREAK}(?:[ \t]*{_BREAK})*[ \t]*)"
        r"|\\(?:x..|u.{4}|U.{8}|.)"
    ),
}
# Each an anchor or a tag, then blanks, line breaks and comments.
_PROPERTIES = rf"(?:[&!][^ \t{_BREAKS}]*+(?:[ \t{_BREAKS}]++(?:#[^{_BREAKS}]*+)?)*+)*+"


def length_of_properties(text: str, index: int) -> int:
    """How many characters `&anchor` and `!tag` take at this index, with the blanks behind them."""
    match = re.compile(_PROPERTIES).match(text, index)
    return match.end() - index if match else 0


def place_in(text: Text, offset: int, source: Source) -> tuple[int, int]:
    """Line and column of the value's character at `offset`; its length is the place behind it.

    An escape is the place of its character; a blank or line break that YAML made of the end of a
    line stands there. If the file does not have this value here, the place is where it begins.
    """
    if text.style in {"|", ">"}:
        return _place_in_block(text, offset, source.lines)
    start = source.offset(text.line, text.column)
    start += text.style != "" and source.text.startswith(text.style, start)
    index = _walk(text, offset, source.text, start)
    return (text.line, text.column) if index is None else source.place(index)


def _walk(text: Text, offset: int, written: str, index: int) -> int | None:
    """The index in the file of a character of a quoted or plain value."""
    step = re.compile(_STEPS[text.style if text.style in _STEPS else ""])
    done = 0
    while done < len(text.value):
        match = step.match(written, index)
        if match is None:
            return None
        verbatim = match["same"] is not None
        length = len(match[0]) if verbatim else _length_made(match)
        if offset < done + length:
            return index + (offset - done if verbatim else 0)
        if done + length > len(text.value):  # a plain value ends before a comment or a colon
            return index + len(text.value) - done
        done += length
        index = match.end()
    return index


def _length_made(match: "re.Match[str]") -> int:
    """How many characters of the value an escape or the end of a line stands for."""
    if match.groupdict().get("joined") is not None:
        return len(re.findall(_BREAK, match["joined"])) - 1
    if match["fold"] is None:
        return 1
    breaks = re.findall(_BREAK, match["fold"])
    if breaks[0] in {"\u2028", "\u2029"}:  # which are kept
        return len(breaks)
    return max(1, len(breaks) - 1)


def _place_in_block(text: Text, offset: int, lines: list[str]) -> tuple[int, int]:
    """A block's lines stand below its indicator, each behind the same indentation.

    The value says how they were joined: by breaks, or by one blank where a line was folded.
    """
    body = text.value.lstrip(_BREAKS)
    end = len(text.value.rstrip(_BREAKS))
    done = len(text.value) - len(body)
    first = text.line + done  # as many empty lines come first
    place = (text.line, text.column)
    if not body or first >= len(lines):
        return place
    indentation = max(0, _indentation(lines[first]) - _indentation(body))
    for number, line in enumerate(islice(lines, first, None), first + 1):
        content = line[indentation:]
        if not content:
            continue
        if offset < done:
            break
        place = (number, indentation + 1 + min(offset - done, len(content)))
        done += len(content)
        if offset < done or done >= end:
            break
        rest = text.value[done:end]
        done += max(1, len(rest) - len(rest.lstrip(_BREAKS)))
    return place


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
