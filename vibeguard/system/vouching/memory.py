"""What a supervisor knows of the runs of its folder, beyond the reach of its checks.

Two threads use it: the one that runs the checks, and the one that answers.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.system.process import proc
from vibeguard.system.rundir.order import OrderedRun
from vibeguard.system.vouching.statement import Statement

# The pid of a process outside of this pid namespace. Whether it lives nobody here can tell: it is
# taken to, until it says that its run is sealed.
OUTSIDE: Final = 0


class _Known(Struct, frozen=True):
    """A run, and the process that supervises it while it goes on (None: it is over, or dead)."""

    run: OrderedRun
    supervisor: proc.Identity | None = None


class Memory:
    """The runs in the order of their starts. What is known of a run can only be completed."""

    def __init__(self) -> None:
        self._runs: dict[str, _Known] = {}
        self._pruned: set[str] = set()
        self._lock = threading.Lock()
        self.started = False

    def start(
        self, runs: Iterable[OrderedRun], live: Mapping[str, tuple[int, int]] | None = None
    ) -> None:
        """Take in the runs of before this process; `live` are the supervisors of some of them.

        What was told since counts, too: it is newer, and says which process a run has, where others
        only saw that it goes on.
        """
        supervisors = {run_id: proc.Identity(*pair) for run_id, pair in (live or {}).items()}
        before = {run.run_id: _Known(run, supervisors.get(run.run_id)) for run in runs}
        with self._lock:
            told, self._runs = self._runs, before
            for run_id, known in told.items():
                former = before.get(run_id)
                if former is None or known.run.seal or _is_less_known(former):
                    before[run_id] = known
            for run_id in self._pruned:
                before.pop(run_id, None)
            self.started = True

    def begin(self, run: OrderedRun, supervisor: proc.Identity | None) -> None:
        """Take in a run that starts, without its seal; one that is known stays as it is."""
        with self._lock:
            self._runs.setdefault(run.run_id, _Known(replace(run, seal=""), supervisor))

    def seal(self, run: OrderedRun) -> None:
        """Take in the seal of a run that has begun; a seal that is known stays."""
        with self._lock:
            known = self._runs.get(run.run_id)
            if known is not None and not known.run.seal:
                self._runs[run.run_id] = replace(known, run=replace(known.run, seal=run.seal))

    def give_up(self, run_id: str) -> None:
        """A run that will get no seal to vouch for."""
        with self._lock:
            known = self._runs.get(run_id)
            if known is not None:  # else somebody has told that it was pruned
                self._runs[run_id] = replace(known, supervisor=None)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Runs that were pruned."""
        with self._lock:
            for run_id in run_ids:
                self._pruned.add(run_id)
                self._runs.pop(run_id, None)

    def runs(self) -> tuple[OrderedRun, ...]:
        """Every run, oldest first."""
        with self._lock:
            return tuple(known.run for known in self._runs.values())

    def statement(self) -> Statement:
        """What there is to say to who asks."""
        if not self.started:
            return Statement(starting=True)
        with self._lock:
            knowns = list(self._runs.values())
        live = {
            known.run.run_id: (known.supervisor.pid, known.supervisor.start)
            for known in knowns
            if known.supervisor is not None
            and not known.run.seal
            and (known.supervisor.pid == OUTSIDE or proc.is_alive(known.supervisor))
        }
        return Statement(tuple(known.run for known in knowns), live)


def _is_less_known(known: _Known) -> bool:
    """Whether nobody has told which process runs it, or how it ended."""
    return not known.run.seal and (known.supervisor is None or known.supervisor.pid == OUTSIDE)
