"""All runs of a state folder at a glance, each told from its own log."""

from msgspec import Struct

from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus, Verdict
from vibeguard.system.journal.reader import LogReading, open_state
from vibeguard.system.rundir.ids import run_folder, run_ids


class RunSummary(Struct, frozen=True):
    """One run. A log that is not complete has no verdict, whatever it says.

    `wall_time` is when it started (RFC 3339, empty if the log does not tell); `elapsed_ns` how long
    it took, or has taken by its last event. `checks` and `settled` count checks.
    """

    run_id: str
    folder: str
    status: LogStatus
    verdict: Verdict | None = None
    exit_code: int | None = None
    wall_time: str = ""
    elapsed_ns: int = 0
    checks: int = 0
    settled: int = 0


def list_runs(state_dir: str) -> list[RunSummary]:
    """Every run, newest first."""
    return [summarise(run_folder(state_dir, run_id), run_id) for run_id in run_ids(state_dir)[::-1]]


def summarise(folder: str, run_id: str) -> RunSummary:
    """The summary of the run in `folder`."""
    state, reading = open_state(folder)
    return _summary(folder, run_id, state, reading)


def _summary(folder: str, run_id: str, state: State, reading: LogReading) -> RunSummary:
    finished = state.finished if reading.status is LogStatus.COMPLETE else None
    return RunSummary(
        run_id=run_id,
        folder=folder,
        status=reading.status,
        verdict=finished.verdict if finished is not None else None,
        exit_code=finished.exit_code if finished is not None else None,
        wall_time=state.started.wall_time if state.started is not None else "",
        elapsed_ns=finished.elapsed_ns if finished is not None else state.last_t,
        checks=len(state.checks),
        settled=state.settled,
    )
