"""One HTML file with a timeline: no script, no request, nothing that foreign text could break.

Its Content-Security-Policy allows inline style and nothing else.
"""

from collections.abc import Iterator
from html import escape

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
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>
:root{{color-scheme:light dark;--line:#8884;--soft:#8882}}
:root{{--good:#1f7a30;--mild:#8a5d00;--bad:#c0281f}}
@media(prefers-color-scheme:dark){{:root{{--good:#5cc46e;--mild:#e0a93b;--bad:#ff7b72}}}}
body{{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}}
body{{overflow-wrap:anywhere}} h1{{font-size:1.3rem}} dl{{margin:.3rem 0}} dd{{margin:0}}
table{{border-collapse:collapse;width:100%;table-layout:fixed}} th.result,th.time{{width:5rem}}
td,th{{padding:.2rem .5rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}}
pre{{background:var(--soft);padding:.6rem;white-space:pre-wrap;margin:.3rem 0}}
svg{{display:block;width:100%;height:.9rem;background:var(--soft)}}
th.time,.time{{text-align:right;white-space:nowrap}} .line{{width:26%}} th:first-child{{width:20%}}
.passed{{color:var(--good);fill:var(--good)}}
.failed,.timeout,.error{{color:var(--bad);fill:var(--bad)}}
.warned,.skipped,.cancelled{{color:var(--mild);fill:var(--mild)}}
rect{{fill:#7a7a7a}} .wait{{opacity:.3}}
@media(max-width:48rem){{table,tbody{{display:block}} thead,td:empty{{display:none}}
tr{{display:grid;grid-template-columns:minmax(0,1fr) auto auto;border-bottom:1px solid var(--line)}}
td{{border:0}} td:nth-child(n+4){{grid-column:1/-1;width:auto}}}}
</style></head><body>
"""
_COLUMNS = (
    "<tr><th>check</th><th class='result'>result</th><th class='time'>time</th>"
    "<th class='line'>when</th><th>why</th></tr>\n"
)


class HtmlFormat:
    """A page at the end: summary, then a row for each check, details of those that did not pass."""

    stream = Stream.MACHINE
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._run_folder = options.run_folder

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet."""
        del state, event
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The page."""
        return "".join(self._page(state, ending or Ending()))

    def _page(self, state: State, ending: Ending) -> Iterator[str]:
        run = _text(state.started.run_id) if state.started else ""
        started = _text(state.started.wall_time) if state.started else ""
        yield _HEAD.format(title=f"VibeGuard {run}")
        yield f"<h1>VibeGuard</h1><p>Run {run}, {started}</p>\n"
        for line in reversed(summary(state, ending, Style())):
            yield f"<p>{_text(line)}</p>\n"
        if state.planned is not None:
            for note in state.planned.notes:
                yield f"<p>note: {_text(note)}</p>\n"
        yield f"<table><thead>{_COLUMNS}</thead><tbody>\n"
        length = max(state.last_t, 1)
        for record in state.checks.values():
            yield self._row(state, record, length)
        yield "</tbody></table></body></html>\n"

    def _row(self, state: State, record: CheckRecord, length: int) -> str:
        word = shown_status(record)
        started = record.first_started_t is not None
        took = duration(duration_ns(record, state.last_t)) if started else ""
        pool = f" title='{record.planned.pool.value}'"
        return (
            f"<tr><td{pool}>{_text(record.planned.id)}</td><td class='{word}'>{word}</td>"
            f"<td class='time'>{took}</td><td class='line'>{_bar(record, state, length, word)}</td>"
            f"<td>{_text(with_remarks(reason_of(state, record), record))}"
            f"{self._details(state, record)}</td></tr>\n"
        )

    def _details(self, state: State, record: CheckRecord) -> str:
        if record.settled is None or (
            record.outcome is Outcome.PASSED and not record.settled.leaked
        ):
            return ""
        parts = [
            ("command", record.planned.run),
            ("results", "\n".join(result_lines(record))),
            ("output", "\n".join(lines_besides(record, record.settled))),
            ("facts", "\n".join(fact_lines(record))),
        ]
        advice = advice_of(state, record)
        parts += [(section.label, section.text) for section in advice.sections()]
        parts.append(("full output", output_path(record, self._run_folder)))
        shown = "".join(f"<dt>{name}</dt><dd><pre>{_block(t)}</pre></dd>" for name, t in parts if t)
        return f"<details><summary>details</summary><dl>{shown}</dl></details>"


def _bar(record: CheckRecord, state: State, length: int, word: str) -> str:
    """When the check waited, and when it ran, as parts of the whole run."""
    start = record.first_started_t
    if start is None:
        return ""
    end = record.settled_t if record.settled_t is not None else state.last_t
    ready = record.ready_t if record.ready_t is not None else start
    wait = f"<rect class='wait' x='{_x(ready, length)}' width='{_x(start - ready, length)}'"
    ran = f"<rect class='{word}' x='{_x(start, length)}' width='{_x(max(end - start, 1), length)}'"
    rest = " y='0' height='10'/>"
    return f"<svg viewBox='0 0 1000 10' preserveAspectRatio='none'>{wait}{rest}{ran}{rest}</svg>"


def _x(ns: int, length: int) -> str:
    return f"{ns * 1000 / length:.2f}"


def _text(text: str) -> str:
    return escape(sanitise(text))


def _block(text: str) -> str:
    return escape(sanitise(text, multiline=True).strip())
