"""How things of a pool are called with its broker: every key and channel begins alike.

One pattern, `vibeguard:{POOL}:*`, says in an access list what a pool may touch (docs/workers.md).
"""

from collections.abc import Iterable

from vibeguard.core.pool.messages import PROTOCOL


class PoolNames:
    """The keys and channels of one pool; the braces keep them together in a cluster."""

    def __init__(self, pool: str) -> None:
        self.prefix = f"vibeguard:{{{pool}}}:"
        self.queues = f"{self.prefix}queues"
        self.workers = f"{self.prefix}workers"
        self.runs = f"{self.prefix}runs"
        self.newest_run = f"{self.prefix}newest-run"
        self.idle = f"{self.prefix}idle"

    def job(self, token: str) -> str:
        """The job that waits under this token."""
        return f"{self.prefix}job:{token}"

    def queue(self, labels: str) -> str:
        """The tokens of jobs that ask for these labels, in order."""
        return f"{self.prefix}queue:{labels}"

    def worker(self, identity: str) -> str:
        """What a worker shows of itself."""
        return f"{self.prefix}worker:{identity}"

    def pack(self, digest: str) -> str:
        """The pack of files with this SHA-256."""
        return f"{self.prefix}pack:{digest}"

    def to(self, receiver: str) -> str:
        """The channel that a run or a worker listens to."""
        return f"{self.prefix}to:{receiver}"


def label_set(labels: Iterable[str]) -> str:
    """Labels as the name of a queue: sorted, so that one set has one name.

    Whoever speaks another protocol lacks one of them: it could neither do the job nor say so.
    """
    return ",".join(sorted({*labels, f"protocol:{PROTOCOL}"}))
