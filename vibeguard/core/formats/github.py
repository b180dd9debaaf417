"""Annotations for GitHub Actions: what did not pass, where reviewers look.

GitHub shows ten annotations of a kind a step; the tenth says how many more there are. Everything
untrusted stands inside an annotation, sanitised and escaped, where no command can begin.
"""

from collections.abc import Iterable
from itertools import zip_longest

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, Level, ResultKind
from vibeguard.core.report.authored import advice_of
from vibeguard.core.report.conclusion import output_path, run_problem
from vibeguard.core.report.failure import fact_lines, lines_besides
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.results import MOST_LINES, is_bad, results_of, unplaced_lines
from vibeguard.core.report.summary import skips, summary
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import break_commands, sanitise
from vibeguard.core.wording.style import Style

LIMIT = 10
MAX_MESSAGE_CHARACTERS = 4000
ADVICE_CHARACTERS = 1000  # of each piece, so that facts and the path of the output have room
RESULT_CHARACTERS = 1000
# Title, text, and the properties that place it.
Message = tuple[str, str, str]


class GitHubFormat(Format):
    """Workflow commands at the end, and the summary as plain text."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """Errors, then warnings, then one notice a root cause of skips, then the summary."""
        settled = [r for r in state.checks.values() if r.outcome in UNPASSED]
        failed = [r for r in settled if fails_the_run(r)]
        errors = _in_turn(self._errors(state, record) for record in failed)
        warnings = [self._message(state, r) for r in settled if not fails_the_run(r)]
        others = [r for r in state.checks.values() if r not in failed]
        warnings += _in_turn(_located(r, Level.ERROR) for r in others)
        warnings += _in_turn(_located(r, Level.WARNING) for r in state.checks.values())
        problem = sanitise(run_problem(state, ending))
        if problem:
            errors.insert(0, ("vibeguard", problem, ""))
        notices = [("skipped", sanitise(line), "") for line in skips(state)]
        notices += _in_turn(_located(r, Level.INFO) for r in state.checks.values())
        lines = [
            *_limited("error", errors),
            *_limited("warning", warnings),
            *_limited("notice", notices),
        ]
        closing = "".join(
            f"{line}\n" for line in summary(state, ending, Style(), self.options.run_folder)
        )
        return "".join(f"{line}\n" for line in lines) + break_commands(closing)

    def _errors(self, state: State, record: CheckRecord) -> list[Message]:
        """The first place, what is said of the check, the other places."""
        located = _located(record, Level.ERROR)
        return [*located[:1], self._message(state, record), *located[1:]]

    def _message(self, state: State, record: CheckRecord) -> Message:
        parts = [sanitise(shorten(reason_of(state, record), 400)), *fact_lines(record)]
        for whole in advice_of(state, record).sections():
            section = whole.within(ADVICE_CHARACTERS)
            parts.append(f"{section.label}: {sanitise(section.text, multiline=True).strip()}")
        path = output_path(record, self.options.run_folder)
        if path:
            parts.append(f"output: {sanitise(path)}")
        title = f"{record.planned.id} {shown_status(record)}"
        output = "\n".join([*unplaced_lines(record, MOST_LINES), *lines_besides(record)])
        room = MAX_MESSAGE_CHARACTERS - sum(len(part) + 1 for part in parts)
        # Output gives way to the facts and the advice below it: it can be read in its file.
        if output and room > 100:
            parts.insert(1, shorten(output, room - 50))
        return sanitise(title), "\n".join(parts)[:MAX_MESSAGE_CHARACTERS], ""


def _located(record: CheckRecord, level: Level) -> list[Message]:
    """The results of a level that lie in a file, as its annotations; a failed test is an error."""
    messages = []
    for result in results_of(record):
        bad = Level.ERROR if is_bad(result) else result.severity
        if result.file and bad is level:
            name = result.name if result.kind is ResultKind.TEST else result.rule
            title = f"{record.planned.id}: {name}" if name else record.planned.id
            text = sanitise(result.message, multiline=True).strip()[:RESULT_CHARACTERS]
            messages.append((sanitise(title), text or "failed", _place(result)))
    return messages


def _place(result: Result) -> str:
    numbers = {"line": result.line, "col": result.column}
    said = [f"{name}={number}" for name, number in numbers.items() if number]
    return ",".join([f"file={_property(sanitise(result.file))}", *said])


def _in_turn(groups: Iterable[list[Message]]) -> list[Message]:
    """The first of each group, then the second of each: no check takes all the room."""
    rounds = zip_longest(*groups)
    return [message for turn in rounds for message in turn if message is not None]


def _limited(level: str, messages: list[Message]) -> list[str]:
    shown = messages if len(messages) <= LIMIT else messages[: LIMIT - 1]
    lines = [_annotation(level, *message) for message in shown]
    if len(messages) > len(shown):
        rest = messages[len(shown) :]
        names = ", ".join(title for title, *_ in rest)[:MAX_MESSAGE_CHARACTERS]
        lines.append(_annotation(level, f"{len(rest)} more", names, ""))
    return lines


def _annotation(level: str, title: str, text: str, place: str) -> str:
    title = ",".join([*([place] if place else []), f"title={_property(title)}"])
    # The old command form is looked for anywhere in a line, so it is broken here too.
    return f"::{level} {break_commands(title)}::{break_commands(_data(text))}"


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
