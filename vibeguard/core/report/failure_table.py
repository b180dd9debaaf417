"""What failed, a line for each: the end of a run whose failures have scrolled away."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED
from vibeguard.core.report.brief import place_text
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.times import duration_ns
from vibeguard.core.wording.layout import cells, cut
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration

# One failure stands right above; in fewer columns a row says nothing.
FEWEST = 2
NARROWEST = 40
MOST_ROWS = 20
WIDEST_NAME = 32
_ROOM = 1 << 20  # the row is cut to the columns, not what it says


def failure_table(state: State, columns: int, style: Style) -> list[str]:
    """Word, check, time, and the first place and message, of all that failed; warnings last.

    Nothing before the end and where that is less than two checks; `columns` 0 means no limit.
    """
    records = [r for r in state.checks.values() if r.outcome in UNPASSED]
    records.sort(key=lambda record: shown_status(record) == "warned")
    if state.finished is None or len(records) < FEWEST or 0 < columns < NARROWEST:
        return []
    shown = records[:MOST_ROWS]
    rows = [_row(state, record) for record in shown]
    widths = [max(cells(row[n]) for row in rows) for n in range(3)]
    lines = []
    for record, (word, name, took, said) in zip(shown, rows, strict=True):
        padded = [name + " " * (widths[1] - cells(name)), took.rjust(widths[2]), said]
        rest = "  ".join(padded).rstrip()
        room = columns - 1 - 2 - widths[0] - 2
        rest = cut(rest, room) if columns else rest
        lines.append(f"  {style.status(word.ljust(widths[0]), shown_status(record))}  {rest}")
    if len(records) > len(shown):
        lines.append(f"  and {len(records) - len(shown)} more")
    return lines


def _row(state: State, record: CheckRecord) -> tuple[str, str, str, str]:
    name = cut(sanitise(record.planned.id), WIDEST_NAME)
    took = duration(duration_ns(state, record))
    said = sanitise(place_text(record, _ROOM) or reason_of(state, record))
    return shown_status(record), name, took, said
