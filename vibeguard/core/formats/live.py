"""Live progress on a terminal: rows that are drawn over again, permanent lines above them.

Every returned string is one whole update, to be written at once: the terminal shows it as one step
where it knows synchronized updates. The caller asks for `frame` as often as it likes to redraw,
and tells new sizes by `resize`. Nothing is drawn above the rows, so what has scrolled away stays.
"""

from collections.abc import Mapping

from msgspec import Struct

from vibeguard.core.formats.base import NOTHING_MORE, Ending, FormatOptions, ProseFormat
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool
from vibeguard.core.report.reasons import awaited, worker_of
from vibeguard.core.report.tally import counted, not_passed, passed
from vibeguard.core.wording.layout import cells, cut
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration

BEGIN = "\x1b[?2026h"
END = "\x1b[?2026l"
HIDE_CURSOR = "\x1b[?25l"
SHOW_CURSOR = "\x1b[?25h"
UP = "\x1b[A"
ERASE_BELOW = "\x1b[J"

MAX_ROWS = 20
MAX_QUEUED = 3
# The last line of a check's output is shown where so many columns are left for it.
LINE_COLUMNS = 24
WIDE = 100
BAR_FROM = 60
BAR_CELLS = 20
SPINNER = "|/-\\"
SPINNER_NS = 125_000_000


class Seen(Struct, frozen=True):
    """What the log does not tell; the caller looks as often as it likes.

    The last line that a check has written, by check, and how many nanoseconds the rest may take
    (None: nobody knows).
    """

    last_lines: Mapping[str, str] = {}
    left_ns: int | None = None


NOTHING_SEEN = Seen()


class LiveFormat(ProseFormat):
    """Draws what runs now and keeps what a person should not miss."""

    def __init__(self, options: FormatOptions) -> None:
        super().__init__(options)
        self._rows: list[str] = []
        self._hidden = False
        self.resize(options.columns, options.rows)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size now."""
        self.columns = self.prose.columns = columns or 80
        self.height = rows

    def feed(self, state: State, event: Event) -> str:
        """Permanent lines for this event, put above the rows; "" when it deserves none."""
        text = self.say(state, event)
        return self._update(text, self._rows) if text else ""

    @property
    def is_wide(self) -> bool:
        """Whether there is room for what the checks write."""
        return self.columns >= WIDE

    def frame(self, state: State, now_t: int, seen: Seen = NOTHING_SEEN) -> str:
        """Draw the rows anew; `now_t` is nanoseconds since the start of the run.

        Returns "" when nothing would change.
        """
        rows = self._draw(state, now_t, seen)
        return "" if rows == self._rows else self._update("", rows)

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """Take the rows away, show the cursor, write the summary."""
        return self.clear() + self.prose.end(state, ending)

    def clear(self) -> str:
        """Take the rows away and show the cursor: also before stopping at Ctrl-Z."""
        if not self._hidden:
            return ""
        text = self._erase() + SHOW_CURSOR
        self._rows, self._hidden = [], False
        return text

    def _update(self, permanent: str, rows: list[str]) -> str:
        hide = "" if self._hidden else HIDE_CURSOR
        text = f"{BEGIN}{hide}{self._erase()}{permanent}" + "\n".join(rows) + END
        self._rows, self._hidden = rows, True
        return text

    def _erase(self) -> str:
        """Back to the first cell of the rows as drawn, at the width that the terminal has now."""
        if not self._rows:
            return "\r" + ERASE_BELOW if self._hidden else ""
        lines = sum(max(-(-cells(row) // self.columns), 1) for row in self._rows)
        return "\r" + UP * (lines - 1) + ERASE_BELOW

    def _draw(self, state: State, now_t: int, seen: Seen) -> list[str]:
        running = [r for r in state.checks.values() if r.state is CheckState.RUNNING]
        running.sort(key=lambda record: record.first_started_t or 0)
        queued = [r for r in state.checks.values() if awaited(state, r)]
        most = max(min(self.height - 2, MAX_ROWS), 0)
        rows = [self._check_row(record, now_t, seen) for record in running[:most]]
        room = min(most - len(rows), MAX_QUEUED)
        rows += [self._queued_row(state, record, now_t) for record in queued[:room]]
        if len(running) > most > 0:
            rows[-1] = f"  and {len(running) - most + 1} more"
        rows.append(self._status_row(state, len(running), now_t, seen))
        # One cell stays free: a full last column makes some terminals wrap.
        width = max(self.columns - 1, 1)
        cut_rows = [cut(row, width) for row in rows]
        return [*map(self.prose.style.dim, cut_rows[:-1]), cut_rows[-1]]

    def _check_row(self, record: CheckRecord, now_t: int, seen: Seen) -> str:
        """What runs: its name, for how long, and its last line of output where there is room."""
        planned = record.planned
        since = max(now_t - (record.running_t or 0), 0)
        times = f" {duration(since)}"
        if planned.expected_ns and planned.expected_ns > since:
            times += f", about {duration(planned.expected_ns - since)} left"
        elif planned.timeout_ns:
            times += f" of {duration(planned.timeout_ns)}"
        if planned.pool is Pool.BACKGROUND:
            times += ", background"
        elif worker_of(record):
            times += f", on {sanitise(cut(worker_of(record), 24))}"
        # The name gives way to the time: a long id must not hide that something hangs.
        name = cut(sanitise(planned.id), max(self.columns - 1 - len(times) - 2, 6))
        row = f"  {name}{times}"
        line = sanitise(seen.last_lines.get(planned.id, "")).strip()
        room = self.columns - 1 - cells(row) - 2
        return f"{row}  {cut(line, room)}" if line and room >= LINE_COLUMNS else row

    def _queued_row(self, state: State, record: CheckRecord, now_t: int) -> str:
        began = record.submitted.t if record.submitted else record.ready_t
        since = max(now_t - (now_t if began is None else began), 0)
        times = f" waiting {duration(since)}"
        # As above; what it waits for gives way to the name, and leaves `..` behind.
        name = cut(sanitise(record.planned.id), max(self.columns - 1 - len(times) - 4, 6))
        return f"  {name}{times} for {sanitise(awaited(state, record))}"

    def _status_row(self, state: State, running: int, now_t: int, seen: Seen) -> str:
        """The last row: how far the run has come, and how it stands."""
        spinner = SPINNER[now_t // SPINNER_NS % len(SPINNER)]
        parts = [f"{spinner} {self._bar(state, now_t, seen)}{state.settled}/{len(state.checks)}"]
        if state.settled > passed(state):
            parts.extend(counted(not_passed(state)))
        if state.cancel is not None:
            parts.append("cancelling")
        if state.paused_since is not None:
            parts.append("paused")
        waiting = len(state.checks) - state.settled - running
        parts.append(f"{running} running")
        if waiting:
            parts.append(f"{waiting} waiting")
        parts.append(duration(now_t))
        if seen.left_ns and state.cancel is None:
            parts.append(f"about {duration(seen.left_ns)} left")
        return ", ".join(parts)

    def _bar(self, state: State, now_t: int, seen: Seen) -> str:
        """How far the run has come: by time where there is an estimate, else by checks."""
        if self.columns < BAR_FROM or not state.checks:
            return ""
        if seen.left_ns is None:
            part = state.settled / len(state.checks)
        else:
            part = now_t / max(now_t + seen.left_ns, 1)
        width = BAR_CELLS if self.is_wide else BAR_CELLS // 2
        full = min(int(part * width), width)
        done, to_do = ("\u2588", "\u2591") if self.options.unicode else ("#", ".")
        return f"[{done * full}{to_do * (width - full)}] "
