"""Which worker of a pool has a check, and what one in a queue waits for: that, a slot, a group."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool
from vibeguard.core.wording.units import duration


def worker_of(record: CheckRecord) -> str:
    """The worker that the last attempt was started on; empty for one of this machine."""
    return record.started.worker if record.started else ""


def placed(record: CheckRecord) -> str:
    """`on gpu1, queued for 3s`; empty for a check of this machine."""
    worker, queued = worker_of(record), record.queued_ns
    if not worker:
        return ""
    return f"on {worker}" + (f", queued for {duration(queued)}" if queued else "")


def awaited_worker(record: CheckRecord) -> str:
    """Which worker a check in the queue of a pool waits for; empty for any other."""
    awaits = record.awaits
    if awaits is None:
        return ""
    wanted = ", ".join(awaits.wanted)
    present = "; ".join(awaits.present) or "none"
    return f"a worker{f' with {wanted}' if wanted else ''}; present: {present}"


def awaited(state: State, record: CheckRecord) -> str:
    """What the check waits for, unless it is other checks; empty for one that is not in a queue."""
    if record.state is not CheckState.QUEUED:
        return ""
    worker = awaited_worker(record)
    if worker:
        return worker
    holder = state.groups.get(record.group) if record.group else None
    if holder is not None and holder != record.planned.id:
        return f"the group {record.group}, which {holder} has"
    used, of = state.used[record.pool], state.slots[record.pool]
    where = " in the background" if record.pool is Pool.BACKGROUND else ""
    wanted = min(record.planned.weight, of)
    if used + wanted <= of:
        return ""  # it is about to start, or is held back for another reason
    slots = "a slot" if wanted == 1 else f"{wanted} slots"
    return f"{slots}{where} ({used} of {of} taken)"
