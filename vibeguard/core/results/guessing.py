"""Results out of an output that nobody asked for results: by the excerpt rule that fits it.

Guessed results say where to look; they never change an outcome. A rule that knows no place has no
entry here.
"""

from functools import partial

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import MakeReader, Reader, Sink
from vibeguard.core.results.matchers import MATCHERS
from vibeguard.core.results.readers.blocks import BlocksReader
from vibeguard.core.results.readers.matching import MatchingReader
from vibeguard.core.results.readers.tap import TapReader
from vibeguard.core.results.registry import JSON_TOOLS, maker

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
    "python-traceback": "python",
}


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
_STREAMS = {"go-test": (b'"Action":"', "go-test"), "rustc": (b'"reason":"', "cargo")}


def guesser(rule: str, output: bytes) -> MakeReader | None:
    """What finds results in an output whose excerpt was chosen by a rule; None if nothing does."""
    mark, tool = _STREAMS.get(rule, (b"", ""))
    if mark and output.lstrip().startswith(b"{") and mark in output:
        return maker(JSON_TOOLS[tool])
    return GUESSERS.get(rule)
