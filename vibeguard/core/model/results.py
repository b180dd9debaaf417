"""Single results of a check: one test, or one finding of a tool (DESIGN section 10)."""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model.keys import Count, Date, Key, Plain, Texts
from vibeguard.core.names import Level, QuarantineState, ResultKind, ResultOutcome


class Result(Struct, frozen=True, omit_defaults=True, gc=False):
    """One test or one diagnostic.

    Tests have a `name` and an `outcome`, diagnostics a `severity` and often a `rule`. `file` is
    relative to the repository, empty where it is not known or outside; `line` and `column` count
    from 1, 0 means that nobody said. Strings are as the tool wrote them, cut to a bearable length.
    """

    kind: ResultKind
    name: str = ""
    outcome: ResultOutcome | None = None
    severity: Level | None = None
    file: str = ""
    line: int = 0
    column: int = 0
    rule: str = ""
    message: str = ""
    duration_ns: int | None = None


class MatcherPattern(Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a problem matcher, in GitHub's words: numbers are those of groups, 0 is none."""

    regexp: str
    file: int = 0
    line: int = 0
    column: int = 0
    severity: int = 0
    code: int = 0
    message: int = 0
    loop: bool = False


class Matcher(Struct, frozen=True, omit_defaults=True, gc=False):
    """A problem matcher: patterns that fit consecutive lines; `severity` where no group has it."""

    owner: str
    pattern: tuple[MatcherPattern, ...]
    severity: Level = Level.ERROR


class ResultsSource(Struct, frozen=True, omit_defaults=True, gc=False):
    """Where single results come from: a reader, and the file that it reads or "" for the output.

    `reader` is `junit`, `sarif`, `ctrf`, `tap`, `json TOOL` or `matcher NAME`; `matchers` holds the
    problem matchers that are not built in.
    """

    reader: str
    file: str = ""
    matchers: tuple[Matcher, ...] = ()


def is_pattern(file: str) -> bool:
    """Whether it is more than the name of one file."""
    return any(character in file for character in "*?[")


class Expectation(Struct, frozen=True, omit_defaults=True, gc=False):
    """`expect:` of a check: what its results must amount to for a pass to be one."""

    min: Annotated[
        int | None, Key("tests that must have run; skipped ones have not", Count(0, 10**9))
    ] = None
    max_skipped: Annotated[int | None, Key("tests that may be skipped", Count(0, 10**9))] = None
    max_errors: Annotated[
        int | None,
        Key("diagnostics of level error that an exit code of 0 may hide", Count(0, 10**9)),
    ] = None


class Quarantine(Struct, frozen=True, omit_defaults=True, gc=False):
    """`quarantine:` of a check: tests that are known to fail, and until when that is borne."""

    results: Annotated[tuple[str, ...], Key("names of tests, as reports show them", Texts())] = ()
    until: Annotated[str, Key("the last day on which it holds, as 2026-12-31", Date())] = ""
    issue: Annotated[str, Key("where it is worked on", Plain())] = ""
    owner: Annotated[str, Key("who works on it", Plain())] = ""


class Findings(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the results of an attempt amount to; the fields are those of `check.results`."""

    guessed: bool = False
    tests: dict[str, int] = {}
    diagnostics: dict[str, int] = {}
    failing: int = 0
    results: tuple[Result, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()
    quarantine: QuarantineState = QuarantineState.NONE
