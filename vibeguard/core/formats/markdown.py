"""Markdown for pull requests and for the step summary of GitHub Actions, below its limit of 1 MiB.

Foreign text stands in HTML-escaped code, or in a fence longer than any run of backticks in it: it
can neither mark up nor mention anybody.
"""

from collections.abc import Iterator
from re import findall

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.advice import advice_of
from vibeguard.core.report.build import output_path
from vibeguard.core.report.failure import fact_lines, lines_besides, with_remarks
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.results import result_lines
from vibeguard.core.report.savings import duration_ns
from vibeguard.core.report.summary import summary
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration, plural

MAX_BYTES = 900_000
_MARKS = {"passed": "✅", "failed": "❌", "timeout": "❌", "error": "❌", "warned": "⚠️"}
_SPECIAL = frozenset("\\`*_[]|~@#$&<>")
_UNPASSED = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR)


class MarkdownFormat:
    """Summary, paragraphs of what did not pass, a table of all checks."""

    stream = Stream.MACHINE
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._options = options

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet."""
        del state, event
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The whole text, cut at a block's end where it would grow too long."""
        blocks: list[str] = []
        left, dropped = MAX_BYTES, 0
        for block in self._blocks(state, ending or Ending()):
            size = len(block.encode())
            if dropped or size > left:
                dropped += 1
                continue
            blocks.append(block)
            left -= size
        if dropped:
            blocks.append(
                f"\n{plural(dropped, 'more row or paragraph', 'more rows and paragraphs')}.\n"
            )
        return "".join(blocks)

    def _blocks(self, state: State, ending: Ending) -> Iterator[str]:
        yield "## VibeGuard\n\n"
        for line in summary(state, ending, Style(), self._options.run_folder):
            yield f"{_prose(line)}\n\n"
        for record in state.checks.values():
            if record.outcome in _UNPASSED:
                yield self._paragraph(state, record)
        yield "\n| | check | result | time | why |\n|---|---|---|---:|---|\n"
        for record in state.checks.values():
            yield _row(state, record)

    def _paragraph(self, state: State, record: CheckRecord) -> str:
        planned, settled = record.planned, record.settled
        word = shown_status(record)
        reason = _prose(reason_of(state, record))
        parts = [f"\n### {_MARKS.get(word, '')} {_code(planned.id)} {word}: {reason}\n"]
        parts.append(_fence(sanitise(planned.run, multiline=True).strip(), "sh"))
        found = result_lines(record)
        if found:
            parts.append(_fence("\n".join(found), "text"))
        lines = lines_besides(record, settled) if settled else []
        if lines:
            parts.append(_fence("\n".join(lines), "text"))
        facts = list(fact_lines(record))
        if facts:
            parts.append(_fence("\n".join(facts), "text"))
        for section in advice_of(state, record).sections():
            label = section.label.capitalize()
            if section.label == "suggestion":
                parts.append(f"{label}: {'<br>'.join(map(_prose, section.text.splitlines()))}\n")
                continue
            text = sanitise(section.text, multiline=True).strip()
            parts.append(f"{label}:\n\n" + _fence(text, "sh" if section.is_command else "text"))
        path = output_path(record, self._options.run_folder)
        if path:
            parts.append(f"Output: {_code(path)}\n")
        return "\n".join(parts)


def _row(state: State, record: CheckRecord) -> str:
    word = shown_status(record)
    took = duration(duration_ns(record, state.last_t)) if record.first_started_t is not None else ""
    why = _prose(with_remarks(shorten(reason_of(state, record), 300), record))
    return f"| {_MARKS.get(word, '')} | {_code(record.planned.id)} | {word} | {took} | {why} |\n"


def _prose(text: str) -> str:
    """Foreign words inside a sentence: nothing in them is Markdown, HTML or a mention."""
    marked = "".join(f"&#{ord(c)};" if c in _SPECIAL else c for c in sanitise(text))
    return marked.replace("://", "&#58;//")


def _code(text: str) -> str:
    return f"<code>{_prose(text)}</code>"


def _fence(text: str, language: str) -> str:
    longest = max((len(run) for run in findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"
