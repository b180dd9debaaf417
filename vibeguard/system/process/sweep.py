"""End what a dead process left behind: synchronous and bounded, for processes without Trio.

The front uses it when the supervisor dies, the supervisor when it must end at once, and the next
command in a folder for runs of which every process was killed at the same moment.
"""

import os
import select
import signal
from collections.abc import Collection

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system import clock
from vibeguard.system.discovery.environment import WORKER_MARK
from vibeguard.system.process import hang, proc, process_tree
from vibeguard.system.process.exits import reap
from vibeguard.system.process.orphans import Mark, mark_in
from vibeguard.system.process.proc import Identity
from vibeguard.system.process.process_tree import Members, Roots

FIRST_PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.025
SWEEP_S = 2.0
LAST_SWEEP_S = 5.0  # by a process that ends then: nobody sweeps after it


def kill_descendants(deadline_s: float = LAST_SWEEP_S) -> tuple[ProcessReport, ...]:
    """SIGKILL and reap every descendant of ours until none is left or `deadline_s` has passed.

    Needs the process to be a subreaper since before the first of them was started. Returns
    what was found, as it was before.
    """
    return _kill_all(process_tree.own_children, deadline_s, reap_them=True)


def sweep_marked(
    run_ids: Collection[str], deadline_s: float = SWEEP_S, *, released: Collection[Mark] = ()
) -> tuple[ProcessReport, ...]:
    """SIGKILL every process of ours that carries the mark of one of these runs, and all below it.

    For runs that are over and whose own processes are all gone. Never this process nor those above
    it (a check may run VibeGuard in the folder of the run that it belongs to), nor what was
    `released` to live on.
    """
    marks = {run_id.encode() for run_id in run_ids}
    spared = {0, 1, *proc.ourselves_and_above()}

    def is_meant(pid: int) -> bool:
        if pid in spared or proc.owner_of(pid) != os.geteuid():
            return False
        mark = mark_in(proc.environment_of(pid))
        return mark.run in marks and mark not in released

    def roots() -> list[int]:
        return [pid for pid in proc.all_pids() if is_meant(pid)]

    return _kill_all(roots, deadline_s, reap_them=False) if marks else ()


def sweep_worker(identity: str) -> tuple[ProcessReport, ...]:
    """The same for what carries the mark of a worker of a pool that is gone, guardian and all."""

    def roots() -> list[int]:
        return [
            pid
            for pid in proc.all_pids()
            if proc.owner_of(pid) == os.geteuid()
            and proc.environment_of(pid).get(WORKER_MARK) == identity.encode()
        ]

    return _kill_all(roots, SWEEP_S, reap_them=False) if identity else ()


def kill_found(roots: Roots, swept: dict[Identity, ProcessReport]) -> tuple[Members, bool]:
    """Freeze and SIGKILL what descends from `roots`; all that was there, and whether any got it.

    What got it is noted in `swept` as it was before.
    """
    found = process_tree.freeze(roots)
    any_hit = False
    for identity, stat in found.items():
        if not stat.is_dead:
            seen = hang.brief_report(stat)  # while it can still be seen
            if process_tree.send(identity, signal.SIGKILL):
                swept.setdefault(identity, seen)
                any_hit = True
    return found, any_hit


def _kill_all(roots: Roots, deadline_s: float, *, reap_them: bool) -> tuple[ProcessReport, ...]:
    """Freeze, SIGKILL, and look again until there is nothing alive to be found."""
    deadline = clock.monotonic_s() + deadline_s
    swept: dict[Identity, ProcessReport] = {}
    pause_s = FIRST_PAUSE_S
    while True:
        kill_found(roots, swept)
        if reap_them:
            _reap_dead_children()
        found = process_tree.with_descendants(roots())
        nothing_alive = all(stat.is_dead for stat in found.values())
        is_over = nothing_alive and not process_tree.has_dead_child_of_ours(found)
        if is_over or clock.monotonic_s() >= deadline:
            return tuple(swept.values())
        select.select([], [], [], pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _reap_dead_children() -> None:
    for pid in process_tree.own_children():
        stat = process_tree.stat_of(pid)
        if stat is not None and stat.is_dead:
            reap(pid)
