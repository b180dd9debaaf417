"""What this system does not let VibeGuard promise: found out by trying, said once a run."""

import os
from collections.abc import Iterator
from typing import Final

from vibeguard.core.model.event_parts import StagedView
from vibeguard.core.names import StagedWay
from vibeguard.system.journal.writer import Journal
from vibeguard.system.process import exits, proc, process_tree
from vibeguard.system.vouching.place import all_claimants
from vibeguard.system.vouching.witness import Witness

_OTHERS: Final = 0o077


def weaknesses(
    journal: Journal, witness: Witness, staged: StagedView | None
) -> Iterator[tuple[str, str]]:
    """The promises of docs/processes.md and docs/log.md that cannot be kept here, each with a why.

    Called by the supervisor, which has tried to leave its session, before anything is started.
    """
    if not proc.is_available():
        yield (
            "what leaves a check's group is ended after its parent, and nothing tells what hangs",
            _why_no_proc(),
        )
    if not process_tree.become_subreaper():
        yield (
            "a process that leaves its check's tree is ended only with the run",
            "orphans do not come to the supervisor: prctl",
        )
    if not exits.has_pidfd():
        yield ("a process is signalled by its number", "no descriptor of a process: pidfd_open")
    if process_tree.own_session() != os.getpid():
        yield ("a check can reach the terminal of the command", "no session of its own: setsid")
    if not journal.locked:
        yield ("a live run is not told from a dead one", "this file system has no locks")
    if os.stat(journal.run_folder).st_mode & _OTHERS:
        yield ("others can read the log and what checks write", "this mount refuses chmod")
    if not witness.name or witness.name not in all_claimants():
        yield (
            "a reader may believe a log that a check has forged while the run goes on",
            "no socket on which the supervisor can be asked",
        )
    if staged is not None and staged.way is StagedWay.COPY:
        yield ("a check that names the work tree by its path sees what is not staged", staged.why)


def _why_no_proc() -> str:
    if proc.is_ours():
        return "/proc does not list children"
    return "/proc is of other processes" if os.path.isdir("/proc/self") else "there is no /proc"
