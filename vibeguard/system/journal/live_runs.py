"""Which runs are going on: their writers hold a lock that dies with them."""

from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.lock import writer_alive
from vibeguard.system.journal.reader import open_log
from vibeguard.system.rundir.ids import run_folder, run_ids


def live_runs(state_dir: str) -> list[str]:
    """The ids of the runs whose writer is at work, newest first; no log is read for it."""
    return [run for run in reversed(run_ids(state_dir)) if has_writer(run_folder(state_dir, run))]


def has_writer(folder: str) -> bool:
    """Whether the run in `folder` is being written. Where locks do not tell, it is not."""
    return known_writer(folder) is True


def known_writer(folder: str) -> bool | None:
    """Whether the run in `folder` is being written; None where locks do not tell."""
    try:
        with open(open_log(folder), "rb", buffering=0) as log:
            return writer_alive(log.fileno())
    except LogCorrupt:
        return False
