"""One HTML file that needs nothing else: a list, whole without a script, and a picture of the run.

Foreign text is escaped where it is markup and is data where the script reads it. The policy of the
page lets run only the style and the script whose hashes it names, and lets nothing be fetched.
"""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from posixpath import basename

from msgspec import Struct

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event, RunStarted
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome, Pool
from vibeguard.core.report.advice import advice_of
from vibeguard.core.report.authored import shown_command
from vibeguard.core.report.build import exit_code_of, output_path, verdict_event
from vibeguard.core.report.critical_path import critical_path, path_sentence
from vibeguard.core.report.encode import encode_json
from vibeguard.core.report.failure import fact_lines, lines_besides, with_remarks
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.rerun import rerun_command
from vibeguard.core.report.results import result_lines
from vibeguard.core.report.savings import duration_ns
from vibeguard.core.report.summary import summary
from vibeguard.core.report.timeline import Timeline
from vibeguard.core.report.workers import placed
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration

_UNPASSED = ("failed", "timeout", "error", "warned")  # in the order in which they are shown
_MOST_OPEN = 100  # a page that unfolds ten thousand failures is slow and tells nobody more
_MOST_RERUN = 20
POOLS = (Pool.FOREGROUND, Pool.BACKGROUND, Pool.WORKERS)  # as the page shows them, from the top


class PageSpan(Struct, array_like=True):
    """An attempt of a check: slot, start, end, when it was told to end; nanoseconds."""

    slot: int
    start: int
    end: int
    cut: int | None


class PageCheck(Struct, omit_defaults=True):
    """What the script knows of a check beside its row; `needs` are places in the list of checks.

    `pool` is the place of its pool in `POOLS`.
    """

    id: str
    word: str
    ns: int = 0
    pool: int = 0
    tags: tuple[str, ...] = ()
    needs: tuple[int, ...] = ()
    ready: int | None = None
    spans: list[PageSpan] = []


class PageData(Struct):
    """The JSON block of the page. Times are nanoseconds of the run; `slots` as `POOLS`."""

    length: int
    foreground: int | None
    slots: tuple[int, ...]
    path: tuple[int, ...]
    checks: list[PageCheck]


class HtmlFormat:
    """A page at the end: the run, what did not pass, when everything ran, all the rest."""

    stream = Stream.MACHINE
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._timeline = Timeline()

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet, but the timeline grows."""
        del state
        self._timeline.feed(event)
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The page."""
        return "".join(self._page(state, ending or Ending()))

    def _page(self, state: State, ending: Ending) -> Iterator[str]:
        style, script = self._options.asset("page.css"), self._options.asset("page.js")
        project = _project(state.started)
        yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        yield (
            '<meta http-equiv="Content-Security-Policy" content="'
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'\">\n"
        )
        yield '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        yield f"<title>{_verdict(state, ending)}: {project}</title>\n"
        yield f"<style>{style}</style></head><body>\n"
        yield from self._header(state, ending, project)
        yield from self._lists(state)
        data = encode_json(_data(state, self._timeline))
        yield f'<script type="application/json" id="data">{_inside_script(data)}</script>\n'
        yield f"<script>{script}</script></body></html>\n"

    def _header(self, state: State, ending: Ending, project: str) -> Iterator[str]:
        verdict = _verdict(state, ending)
        badge = f'<span class="badge {verdict}">{verdict}</span>'
        yield f"<header><h1>{project} {badge}</h1>\n"
        for line in reversed(summary(state, ending, Style(), self._options.run_folder)):
            yield f"<p>{_text(line)}</p>\n"
        facts = "".join(
            f"<div{wide}><dt>{name}</dt><dd>{'<code>' * bool(wide)}{_text(value)}"
            f"{'</code>' * bool(wide)}</dd></div>"
            for name, value, wide in _facts(state, ending, self._options.program)
            if value
        )
        yield f'<dl class="facts">{facts}</dl>\n'
        for note in state.planned.notes if state.planned is not None else ():
            yield f'<p class="note">note: {_text(note)}</p>\n'
        yield "</header>\n"

    def _lists(self, state: State) -> Iterator[str]:
        words = [shown_status(record) for record in state.checks.values()]
        records = list(state.checks.values())
        failures = [n for word in _UNPASSED for n, each in enumerate(words) if each == word]
        others = [n for n, word in enumerate(words) if word not in _UNPASSED]
        yield "<main>\n"
        if failures:
            yield '<section class="failures"><h2>Did not pass</h2><ul class="checks">\n'
            for position, n in enumerate(failures):
                yield self._row(state, records[n], n, is_open=position < _MOST_OPEN)
            yield "</ul></section>\n"
        yield '<section id="timeline" hidden><h2>Timeline</h2></section>\n'
        title = "Everything else" if failures else "Checks"
        if others:
            yield f'<section class="others"><h2>{title}</h2><ul class="checks">\n'
            for n in others:
                yield self._row(state, records[n], n, is_open=False)
            yield "</ul></section>\n"
        elif not failures:
            yield f"<h2>{title}</h2><p>There are no checks in this run.</p>\n"
        yield "</main>\n"

    def _row(self, state: State, record: CheckRecord, number: int, *, is_open: bool) -> str:
        word = shown_status(record)
        started = record.first_started_t is not None
        took = duration(duration_ns(record, state.last_t)) if started else ""
        why = _text(with_remarks(reason_of(state, record), record))
        shown = "".join(
            f"<dt>{name}</dt><dd><pre>{_block(text)}</pre></dd>"
            for name, text in self._details(state, record)
            if text
        )
        return (
            f'<li class="check {word}" id="c{number}"><details{" open" * is_open}><summary>'
            f'<span class="word {word}">{word}</span>'
            f'<span class="name">{_text(record.planned.id)}</span>'
            f'<span class="why">{why}</span><span class="time">{took}</span></summary>'
            f'<dl class="more">{shown}</dl></details></li>\n'
        )

    def _details(self, state: State, record: CheckRecord) -> Iterator[tuple[str, str]]:
        planned, settled = record.planned, record.settled
        if settled is not None and record.outcome is not Outcome.PASSED:
            yield "results", "\n".join(result_lines(record))
            yield "output", "\n".join(lines_besides(record, settled))
            yield "facts", "\n".join(fact_lines(record))
            for section in advice_of(state, record).sections():
                yield section.label, section.text
        elif settled is not None and settled.leaked:
            yield "facts", "\n".join(fact_lines(record))
        yield "worker", placed(record)
        yield "command", shown_command(planned)
        yield "requires", ", ".join(requirement.check for requirement in planned.requires)
        yield "tags", ", ".join(planned.tags)
        yield "full output", output_path(record, self._options.run_folder)


def _facts(state: State, ending: Ending, program: str) -> Iterator[tuple[str, str, str]]:
    """What the header says beside the verdict: name, value, and an attribute for a long one."""
    started = state.started
    if started is None:
        return
    wide = ' class="wide"'
    vcs = started.vcs
    if vcs is not None and vcs.head:
        yield "commit", vcs.head[:12] + (" (dirty)" if vcs.dirty else ""), ""
    yield "started", started.wall_time[:19].replace("T", " ") + " UTC", ""
    elapsed = state.last_t if ending.elapsed_ns is None else ending.elapsed_ns
    yield "took", duration(elapsed), ""
    yield "exit code", str(int(exit_code_of(state, ending))), ""
    yield "run", started.run_id, ""
    yield "critical path", path_sentence(state), ""
    failed = [c for c, r in state.checks.items() if shown_status(r) in _UNPASSED]
    again = failed if len(failed) <= _MOST_RERUN else ["--failed", started.run_id]
    yield "run again", rerun_command(state, again, program), wide


def _data(state: State, timeline: Timeline) -> PageData:
    places = {check: number for number, check in enumerate(state.checks)}
    checks = [_check(state, record, places) for record in state.checks.values()]
    for span in timeline.spans:
        end = state.last_t if span.end_t is None else span.end_t
        checks[places[span.check]].spans.append(PageSpan(span.slot, span.start_t, end, span.cut_t))
    return PageData(
        length=max(state.last_t, 1),
        foreground=state.foreground_settled_t,
        slots=tuple(timeline.slots[pool] for pool in POOLS),
        path=tuple(places[check] for check in critical_path(state).checks),
        checks=checks,
    )


def _check(state: State, record: CheckRecord, places: dict[str, int]) -> PageCheck:
    planned = record.planned
    return PageCheck(
        id=sanitise(planned.id),
        word=shown_status(record),
        ns=duration_ns(record, state.last_t),
        pool=POOLS.index(planned.pool),
        tags=tuple(map(sanitise, planned.tags)),
        needs=tuple(places[each.check] for each in planned.requires if each.check in places),
        ready=record.ready_t,
        spans=[],
    )


def _project(started: RunStarted | None) -> str:
    return _text(basename(started.cwd.rstrip("/"))) if started else ""


def _verdict(state: State, ending: Ending) -> str:
    finished = verdict_event(state, ending)
    if finished is not None:
        return finished.verdict.value
    return ending.log_status.value if ending.log_status is not None else "pending"


def _hash(text: str) -> str:
    """The name by which a policy allows an inline style or script."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _inside_script(json: str) -> str:
    """No character in it can end the block or begin a comment; the value stays the same."""
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _text(text: str) -> str:
    return escape(sanitise(text))


def _block(text: str) -> str:
    return escape(sanitise(text, multiline=True).strip())
