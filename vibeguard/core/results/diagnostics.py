"""What the JSON of linters has in common: each finding becomes one diagnostic."""

from vibeguard.core.model.results import Result
from vibeguard.core.names import Level, ResultKind
from vibeguard.core.results.texts import message_of

# Every word that a tool has for how bad it is.
_LEVELS = {
    "error": Level.ERROR,
    "fatal": Level.ERROR,
    "failure": Level.ERROR,
    "high": Level.ERROR,
    "critical": Level.ERROR,
    "warning": Level.WARNING,
    "warn": Level.WARNING,
    "medium": Level.WARNING,
    "refactor": Level.WARNING,
    "convention": Level.WARNING,
}


def level_of(word: str | None, default: Level = Level.INFO) -> Level:
    """The level that a tool's own word stands for."""
    return _LEVELS.get((word or "").lower(), default)


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
