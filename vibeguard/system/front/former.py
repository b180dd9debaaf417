"""The run that another is held against: the one that is named, else one that finished before."""

from collections.abc import Callable, Iterator
from itertools import islice

from vibeguard.core.model.state import State
from vibeguard.core.names import Verdict
from vibeguard.core.problems import RunIncomplete
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.known import find_run, known_runs

# So many logs are read at most to find a run that knows all of the same checks, or is of the base.
MOST_READ = 5
MOST_READ_FOR_BASE = 30
LAST = "last"
BASE = ""


def former_run(state_dir: str, named: str = LAST) -> Callable[[State], State | None]:
    """How to get the run to hold one against: read once, when it is first asked for.

    `last` is the newest one before it that has finished, rather one with all of its checks. BASE is
    the newest one of the clean commit from which this work went apart, else the last. Another name
    is that run's; raises RunNotFound at once where there is none.
    """
    folder = "" if named in (LAST, BASE) else find_run(state_dir, named)
    found: list[State | None] = []

    def former(state: State) -> State | None:
        if state.planned is None or state.started is None:
            return None
        if not found:
            if folder:
                found.append(_whole(folder))
            else:
                of_base = _of_base(state_dir, state) if named == BASE else None
                found.append(of_base or _newest(state_dir, state))
        return found[0]

    return former


def finished_before(state_dir: str, run_id: str) -> Iterator[State]:
    """The runs that finished and were started before this one, the newest first."""
    try:
        known = known_runs(state_dir)
    except RunIncomplete:
        return  # nobody can tell which ones are runs of their own
    for other in reversed(known):
        if other < run_id:
            state = _whole(run_folder(state_dir, other))
            if state is not None and not _was_cancelled(state):
                yield state


def _newest(state_dir: str, present: State) -> State | None:
    checks, partly = set(present.checks), None
    for state in islice(finished_before(state_dir, present.run_id), MOST_READ):
        if checks <= state.checks.keys():
            return state
        if partly is None and checks & state.checks.keys():
            partly = state
    return partly


def _of_base(state_dir: str, present: State) -> State | None:
    """The newest run of the commit that this work began from, as it is there."""
    from vibeguard.system.discovery.changes import base_commit  # noqa: PLC0415 - starts git

    cwd = present.started.cwd if present.started else ""
    base = base_commit(cwd, caller_environment()) if cwd else ""
    if not base:
        return None
    for state in islice(finished_before(state_dir, present.run_id), MOST_READ_FOR_BASE):
        vcs = state.vcs
        if vcs is not None and vcs.head == base and not vcs.dirty:
            return state
    return None


def _whole(folder: str) -> State | None:
    """The run as its log tells it; None where that has no seal or is damaged."""
    state, reading = open_state(folder)
    return None if reading.problem is not None or state.sealed is None else state


def _was_cancelled(state: State) -> bool:
    return state.finished is None or state.finished.verdict is Verdict.CANCELLED
