"""Results out of an output that nobody asked for results: by the excerpt rule that fits it.

Guessed results say where to look; they never change an outcome. A rule that knows no place has no
entry here.
"""

import re
from functools import partial

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import MakeReader, Reader, Sink
from vibeguard.core.results.building import one_test
from vibeguard.core.results.frames import place_in
from vibeguard.core.results.line_reports import LineReader
from vibeguard.core.results.matchers import MATCHERS
from vibeguard.core.results.readers.cargo import CargoReader
from vibeguard.core.results.readers.go_test import GoTestReader
from vibeguard.core.results.readers.matching import MatchingReader
from vibeguard.core.results.readers.tap import TapReader
from vibeguard.core.results.texts import MOST_COLUMNS, BoundedText

# What test runners write for people: each failure is a block that begins with the test's name.
_BLOCKS = {
    "pytest": (r"^_{3,} (?:ERROR at \w+ of )?(.+?) _{3,}$", r"^={3,} "),
    "unittest": (r"^(?:FAIL|ERROR): (\S+)", r"^={20,}$|^Ran \d"),
    "jest": (r"^\s*● (.+)$|^ FAIL  (\S+ > .+)$", r"^(?:Test Suites|Tests|Snapshots):|^⎯{10,}"),
    "node-test": (r"^✖ (.+?) \([\d.]+ms\)$", r"^test at \S"),
    "go-test": (r"^\s*--- FAIL: (\S+)", r"^\s*(?:--- (?:PASS|SKIP)|FAIL$|FAIL\t|ok  \t|=== )"),
    "cargo-test": (r"^---- (\S+) stdout ----$", r"^failures:$|^stack backtrace:|^test result:"),
}
_MATCHED = {
    "mypy": "mypy",
    "rustc": "cargo",
    "tsc": "tsc",
    "javac": "javac",
    "gcc": "gcc",
    "ruff": "ruff",
    "ruff-source": "ruff",
    "eslint": "eslint-stylish",
    "shellcheck": "shellcheck",
    "shellcheck-gcc": "gcc",
    "pyright": "pyright",
    "pylint": "pylint",
    "yamllint": "yamllint",
    "python-traceback": "python",
}


# Pytest's first line of a message, and the exception below Python's frames.
_MESSAGE = r"(?m)^E  +(\S.*)$|^((?:\w+\.)*\w*(?:Error|Exception|Failed|Exit)(?:: .*)?)$"


class BlocksReader(LineReader):
    """Gives a failed test for each block that names a place; `start` captures the name."""

    def __init__(self, start: str, stop: str, sink: Sink) -> None:
        super().__init__(sink)
        self._start, self._stop = re.compile(start), re.compile(stop)
        self._name = ""
        self._text: BoundedText | None = None

    def line(self, line: str) -> None:
        """One line of text."""
        line = line[:MOST_COLUMNS]
        if match := self._start.search(line):
            self._give()
            self._name, self._text = match[1].strip(), BoundedText()
        elif self._stop.search(line):
            self._give()
        elif self._text is not None:
            self._text.add(line + "\n")

    def end(self) -> None:
        """The last block is over."""
        self._give()

    def _give(self) -> None:
        text, self._text = self._text, None
        place = place_in(str(text)) if text else None
        if place is None or not place.line:
            return
        said = re.search(_MESSAGE, str(text))
        message = (said[1] or said[2]) if said else _without_place(str(text), place.file)
        self.sink(one_test(self._name, ResultOutcome.FAILED, place, message))


def _without_place(text: str, file: str) -> str:
    """The text behind a first line that is only about where it happened."""
    lines = [line for line in text.strip().split("\n") if not set(line.strip()) <= set("-=⎯_")]
    if file and lines and "panicked at" in lines[0] and len(lines) > 1:
        lines = lines[1:]
    return "\n".join(re.sub(r"^\s*\S+\.go:\d+: ", "", line).strip() for line in lines)


def _failures_of_tap(sink: Sink) -> Reader:
    """The failed tests that name a place: counts and plans are for who asks for results."""

    def take(result: Result, among: str = "") -> None:
        if result.outcome is ResultOutcome.FAILED and result.line:
            sink(result, among)

    return TapReader(take)


GUESSERS: dict[str, MakeReader] = {
    **{rule: partial(BlocksReader, *marks) for rule, marks in _BLOCKS.items()},
    **{rule: partial(MatchingReader, MATCHERS[name]) for rule, name in _MATCHED.items()},
    "tap": _failures_of_tap,
}
# Rules whose tools write streams of JSON too, and what marks one: its own reader knows more.
_STREAMS: dict[str, tuple[bytes, MakeReader]] = {
    "go-test": (b'"Action":"', GoTestReader),
    "rustc": (b'"reason":"', CargoReader),
}


def guesser(rule: str, output: bytes) -> MakeReader | None:
    """What finds results in an output whose excerpt was chosen by a rule; None if nothing does."""
    guessed = GUESSERS.get(rule)
    mark, reader = _STREAMS.get(rule, (b"", guessed))
    is_stream = mark and output.lstrip().startswith(b"{") and mark in output
    return reader if is_stream else guessed
