"""The run that another is held against: the one that is named, else one that finished before."""

from collections.abc import Callable, Iterator
from functools import partial

from vibeguard.core.model.state import State
from vibeguard.core.names import Verdict
from vibeguard.core.problems import RunIncomplete
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.known import find_run, known_runs

# So many logs are read at most to find a run that knows all of the same checks.
MOST_READ = 5
LAST = "last"


def former_run(state_dir: str, named: str = LAST) -> Callable[[State], State | None]:
    """How to get the run to hold one against: read once, when it is first asked for.

    `last` is the newest one before it that has finished, rather one with all of its checks. Another
    name is that run's; raises RunNotFound at once where there is none.
    """
    folder = "" if named == LAST else find_run(state_dir, named)
    found: list[State | None] = []

    def former(state: State) -> State | None:
        if state.planned is None or state.started is None:
            return None
        if not found:
            newest = partial(_newest, state_dir, state.started.run_id, set(state.checks))
            found.append(_whole(folder) if folder else newest())
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
            if state is not None:
                yield state


def _newest(state_dir: str, run_id: str, checks: set[str]) -> State | None:
    partly: State | None = None
    for read, state in enumerate(finished_before(state_dir, run_id)):
        if checks <= state.checks.keys():
            return state
        if partly is None and checks & state.checks.keys():
            partly = state
        if read + 1 >= MOST_READ:
            break
    return partly


def _whole(folder: str) -> State | None:
    """The run as its log tells it; None where that has no seal or is damaged, or was cancelled."""
    state, reading = open_state(folder)
    if reading.problem is not None or state.sealed is None:
        return None
    cancelled = state.finished is None or state.finished.verdict is Verdict.CANCELLED
    return None if cancelled else state
