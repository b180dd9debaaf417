"""Live progress on a terminal: rows that are drawn over again, permanent lines above them.

Every returned string is one whole update, to be written at once: the terminal shows it as one step
where it knows synchronized updates. The caller asks for `frame` as often as it likes to redraw,
and tells new sizes by `resize`.
"""

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool
from vibeguard.core.report.prose import Prose
from vibeguard.core.report.tally import counted, not_passed, passed
from vibeguard.core.report.workers import awaited_worker, worker_of
from vibeguard.core.wording.layout import cells, cut
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration

BEGIN = "\x1b[?2026h"
END = "\x1b[?2026l"
HIDE_CURSOR = "\x1b[?25l"
SHOW_CURSOR = "\x1b[?25h"
UP = "\x1b[A"
ERASE_BELOW = "\x1b[J"

MAX_ROWS = 20
SPINNER = "|/-\\"
SPINNER_NS = 125_000_000


class LiveFormat:
    """Draws what runs now and keeps what a person should not miss."""

    stream = Stream.HUMAN
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._since = options.since
        self._style = Style(colour=options.colour)
        self._rows: list[str] = []
        self._hidden = False
        self.columns = options.columns or 80
        self.height = options.rows
        self._prose = Prose(
            colour=options.colour,
            columns=self.columns,
            verbose=options.verbose,
            run_folder=options.run_folder,
        )

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size now."""
        self.columns = self._prose.columns = columns or 80
        self.height = rows

    def feed(self, state: State, event: Event) -> str:
        """Permanent lines for this event, put above the rows; "" when it deserves none."""
        text = self._prose.event(state, event) if event.seq > self._since else ""
        return self._update(text, self._rows) if text else ""

    def frame(self, state: State, now_t: int) -> str:
        """Draw the rows anew; `now_t` is nanoseconds since the start of the run.

        Returns "" when nothing would change.
        """
        rows = self._draw(state, now_t)
        return "" if rows == self._rows else self._update("", rows)

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """Take the rows away, show the cursor, write the summary."""
        return self.clear() + self._prose.end(state, ending or Ending())

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

    def _draw(self, state: State, now_t: int) -> list[str]:
        running = [r for r in state.checks.values() if r.state is CheckState.RUNNING]
        running.sort(key=lambda record: record.first_started_t or 0)
        queued = [r for r in state.checks.values() if awaited_worker(r)]
        most = max(min(self.height - 2, MAX_ROWS), 0)
        rows = [self._check_row(record, now_t) for record in running[:most]]
        rows += [self._queued_row(record, now_t) for record in queued[: most - len(rows)]]
        if len(running) + len(queued) > most > 0:
            rows[-1] = f"  and {len(running) + len(queued) - most + 1} more"
        rows.append(self._status_row(state, len(running), now_t))
        # One cell stays free: a full last column makes some terminals wrap.
        width = max(self.columns - 1, 1)
        cut_rows = [cut(row, width) for row in rows]
        return [*map(self._style.dim, cut_rows[:-1]), cut_rows[-1]]

    def _check_row(self, record: CheckRecord, now_t: int) -> str:
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
        return f"  {name}{times}"

    def _queued_row(self, record: CheckRecord, now_t: int) -> str:
        since = max(now_t - (record.submitted.t if record.submitted else now_t), 0)
        for_worker = sanitise(f" waiting {duration(since)} for {awaited_worker(record)}")
        name = cut(sanitise(record.planned.id), max(self.columns - 1 - len(for_worker) - 2, 6))
        return f"  {name}{for_worker}"

    def _status_row(self, state: State, running: int, now_t: int) -> str:
        spinner = SPINNER[now_t // SPINNER_NS % len(SPINNER)]
        parts = [f"{spinner} {state.settled}/{len(state.checks)}"]
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
        return ", ".join([*parts, duration(now_t)])
