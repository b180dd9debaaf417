"""The page of one run: verdict, what did not pass, when everything ran, all the rest.

Without a script it is a list that is whole. With one, that list is drawn where it is looked at.
"""

from collections.abc import Iterator
from posixpath import basename

from vibeguard.core.model.events import RunStarted
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Verdict
from vibeguard.core.pages.cards import MOST_CARDS, card
from vibeguard.core.pages.frame import command, document, heading, text
from vibeguard.core.pages.places import Setting
from vibeguard.core.pages.run_data import run_data
from vibeguard.core.report.comparing import MOST_LINES, compare, kinds_of
from vibeguard.core.report.conclusion import Ending, about, exit_code_of, verdict_event
from vibeguard.core.report.critical_path import path_sentence
from vibeguard.core.report.failure import with_remarks
from vibeguard.core.report.reasons import reason_of, shown_status, took
from vibeguard.core.report.rerun import rerun_command
from vibeguard.core.report.summary import background, summary, verdict_line
from vibeguard.core.report.timeline import Timeline
from vibeguard.core.wording.sentences import cancelled_because
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration

_UNPASSED = ("failed", "timeout", "error", "warned")  # in the order in which they are shown
_LATER = ("cancelled", "skipped", "running", "queued", "backoff", "ready", "pending", "passed")
_MOST_COMMAND = 80  # characters; a longer one names the run


def run_page(state: State, ending: Ending, timeline: Timeline, setting: Setting) -> Iterator[str]:
    """The parts of the page."""
    order = _order(state)
    unpassed = [n for n, word in order if word in _UNPASSED]
    cards = unpassed[:MOST_CARDS]
    shown = set(cards)
    return document(
        f"{_verdict(state, ending)}: {_project(state.started)}",
        _body(state, ending, setting, cards, [n for n, _ in order if n not in shown]),
        style=setting.style,
        script=setting.script,
        data=run_data(state, timeline, shown, setting.run_folder),
    )


def _order(state: State) -> list[tuple[int, str]]:
    """Number and word of every check: the worst words first, then as planned."""
    ranks = {word: rank for rank, word in enumerate((*_UNPASSED, *_LATER))}
    words = enumerate(map(shown_status, state.checks.values()))
    return sorted(words, key=lambda each: (ranks[each[1]], each[0]))


def _body(
    state: State, ending: Ending, setting: Setting, cards: list[int], rest: list[int]
) -> Iterator[str]:
    yield from _header(state, ending)
    yield '<main id="main">\n'
    records = list(state.checks.values())
    if cards:
        yield '<section id="failures"><h2>Did not pass</h2><ul class="cards">\n'
        for position, n in enumerate(cards):
            yield card(state, n, records[n], position, setting)
        yield "</ul></section>\n"
    if setting.former is not None:
        yield from _comparison(state, setting.former)
    yield from _notes(state, ending, setting.run_folder)
    path = path_sentence(state)
    said = f'<p class="path"><span class="label">critical path</span> {text(path)}</p>' * bool(path)
    yield f'<section id="timeline"><h2>Timeline</h2>{said}</section>\n' if path else ""
    if rest:
        yield f'<section id="rest"><h2>{"Everything else" if cards else "Checks"}</h2>\n'
        lines = "".join(_line(state, records[n]) for n in rest)
        yield f'<ul class="plain">{lines}</ul></section>\n'
    elif not cards:
        yield '<section><h2>Checks</h2><p class="quiet">There are no checks in this run.</p>'
        yield "</section>\n"
    yield "</main>\n"


def _header(state: State, ending: Ending) -> Iterator[str]:
    verdict = _verdict(state, ending)
    yield f'<header><p class="project">{_project(state.started)}</p>\n'
    yield heading(verdict)
    for line in filter(None, _said(state, ending)):
        yield f'<p class="said">{text(line)}</p>\n'
    facts = (f"<li>{text(fact)}</li>" for fact in _facts(state, ending) if fact)
    yield f'<ul class="facts">{"".join(facts)}</ul>\n'
    if state.started is not None:
        failed = [c for c, r in state.checks.items() if shown_status(r) in _UNPASSED]
        again = rerun_command(state, failed)
        if len(again) > _MOST_COMMAND:
            again = rerun_command(state, ["--failed", state.started.run_id])
        yield command(again, "run again")
    counts: dict[str, int] = {}
    for _, word in _order(state):
        counts[word] = counts.get(word, 0) + 1
    tally = (f'<li class="{word}"><b>{n}</b> {word}</li>' for word, n in counts.items())
    yield f'<ul class="tally">{"".join(tally)}</ul>\n' if counts else ""
    yield "</header>\n"


def _said(state: State, ending: Ending) -> Iterator[str]:
    """What the verdict rests on; counts and times stand beside it."""
    finished = verdict_event(state, ending)
    if finished is None:
        yield verdict_line(state, ending, Style())
    else:
        cancel = state.cancel
        cancelled = finished.verdict is Verdict.CANCELLED and cancel is not None
        because = cancelled_because(cancel.reason, cancel.by) if cancelled and cancel else ""
        parts = (because, finished.reason, background(state)[2:], about(state)[2:])
        yield "; ".join(part for part in parts if part)
    yield ending.problem
    yield ending.hint


def _notes(state: State, ending: Ending, run_folder: str) -> Iterator[str]:
    """What a reader might otherwise miss, one to a line."""
    told = {ending.problem, ending.hint, *_said(state, ending)}
    lines = [*summary(state, ending, Style(), run_folder)]
    lines += [f"note: {note}" for note in (state.planned.notes if state.planned else ())]
    notes = [f"<li>{text(line)}</li>" for line in lines if line not in told]
    if notes:
        yield '<section id="notes"><h2>In words</h2>\n'
        yield f'<ul class="notes">{"".join(notes[:MOST_LINES])}</ul>\n'
        more = notes[MOST_LINES:]
        if more:
            yield f"<details><summary>{len(more)} more</summary><ul>{''.join(more)}</ul></details>"
        yield "</section>\n"


def _facts(state: State, ending: Ending) -> Iterator[str]:
    """Where and when, in the order in which people ask."""
    started = state.started
    if started is None:
        return
    vcs = started.vcs
    if vcs is not None:
        yield vcs.branch
        yield vcs.head[:12] + (" (dirty)" if vcs.dirty else "") if vcs.head else ""
    yield started.wall_time[:16].replace("T", " ") + " UTC"
    elapsed = state.last_t if ending.elapsed_ns is None else ending.elapsed_ns
    yield f"took {duration(elapsed)}"
    yield f"exit code {int(exit_code_of(state, ending))}"
    yield f"run {started.run_id}"


def _comparison(state: State, former: State) -> Iterator[str]:
    yield f'<section id="changes"><h2>Since run {text(former.run_id)}</h2>\n'
    kinds = [(name, changes) for name, changes in kinds_of(compare(state, former)) if changes]
    if not kinds:
        yield '<p class="quiet">Nothing has changed.</p>'
    for name, changes in kinds:
        lines = "".join(f"<li>{text(one.message)}</li>" for one in changes[:MOST_LINES])
        more = len(changes) - MOST_LINES
        lines += f'<li class="quiet">and {more} more</li>' if more > 0 else ""
        yield f'<h3 class="{name.split()[0]}">{len(changes)} {name}</h3><ul>{lines}</ul>\n'
    yield "</section>\n"


def _line(state: State, record: CheckRecord) -> str:
    """A check in one line: what is read where no script runs."""
    why = with_remarks(reason_of(state, record), record)
    name = f"{record.planned.id}: {shown_status(record)}"
    return f"<li>{text(', '.join(filter(None, (name, why, took(state, record)))))}</li>\n"


def _project(started: RunStarted | None) -> str:
    return text(basename(started.cwd.rstrip("/"))) if started else ""


def _verdict(state: State, ending: Ending) -> str:
    finished = verdict_event(state, ending)
    if finished is not None:
        return finished.verdict.value
    return ending.log_status.value if ending.log_status is not None else "pending"
