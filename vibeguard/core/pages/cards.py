"""A check that did not pass, in full: what it found and where, its output, what to do."""

from collections.abc import Iterator

from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.pages.frame import block, text
from vibeguard.core.pages.places import Places, Setting
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.comparing import standing
from vibeguard.core.report.conclusion import output_path
from vibeguard.core.report.failure import fact_lines, lines_besides, with_remarks
from vibeguard.core.report.reasons import placed, reason_of, shown_status, took
from vibeguard.core.report.results import (
    MOST_LINES,
    place_of,
    result_line,
    result_lines,
    shown_results,
)

MOST_CARDS = 200  # a page of ten thousand of them is slow and tells nobody more
_MOST_OPEN = 50
RESULTS, OUTPUT = "results", "output"


def card(
    state: State,
    number: int,
    record: CheckRecord,
    position: int,
    setting: Setting,
) -> str:
    """The check as an item of a list. `number` is its place in the plan, `position` on the page."""
    word = shown_status(record)
    before = setting.former.checks.get(record.planned.id) if setting.former else None
    stands = standing(record, before)
    since = f'<span class="stands">{text(stands)}</span>' if stands else ""
    return (
        f'<li class="check {word}" id="c{number}"><details{" open" * (position < _MOST_OPEN)}>'
        f'<summary><span class="word">{word}</span>'
        f'<span class="name">{text(record.planned.id)}{since}</span>'
        f'<span class="why">{text(with_remarks(reason_of(state, record), record))}</span>'
        f'<span class="time">{took(state, record)}</span></summary>'
        f"<dl>{''.join(_sections(state, record, setting))}</dl></details></li>\n"
    )


def _sections(state: State, record: CheckRecord, setting: Setting) -> Iterator[str]:
    for label, content in details(state, record, setting.run_folder):
        shown = block(content)
        if label == RESULTS:
            inside = f'<ul class="results">{"".join(_results(record, setting.places))}</ul>'
        elif label == OUTPUT or "\n" in shown:
            inside = f"<pre>{shown}</pre>"
        else:
            inside = f"<code>{shown}</code>"
        yield f"<div><dt>{label}</dt><dd>{inside}</dd></div>"


def _results(record: CheckRecord, places: Places) -> Iterator[str]:
    results = shown_results(record)[:MOST_LINES]
    for result in results:
        yield f"<li>{_linked(result, places)}</li>"
    for line in result_lines(record)[len(results) :]:
        yield f'<li class="quiet">{text(line)}</li>'


def _linked(result: Result, places: Places) -> str:
    """`src/app.py:3:8: message`, the place being a link where the reader has said to what."""
    line, place = text(result_line(result)), text(place_of(result))
    if not place or not line.startswith(place):
        return line
    editor, forge = places.in_editor(result), places.on_forge(result)
    shown = f"<b>{place}</b>"
    if editor or forge:
        shown = f'<a href="{text(editor or forge)}" rel="noopener noreferrer">{place}</a>'
    more = ""
    if editor and forge:
        label = f'rel="noopener noreferrer" aria-label="{place} on the forge"'
        more = f' <a class="forge" href="{text(forge)}" {label}>forge</a>'
    return shown + line[len(place) :] + more


def details(state: State, record: CheckRecord, run_folder: str) -> Iterator[tuple[str, str]]:
    """Label and text of everything there is, untrusted text not yet harmless."""
    return ((label, text) for label, text in _details(state, record, run_folder) if text)


def _details(state: State, record: CheckRecord, run_folder: str) -> Iterator[tuple[str, str]]:
    planned, settled = record.planned, record.settled
    if settled is not None and record.outcome is not Outcome.PASSED:
        yield RESULTS, "\n".join(result_lines(record))
        yield OUTPUT, "\n".join(lines_besides(record))
        yield "facts", "\n".join(fact_lines(record))
        for section in advice_of(state, record).sections():
            yield section.label, section.text
    elif settled is not None and settled.leaked:
        yield "facts", "\n".join(fact_lines(record))
    for prompt in shown_prompts(record):
        yield "prompt", prompt.content.strip()
    yield "worker", placed(record)
    yield "command", shown_command(planned)
    yield "requires", ", ".join(requirement.check for requirement in planned.requires)
    yield "tags", ", ".join(planned.tags)
    yield "full output", output_path(record, run_folder)
