"""`vibeguard hook verdict TREE`: what a run said about exactly this git tree (docs/adr/0065)."""

from hashlib import sha256

from vibeguard.commands.loading import Loaded, load, state_dir_of_runs
from vibeguard.commands.options import GlobalOptions, WaitOptions
from vibeguard.commands.output import write_err
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus, Verdict
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.journal.endings import ending_of
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids


def verdict(tree: str, *, common: GlobalOptions) -> int:
    """The exit code of the newest run of the whole config that began and ended on this tree.

    A live run that began on it is waited for; a cancelled one is none. 3 where there is none.
    """
    if not tree:
        raise UsageError(
            "which tree?", "name it: vibeguard hook verdict $(git rev-parse HEAD^{tree})"
        )
    state_dir = state_dir_of_runs(common)
    loaded = load(common)
    for run_id in reversed(run_ids(state_dir)):
        folder = run_folder(state_dir, run_id)
        state, reading = open_state(folder)
        if not began_on(state, tree) or not covers(state, loaded):
            continue
        if reading.status is LogStatus.LIVE:
            _wait(run_id, common)
            state, reading = open_state(folder)
        complete = ending_of(reading, folder).log_status is LogStatus.COMPLETE
        if not complete or not ended_on(state, tree):
            continue
        if state.finished and state.finished.verdict is not Verdict.CANCELLED:
            write_err(f"vibeguard: run {run_id} of this tree: {state.finished.verdict}\n")
            return state.finished.exit_code
    write_err(f"vibeguard: no run of the whole config has checked the tree {sanitise(tree)}\n")
    return ExitCode.INCOMPLETE


def began_on(state: State, tree: str) -> bool:
    """Whether the run recorded this tree when it started."""
    return (
        state.started is not None
        and state.started.vcs is not None
        and state.started.vcs.tree == tree
    )


def ended_on(state: State, tree: str) -> bool:
    """Whether the run recorded this tree when it finished."""
    vcs = state.finished.vcs if state.finished else None
    return vcs is not None and vcs.tree == tree


def covers(state: State, loaded: Loaded) -> bool:
    """Whether the run planned every check of the very config that is there now."""
    planned = state.planned
    if planned is None or planned.config_sha256 != sha256(loaded.data).hexdigest():
        return False
    return {check.id for check in loaded.config.checks} <= set(state.checks)


def _wait(run_id: str, common: GlobalOptions) -> None:
    """Wait until the run is over."""
    from vibeguard.commands.wait import wait  # noqa: PLC0415 - only for a live run

    write_err(f"vibeguard: waiting for run {run_id}, which is checking this tree\n")
    wait(run_id, common=common, options=WaitOptions())
