"""`vibeguard hook verdict TREE` and `hook failures`: what a run said of a tree (docs/adr/0065)."""

from collections.abc import Collection
from hashlib import sha256

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.evidence import present_tree
from vibeguard.commands.loading import Loaded, load
from vibeguard.commands.log_options import ReportOptions, WaitOptions
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err, write_out
from vibeguard.core.model.events import RunFinished
from vibeguard.core.model.state import State
from vibeguard.core.names import SIGNAL_EXIT_CODES, ExitCode, LogStatus, Verdict
from vibeguard.core.planning.select import select
from vibeguard.core.problems import UsageError
from vibeguard.core.report.conclusion import Ending
from vibeguard.core.report.evidence import has_planned
from vibeguard.core.report.tally import named, not_passed, passed_in_words
from vibeguard.core.reuse.checked import (
    began_with,
    has_checked,
    held_still,
    inputs_of_reusable,
)
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.endings import read_run
from vibeguard.system.vouching.known import known_runs

# How long a supervisor that has sealed may take to be gone.
_LEAVING_S = 2.0
_LEAVING_POLL_S = 0.02


def verdict(tree: str, *, common: GlobalOptions) -> int:
    """The exit code of the newest run of the whole config that began and ended on this tree.

    Nothing was written while it went on, and the declared inputs that git ignores are as they are
    now. A live run that began on it is waited for; a cancelled one is none. 3 where there is none,
    4 where a newer one cannot be believed, and the code of a signal that ends the waiting.
    """
    if not tree:
        raise UsageError(
            "which tree?", "name it: vibeguard hook verdict $(git rev-parse HEAD^{tree})"
        )
    state_dir = state_dir_of_runs(common)
    loaded = load(common)
    checks = {check.id for check in loaded.config.checks}
    beside = _beside(loaded, state_dir)
    for run_id in reversed(known_runs(state_dir)):
        folder = run_folder(state_dir, run_id)
        state, ending = read_run(folder)
        concerned = _began_as(state, tree) and covers(state, loaded, checks)
        if concerned and ending.log_status is LogStatus.LIVE:
            code = _wait(run_id, common)
            state, ending = _read_when_left(folder, code)
            if ending.log_status is LogStatus.LIVE:
                return code  # a signal has ended the waiting: nothing was found out
        if ending.log_status is LogStatus.CORRUPT:
            write_err(f"vibeguard: run {run_id} cannot be believed: {sanitise(ending.problem)}\n")
            return ExitCode.CORRUPT  # an older pass must not stand in for it
        held = concerned and _held_as(state, tree, beside)
        finished = ruled(state, ending) if held else None
        if finished:
            listing = ", ".join([*named(not_passed(state)), passed_in_words(state)])
            write_err(f"vibeguard: run {run_id} of this tree: {finished.verdict}: {listing}\n")
            return finished.exit_code
    write_err(f"vibeguard: no run of the whole config has checked the tree {sanitise(tree)}\n")
    return ExitCode.INCOMPLETE


def failures(*, common: GlobalOptions) -> int:
    """Report the newest run of the present tree, config and selection, if it failed: exit 1 then.

    0 where it passed; 3 where there is none, or a newer one goes on or cannot be believed. It waits
    for nothing, and 1 is all that a failure is, whatever the config makes of it.
    """
    state_dir = state_dir_of_runs(common)
    loaded = load(common)
    runs = known_runs(state_dir)
    now = present_tree(loaded, state_dir) if runs else None
    chosen = select(loaded.config, (), common.tags, common.exclude_tags).checks
    checks = {check.id for check in chosen}
    for run_id in reversed(runs):
        folder = run_folder(state_dir, run_id)
        state, ending = read_run(folder)
        if ending.log_status is LogStatus.CORRUPT:
            break
        of_them = covers(state, loaded, checks) and len(state.checks) == len(checks)
        if not began_with(state, now) or not of_them:
            continue
        if ending.log_status is LogStatus.LIVE:
            break
        finished = ruled(state, ending) if has_checked(state, now) else None
        if finished and finished.verdict is Verdict.FAILED:
            _tell_failures(run_id, common)
            return ExitCode.FAILED
        if finished:
            return ExitCode.PASSED
    return ExitCode.INCOMPLETE


def _tell_failures(run_id: str, common: GlobalOptions) -> None:
    """What an agent reads of the run, on stdout."""
    from vibeguard.commands.report import report  # noqa: PLC0415 - only where it has failed

    write_out(
        f"Run {run_id} failed, and nothing has changed since. "
        "To check the same tree again: vibeguard run --record-tree\n"
    )
    report(run_id, common=common, options=ReportOptions(format="agent"))


def _beside(loaded: Loaded, state_dir: str) -> str:
    """The declared inputs that git does not track, as they are now; empty where none are."""
    if not inputs_of_reusable(loaded.config):
        return ""
    now = present_tree(loaded, state_dir)
    return now.beside if now else ""


def _began_as(state: State, tree: str) -> bool:
    """Whether git called what the run began with by this name: it may prove to be another."""
    vcs = state.vcs
    return vcs is not None and vcs.tree == tree


def _held_as(state: State, tree: str, beside: str) -> bool:
    """Whether this tree lay there, byte for byte, from the run's start to its end."""
    vcs = state.finished.vcs if state.finished else None
    return vcs is not None and vcs.tree == tree and vcs.beside == beside and held_still(state)


def ruled(state: State, ending: Ending) -> RunFinished | None:
    """The verdict of a whole run; a cancelled one has none."""
    if ending.log_status is not LogStatus.COMPLETE or state.finished is None:
        return None
    return None if state.finished.verdict is Verdict.CANCELLED else state.finished


def covers(state: State, loaded: Loaded, checks: Collection[str]) -> bool:
    """Whether the run planned these checks, on all of their files, of the config that is there."""
    if not has_planned(state, sha256(loaded.data).hexdigest(), loaded.config.checks):
        return False
    whole = {name for name, record in state.checks.items() if not record.planned.partial}
    return whole.issuperset(checks)


def _read_when_left(folder: str, code: int) -> tuple[State, Ending]:
    """The run that was waited for, with `code`; on its way out its supervisor may not vouch."""
    give_up = monotonic_s() + _LEAVING_S
    while True:
        state, ending = read_run(folder)
        left = ending.log_status not in (LogStatus.INCOMPLETE, LogStatus.LIVE)
        if left or code in SIGNAL_EXIT_CODES.values() or monotonic_s() > give_up:
            return state, ending
        sleep_s(_LEAVING_POLL_S)


def _wait(run_id: str, common: GlobalOptions) -> int:
    """Wait until the run is over, or a signal comes; the exit code of `wait`."""
    from vibeguard.commands.wait import wait  # noqa: PLC0415 - only for a live run

    write_err(f"vibeguard: waiting for run {run_id}, which is checking this tree\n")
    return wait(run_id, common=common, options=WaitOptions())
