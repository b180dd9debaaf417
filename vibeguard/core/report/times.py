"""How long the checks of a run took."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.wording.units import duration


def duration_ns(state: State, record: CheckRecord) -> int:
    """How long the check took, all attempts together; while it runs, up to the last event."""
    if record.first_started_t is None:
        return 0
    if record.settled_t is None:
        return max(state.last_t - record.first_started_t, 0)
    if record.attempt <= 1 and record.finished is not None and record.finished.elapsed_ns:
        return record.finished.elapsed_ns
    return record.settled_t - record.first_started_t


def took(state: State, record: CheckRecord) -> str:
    """How long the check took, in words; empty for one that never ran."""
    return "" if record.first_started_t is None else duration(duration_ns(state, record))
