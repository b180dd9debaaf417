"""Markdown for pull requests and for the step summary of GitHub Actions, below its limit of 1 MiB.

Untrusted text stands in HTML-escaped code, or in a fence longer than any run of backticks in it: it
can neither mark up nor mention anybody.
"""

from re import findall, sub

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.conclusion import output_path
from vibeguard.core.report.failure import fact_lines, lines_besides, with_remarks
from vibeguard.core.report.reasons import reason_of, shown_status, took
from vibeguard.core.report.results import result_lines
from vibeguard.core.report.summary import summary
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import plural

MAX_BYTES = 900_000
_TABLE = "\n| | check | result | time | why |\n|---|---|---|---:|---|\n"
_MARKS = {"passed": "✅", "failed": "❌", "timeout": "❌", "error": "❌", "warned": "⚠️"}
_SPECIAL = frozenset("\\`*_[]|~@#$&<>")


class MarkdownFormat(Format):
    """Summary, paragraphs of what did not pass, a table of all checks."""

    exact = False

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """Summary, paragraphs and table: of what would be too long together, what fits.

        The rows of what did not pass come first, then its paragraphs, then the other rows: as many
        names of failures as can be, before any of them is told in full.
        """
        records = list(state.checks.values())
        unpassed = [record for record in records if record.outcome in UNPASSED]
        others = [record for record in records if record.outcome not in UNPASSED]
        room = _Room(MAX_BYTES)
        lines = summary(state, ending, Style(), self.options.run_folder)
        said = [block for line in lines if (block := room.for_block(f"{_prose(line)}\n\n"))]
        rows = _rows(state, unpassed, room)
        told = [block for one in unpassed if (block := room.for_block(self._paragraph(state, one)))]
        rows |= _rows(state, others, room)
        table = [rows[id_] for id_ in state.checks if id_ in rows]
        return "".join(("## VibeGuard\n\n", *said, *told, _TABLE, *table, room.left_out()))

    def _paragraph(self, state: State, record: CheckRecord) -> str:
        """All that there is to say of one check that did not pass."""
        planned = record.planned
        word = shown_status(record)
        reason = _prose(reason_of(state, record))
        parts = [f"\n### {_MARKS.get(word, '')} {_code(planned.id)} {word}: {reason}\n"]
        parts.append(_fence(sanitise(shown_command(planned), multiline=True).strip(), "sh"))
        told = map("\n".join, (result_lines(record), lines_besides(record), fact_lines(record)))
        parts.extend(_fence(text, "text") for text in told if text)
        for section in advice_of(state, record).sections():
            label = section.label.capitalize()
            if section.label == "suggestion":
                parts.append(f"{label}: {'<br>'.join(map(_prose, section.text.splitlines()))}\n")
                continue
            text = sanitise(section.text, multiline=True).strip()
            parts.append(f"{label}:\n\n" + _fence(text, "sh" if section.is_command else "text"))
        prompts = shown_prompts(record)
        texts = (sanitise(prompt.content, multiline=True).strip() for prompt in prompts)
        parts.extend("Prompt:\n\n" + _fence(text, "text") for text in texts)
        path = output_path(record, self.options.run_folder)
        if path:
            parts.append(f"Output: {_code(path)}\n")
        return "\n".join(parts)


class _Room:
    """So many bytes for blocks, and how many blocks have not found room."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._dropped = 0

    def for_block(self, block: str) -> str:
        """The block, or nothing where it is too long for what is left."""
        size = len(block.encode())
        if size > self._left:
            self._dropped += 1
            return ""
        self._left -= size
        return block

    def left_out(self) -> str:
        """What is said about the blocks without room."""
        if not self._dropped:
            return ""
        return f"\n{plural(self._dropped, 'more row or paragraph', 'more rows and paragraphs')}.\n"


def _rows(state: State, records: list[CheckRecord], room: _Room) -> dict[str, str]:
    """The rows of these checks that find room, by id."""
    rows = {record.planned.id: room.for_block(_row(state, record)) for record in records}
    return {id_: row for id_, row in rows.items() if row}


def _row(state: State, record: CheckRecord) -> str:
    word = shown_status(record)
    why = _prose(with_remarks(shorten(reason_of(state, record), 300), record))
    name, time = _code(record.planned.id), took(state, record)
    return f"| {_MARKS.get(word, '')} | {name} | {word} | {time} | {why} |\n"


def _prose(text: str) -> str:
    """Untrusted words inside a sentence: nothing in them is Markdown, HTML, a mention or a link."""
    # Services look for mentions (@) and issues (#) in what is rendered: entities hide neither from
    # them, and a comment behind it does.
    return sub(r"(&#(?:64|35);)(?=\w)", r"\1<!-- -->", _escaped(text))


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    marked = "".join(f"&#{ord(c)};" if c in _SPECIAL else c for c in sanitise(text))
    return marked.replace("://", "&#58;//").replace("www.", "www&#46;")


def _fence(text: str, language: str) -> str:
    longest = max((len(run) for run in findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"
