"""What the script of a run's page knows: one block of JSON, small, for a run may have many checks.

Times are whole microseconds of the run.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Pool
from vibeguard.core.pages.cards import details
from vibeguard.core.report.critical_path import critical_path
from vibeguard.core.report.failure import with_remarks
from vibeguard.core.report.reasons import duration_ns, reason_of, shown_status
from vibeguard.core.report.safe_json import encode_json
from vibeguard.core.report.timeline import Timeline
from vibeguard.core.wording.sanitise import sanitise

POOLS = (Pool.FOREGROUND, Pool.BACKGROUND, Pool.WORKERS)  # as the page shows them, from the top
_MICROSECOND_NS = 1000


class PageSpan(Struct, array_like=True):
    """An attempt of a check: slot, start, end, when it was told to end."""

    slot: int
    start: int
    end: int
    cut: int | None


class PageCheck(Struct, array_like=True):
    """One check. `word` and `tags` are places in the page's lists, `needs` in that of checks.

    `pool` is the place of its pool in `POOLS`. `took` is how long it ran, None if it never did.
    `more` is label and text of what is shown once the row is opened; the check's card, if it has
    one, has that already.
    """

    id: str
    word: int
    took: int | None
    why: str
    pool: int
    tags: list[int]
    needs: list[int]
    ready: int | None
    spans: list[PageSpan]
    more: list[tuple[str, str]]


class PageData(Struct):
    """The block. `folder` is put before every path under `full output`; `slots` are as `POOLS`."""

    length: int
    foreground: int | None
    slots: tuple[int, ...]
    path: tuple[int, ...]
    folder: str
    words: list[str]
    tags: list[str]
    checks: list[PageCheck]


def run_data(state: State, timeline: Timeline, cards: Collection[int], run_folder: str) -> str:
    """The block as JSON. `cards` are the numbers of the checks that the page shows in full."""
    places = _numbered(state.checks)
    words = _numbered(map(shown_status, state.checks.values()))
    tags = _numbered(tag for r in state.checks.values() for tag in r.planned.tags)
    checks = [
        PageCheck(
            id=sanitise(record.planned.id),
            word=words[shown_status(record)],
            took=_us(duration_ns(state, record)) if record.first_started_t is not None else None,
            why=sanitise(with_remarks(reason_of(state, record), record)),
            pool=POOLS.index(record.planned.pool),
            tags=[tags[tag] for tag in record.planned.tags],
            needs=[places[one.check] for one in record.planned.requires],
            ready=None if record.ready_t is None else _us(record.ready_t),
            spans=[],
            more=[] if number in cards else _more(state, record),
        )
        for number, record in enumerate(state.checks.values())
    ]
    for span in timeline.spans:
        end = state.last_t if span.end_t is None else span.end_t
        cut = None if span.cut_t is None else _us(span.cut_t)
        spans = checks[places[span.check]].spans
        spans.append(PageSpan(span.slot, _us(span.start_t), _us(end), cut))
    data = PageData(
        length=max(_us(state.last_t), 1),
        foreground=None if (t := state.foreground_settled_t) is None else _us(t),
        slots=tuple(timeline.slots[pool] for pool in POOLS),
        path=tuple(places[check] for check in critical_path(state)),
        folder=sanitise(f"{run_folder}/" if run_folder else ""),
        words=list(words),
        tags=[sanitise(tag) for tag in tags],
        checks=checks,
    )
    return encode_json(data)


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    """Each text once, by its place among them."""
    return {text: number for number, text in enumerate(dict.fromkeys(texts))}


def _more(state: State, record: CheckRecord) -> list[tuple[str, str]]:
    return [(label, sanitise(t, multiline=True)) for label, t in details(state, record, "")]


def _us(ns: int) -> int:
    return ns // _MICROSECOND_NS
