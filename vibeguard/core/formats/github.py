"""Annotations for GitHub Actions: what did not pass, where reviewers look.

GitHub shows ten annotations of a kind a step; the tenth says how many more there are. Everything
foreign stands inside an annotation, sanitised and escaped, where no command can begin.
"""

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Outcome
from vibeguard.core.report.advice import advice_of
from vibeguard.core.report.build import output_path, verdict_event
from vibeguard.core.report.failure import fact_lines, output_lines
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.summary import skips, summary
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import break_commands, sanitise
from vibeguard.core.wording.style import Style

LIMIT = 10
MAX_MESSAGE_CHARACTERS = 4000
ADVICE_CHARACTERS = 1000  # of each piece, so that facts and the path of the output have room
_ACTIONABLE = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR)


class GitHubFormat:
    """Workflow commands at the end, and the summary as plain text."""

    stream = Stream.MACHINE
    exact = True

    def __init__(self, options: FormatOptions) -> None:
        self._run_folder = options.run_folder

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet."""
        del state, event
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """Errors, then warnings, then one notice a root cause of skips, then the summary."""
        ending = ending or Ending()
        settled = [r for r in state.checks.values() if r.outcome in _ACTIONABLE]
        errors = [self._message(state, r) for r in settled if fails_the_run(r)]
        warnings = [self._message(state, r) for r in settled if not fails_the_run(r)]
        problem = _run_problem(state, ending)
        if problem:
            errors.insert(0, ("vibeguard", problem))
        notices = [("skipped", sanitise(line)) for line in skips(state)]
        lines = [
            *_limited("error", errors),
            *_limited("warning", warnings),
            *_limited("notice", notices),
        ]
        closing = "".join(f"{line}\n" for line in summary(state, ending, Style()))
        return "".join(f"{line}\n" for line in lines) + break_commands(closing)

    def _message(self, state: State, record: CheckRecord) -> tuple[str, str]:
        planned, settled = record.planned, record.settled
        parts = [sanitise(shorten(reason_of(state, record), 400)), *fact_lines(record)]
        for whole in advice_of(state, record).sections():
            section = whole.within(ADVICE_CHARACTERS)
            parts.append(f"{section.label}: {sanitise(section.text, multiline=True).strip()}")
        path = output_path(record, self._run_folder)
        if path:
            parts.append(f"output: {sanitise(path)}")
        title = f"{planned.id} {shown_status(record)}"
        output = "\n".join(output_lines(settled)) if settled else ""
        room = MAX_MESSAGE_CHARACTERS - sum(len(part) + 1 for part in parts)
        # Output gives way to the facts and the advice below it: it can be read in its file.
        if output and room > 100:
            parts.insert(1, shorten(output, room - 50))
        return sanitise(title), "\n".join(parts)[:MAX_MESSAGE_CHARACTERS]


def _run_problem(state: State, ending: Ending) -> str:
    if ending.problem:
        return sanitise(ending.problem)
    finished = verdict_event(state, ending)
    if finished is not None:
        return sanitise(finished.reason)
    open_checks = sum(1 for r in state.checks.values() if r.state is not CheckState.SETTLED)
    return f"the run has no verdict: {open_checks} of {len(state.checks)} checks have not settled"


def _limited(level: str, messages: list[tuple[str, str]]) -> list[str]:
    shown = messages if len(messages) <= LIMIT else messages[: LIMIT - 1]
    lines = [_annotation(level, title, text) for title, text in shown]
    if len(messages) > len(shown):
        rest = messages[len(shown) :]
        names = ", ".join(title for title, _ in rest)[:MAX_MESSAGE_CHARACTERS]
        lines.append(_annotation(level, f"{len(rest)} more", names))
    return lines


def _annotation(level: str, title: str, text: str) -> str:
    title = _data(title).replace(":", "%3A").replace(",", "%2C")
    # The old command form is looked for anywhere in a line, so it is broken here too.
    return f"::{level} title={title}::{break_commands(_data(text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
