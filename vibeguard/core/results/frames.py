"""Finds the file and line that a failure's text names, by the stack frames of known languages."""

import re
from typing import NamedTuple

from vibeguard.core.results.texts import lines_of


class Place(NamedTuple):
    """A place as the tool wrote it; 0 where it says nothing."""

    file: str = ""
    line: int = 0
    column: int = 0


NOWHERE = Place()

# Frames in what the user did not write.
_FOREIGN = (
    r"node_modules|site-packages|dist-packages|^node:|/lib/python\d|^<|/rustc/|/usr/lib/go"
    r"|/go-\d|/src/testing/|/src/runtime/|\$GOROOT|/vendor/phpunit/"
)
_PYTEST = r"^([^\s:][^:]*\.\w+):(\d+): (?:in \S+|[A-Za-z_][\w.]*)?$"
_PYTHON = r'^\s*File "([^"]+)", line (\d+)'
_BATS = r"\(in test file ([^,)]+), line (\d+)\)|^\s*in test file ([^,)]+), line (\d+)"
_SCRIPT = r"(?:\(|\bat |\u276f (?:\S+ )?|^\s*)((?:file://|/|\w:)?[^\s():]+):(\d+):(\d+)\)?\s*\{?$"
_JAVA = r"^\s*at (?:[\w.$]+/)?([\w.$]+)\.[\w$<>]+\(([\w$]+\.\w+):(\d+)\)"
_RUST = r"panicked at (?:'.*', )?([^\s:]+\.rs):(\d+):(\d+)"
_GO_LOG = r"^\s*([\w./-]+\.go):(\d+)(?::(\d+))?: "
_GO_FRAME = r"^\s+(\S+\.go):(\d+)(?: \+0x|$)"
_BARE = r"^\s*([^\s:]+\.\w+):(\d+)(?:: (?:Failure|error).*)?$"


def place_in(text: str) -> Place:
    """The place that matters in the text of a failure; NOWHERE if none is known."""
    if ":" not in text and "line " not in text:
        return NOWHERE
    lines = lines_of(text)
    for pattern, last in (
        (_PYTEST, True),
        (_BATS, False),
        (_RUST, False),
        (_GO_LOG, False),
        (_PYTHON, True),
        (_JAVA, False),
        (_SCRIPT, False),
        (_GO_FRAME, False),
        (_BARE, True),
    ):
        found = _search(pattern, lines, last=last)
        if found:
            return found
    return NOWHERE


def _search(pattern: str, lines: list[str], *, last: bool) -> Place | None:
    for line in reversed(lines) if last else lines:
        match = re.search(pattern, line)
        if match is None:
            continue
        place = _java(match) if pattern is _JAVA else _plain(match)
        if not re.search(_FOREIGN, place.file):
            return place
    return None


def _plain(match: re.Match[str]) -> Place:
    found = [group for group in match.groups() if group]
    return Place(found[0], int(found[1][:9]), int(found[2][:9]) if len(found) > 2 else 0)


def _java(match: re.Match[str]) -> Place:
    """`com.example.ShopTest` in `ShopTest.java`: the package is the folder."""
    package = match[1].rpartition(".")[0].replace(".", "/")
    foreign = package.startswith(("java/", "jdk/", "sun/", "org/junit", "org/hamcrest", "kotlin/"))
    if foreign or package in {"junit", "org/testng", "org/assertj"}:
        return Place("<library>")
    return Place(f"{package}/{match[2]}" if package else match[2], int(match[3][:9]))
