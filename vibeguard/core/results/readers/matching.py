"""Problem matchers: text, line by line, against patterns in GitHub's form."""

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.re2_options import complaint_of, quiet_options
from vibeguard.core.model.results import Matcher, MatcherPattern, Result
from vibeguard.core.names import Level
from vibeguard.core.results.base import Sink
from vibeguard.core.results.building import diagnostic, number_of
from vibeguard.core.results.line_reports import LineReader

MOST_COLUMNS = 4_096
_LEVELS = {"error": Level.ERROR, "warning": Level.WARNING, "info": Level.INFO, "note": Level.INFO}
_FIELDS = ("file", "line", "column", "severity", "code", "message")


class MatchingReader(LineReader):
    """Runs matchers side by side. Of two that fit one line, the earlier one counts."""

    def __init__(self, matchers: tuple[Matcher, ...], sink: Sink) -> None:
        super().__init__(sink)
        self._runners = [_Runner(matcher) for matcher in matchers]

    def line(self, line: str) -> None:
        """One line of text."""
        line = line[:MOST_COLUMNS]
        found = [result for runner in self._runners if (result := runner.take(line))]
        if found:
            self.sink(found[0])

    def end(self) -> None:
        """What comes last may be told by the lines behind it."""
        self.line("")


class _Runner:
    """How far one matcher has come: its next pattern, and what the earlier ones captured."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._expressions = [compile_regexp(pattern.regexp) for pattern in matcher.pattern]
        self._next = 0
        self._captured: dict[str, str] = {}

    def take(self, line: str) -> Result | None:
        """The result that this line completes, if it completes one."""
        last = len(self._expressions) - 1
        found = self._capture(self._next, line)
        if found is None and self._next:
            self._next = 0  # the line may begin another one
            found = self._capture(0, line)
        if found is None:
            return None
        if self._next == 0:
            self._captured = {}
        captured = {**self._captured, **found}
        if self._next < last:
            self._captured, self._next = captured, self._next + 1
            return None
        if not (self._matcher.pattern[last].loop and last):
            self._next = 0
        return self._result(captured)

    def _capture(self, number: int, line: str) -> dict[str, str] | None:
        match = self._expressions[number].search(line)
        if match is None:
            return None
        pattern = self._matcher.pattern[number]
        groups = {name: getattr(pattern, name) for name in _FIELDS}
        return {name: match.group(group) or "" for name, group in groups.items() if group}

    def _result(self, captured: dict[str, str]) -> Result:
        said = captured.get("severity", "").lower()
        return diagnostic(
            _LEVELS.get(said, self._matcher.severity),
            captured.get("file"),
            number_of(captured.get("line")),
            number_of(captured.get("column")),
            captured.get("code", ""),
            captured.get("message", ""),
        )


def compile_regexp(regexp: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 - RE2 has no types
    """The pattern as RE2 has it: linear in time, whatever the line. Raises LanguageError."""
    import re2  # noqa: PLC0415 - only where a matcher is used

    try:
        return re2.compile(regexp, quiet_options())
    except (re2.error, UnicodeEncodeError) as error:
        what = f"this is no pattern of RE2: {complaint_of(error)}"
        raise LanguageError(what, "leave out lookaround and backreferences") from None


def check_pattern(pattern: MatcherPattern) -> None:
    """Raise LanguageError for a pattern that RE2 refuses or whose groups are not there."""
    groups = compile_regexp(pattern.regexp).groups
    asked = [getattr(pattern, name) for name in _FIELDS]
    if min(asked) < 0:
        raise LanguageError("there is no group before 0", "count the parentheses, from 1")
    highest = max(asked)
    if highest > groups:
        raise LanguageError(
            f"the pattern has {groups} groups, and group {highest} is asked for",
            "count the parentheses",
        )
