"""What test runners write for people: each failure is a block that begins with the test's name."""

import re

from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import Sink
from vibeguard.core.results.building import one_test
from vibeguard.core.results.frames import place_in
from vibeguard.core.results.line_reports import LineReader
from vibeguard.core.results.texts import MOST_COLUMNS, BoundedText

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
