"""A sign of life for long runs where there is no terminal to draw on: silence reads as a hang."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.report.reasons import awaited_worker, worker_of
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration, plural, some

MAX_NAMED = 4


def heartbeat(state: State, now_t: int) -> str:
    """One line that says what runs or waits for a worker, for how long, and what is left, or "".

    `now_t` is nanoseconds since the start of the run. The caller decides when it is time for one.
    """
    running = [r for r in state.checks.values() if r.state is CheckState.RUNNING]
    queued = [r for r in state.checks.values() if awaited_worker(r)]
    if not (running or queued) or state.finished is not None:
        return ""
    settled = f"{state.settled} of {len(state.checks)} settled"
    if not running:
        waiting = some([f"{r.planned.id} for {awaited_worker(r)}" for r in queued], MAX_NAMED)
        return f"waiting: {sanitise(waiting)}; {settled}\n"
    running.sort(key=lambda record: record.running_t or 0)
    named = some([_one(record, now_t) for record in running], MAX_NAMED)
    left = len(state.checks) - state.settled - len(running)
    rest = f"; {plural(left, 'check')} waiting" if left else ""
    return f"running: {named}; {settled}{rest}\n"


def _one(record: CheckRecord, now_t: int) -> str:
    since = now_t - (record.running_t if record.running_t is not None else now_t)
    limit = record.planned.timeout_ns
    most = f" of at most {duration(limit)}" if limit else ""
    where = f" on {worker_of(record)}" if worker_of(record) else ""
    return f"{sanitise(record.planned.id + where)} {duration(since)}{most}"
