"""What a reader is: bytes go in, results come out, through a sink, as soon as they are known.

A reader keeps nothing but what it is in the midst of, so that its memory stays flat however long a
report is. Paths stay as the tool wrote them; `places` makes them relative to the repository.
"""

from collections.abc import Callable
from typing import Protocol

from vibeguard.core.model.results import Result


class Sink(Protocol):
    """Takes results as they become known."""

    def __call__(self, result: Result, among: str = "", /) -> None:
        """Take one; a pass of the same name `among` the same is a second try of what failed."""


class UnreadableReport(Exception):
    """A report is not what it should be; the message says in what way."""


class Reader(Protocol):
    """Reads one report. Both methods raise UnreadableReport, after which it is of no more use."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes, of any length."""

    def finish(self) -> None:
        """The report is over: report what is left, complain if it is not whole."""


MakeReader = Callable[[Sink], Reader]
