"""Single results of a check: one test, or one finding of a tool (DESIGN section 10)."""

from msgspec import Struct

from vibeguard.core.names import Level, ResultKind, ResultOutcome


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
