"""What a check in the queue waits for: a slot, a group and who holds it, a worker."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool
from vibeguard.core.report.workers import awaited_worker


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
