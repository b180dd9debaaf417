"""How readers build a result: one test of a runner, or one diagnostic of a linter."""

from collections.abc import Collection

from vibeguard.core.model.results import Result
from vibeguard.core.names import Level, ResultKind, ResultOutcome
from vibeguard.core.results.frames import NOWHERE, Place
from vibeguard.core.results.texts import message_of

# Every word that a tool has for how bad it is.
_LEVELS = {
    **dict.fromkeys(("error", "fatal", "failure", "high", "critical"), Level.ERROR),
    **dict.fromkeys(("warning", "warn", "medium", "refactor", "convention"), Level.WARNING),
}
# Every word that a runner has for how a test came out.
_NOT_RUN = ("skipped", "skip", "pending", "disabled", "todo", "rerun", "other")
_OUTCOMES = {
    **dict.fromkeys(("passed", "pass", "xpassed"), ResultOutcome.PASSED),
    **dict.fromkeys(("failed", "fail"), ResultOutcome.FAILED),
    **dict.fromkeys(_NOT_RUN, ResultOutcome.SKIPPED),
    "xfailed": ResultOutcome.XFAILED,
}


def outcome_of(word: str, own: Collection[str]) -> ResultOutcome:
    """The outcome that a word stands for, if it is one of the runner's own; else it is an error."""
    return _OUTCOMES[word] if word in own else ResultOutcome.ERROR


def level_of(word: str | None, default: Level = Level.INFO) -> Level:
    """The level that a tool's own word stands for."""
    return _LEVELS.get((word or "").lower(), default)


def number_of(text: str | None) -> int:
    """A line, a column or a count in a report; 0 for what is no number, or no bearable one."""
    return int(text[:9]) if text and text.isascii() and text.isdigit() else 0


def one_test(
    name: str,
    outcome: ResultOutcome,
    place: Place = NOWHERE,
    message: str = "",
    *,
    duration_ns: int | None = None,
    rule: str = "",
) -> Result:
    """A test; `message` is the whole text of a failure, or as much of it as says what is wrong."""
    return Result(
        ResultKind.TEST,
        name=name,
        outcome=outcome,
        file=place.file,
        line=place.line,
        column=place.column,
        rule=rule,
        message=message_of(message),
        duration_ns=duration_ns,
    )


def diagnostic(  # noqa: PLR0917 - the order in which every tool writes them
    level: Level, file: str | None, line: int | None, column: int | None, rule: object, message: str
) -> Result:
    """A diagnostic; None and 0 mean that the tool did not say."""
    return Result(
        ResultKind.DIAGNOSTIC,
        severity=level,
        file=file or "",
        line=max(line or 0, 0),
        column=max(column or 0, 0),
        rule="" if rule is None else str(rule),
        message=message_of(message),
    )
