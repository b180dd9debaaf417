"""A sign of life for long runs where there is no terminal to draw on: silence reads as a hang."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration, plural

MAX_NAMED = 4


def heartbeat(state: State, now_t: int) -> str:
    """One line that says what runs, for how long, and what is left; "" when nothing runs.

    `now_t` is nanoseconds since the start of the run. The caller decides when it is time for one.
    """
    running = [r for r in state.checks.values() if r.state is CheckState.RUNNING]
    if not running or state.finished is not None:
        return ""
    running.sort(key=lambda record: record.running_t or 0)
    named = ", ".join(_one(record, now_t) for record in running[:MAX_NAMED])
    if len(running) > MAX_NAMED:
        named += f" and {len(running) - MAX_NAMED} more"
    waiting = len(state.checks) - state.settled - len(running)
    left = f"; {plural(waiting, 'check')} waiting" if waiting else ""
    return f"running: {named}; {state.settled} of {len(state.checks)} settled{left}\n"


def _one(record: CheckRecord, now_t: int) -> str:
    since = now_t - (record.running_t if record.running_t is not None else now_t)
    limit = record.planned.timeout_ns
    most = f" of at most {duration(limit)}" if limit else ""
    return f"{sanitise(record.planned.id)} {duration(since)}{most}"
