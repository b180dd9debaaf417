"""Which worker of a pool has a check, how long that was waited for, and what is waited for now."""

from vibeguard.core.model.state import CheckRecord
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
