"""What live progress shows beside the log: what checks wrote last, how long the rest may take."""

import os

from vibeguard.core.excerpt.lines import last_lines
from vibeguard.core.formats.live import MAX_ROWS, Seen
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.redaction import may_show_secrets
from vibeguard.core.scheduling.forecast import forecast
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.rundir.files import read_regular

_TAIL_BYTES = 600
# A forecast plays the rest of the run through: not for each frame, and not where that takes long.
_FORECAST_EVERY_NS = SECOND_NS
_MOST_CHECKS = 1000


class LiveDetails:
    """Looks at the outputs of what runs, and now and then ahead."""

    def __init__(self, run_folder: str) -> None:
        self._folder = run_folder
        self._end_t: int | None = None
        self._looked_t: int | None = None

    def look(self, state: State, now_t: int, *, lines: bool) -> Seen:
        """What there is to see at `now_t` (nanoseconds of the run); `lines`: outputs are shown."""
        running = [r for r in state.checks.values() if r.state is CheckState.RUNNING][:MAX_ROWS]
        found = {
            r.planned.id: "" if may_show_secrets(state, r) else self._last_line(r)
            for r in (running if lines else ())
        }
        self._look_ahead(state, now_t)
        left = None if self._end_t is None else max(self._end_t - now_t, 0)
        return Seen(found, left)

    def _look_ahead(self, state: State, now_t: int) -> None:
        soon = self._looked_t is not None and now_t - self._looked_t < _FORECAST_EVERY_NS
        if soon or len(state.checks) > _MOST_CHECKS:
            return
        self._looked_t = now_t
        end_ns = forecast(state, now_t).end_ns
        self._end_t = None if end_ns is None else now_t + end_ns

    def _last_line(self, record: CheckRecord) -> str:
        """The last line of an attempt's output that says something; empty where it is not here."""
        if not self._folder:
            return ""
        path = os.path.join(self._folder, record.planned.output_name(record.attempt))
        try:
            tail = read_regular(path, _TAIL_BYTES, end=True)
        except OSError:
            return ""
        return next(iter(last_lines(tail)[-1:]), "")
