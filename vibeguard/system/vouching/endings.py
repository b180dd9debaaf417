"""How a run ended, as far as its log may be believed: the one function that every reader ends with.

A seal that fits proves that a log is whole, not who wrote it. While a supervisor of the folder
lives, its word decides; where none does, what the log is when it is read once more.
"""

import os
import stat

from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.core.report.conclusion import Ending
from vibeguard.system.clock import sleep_s
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.live_runs import has_writer
from vibeguard.system.journal.reader import LogReading, open_state
from vibeguard.system.process.proc import Identity, boot_id, is_alive
from vibeguard.system.rundir.ids import place_of
from vibeguard.system.rundir.notes import crash_of, differences_of, was_killed
from vibeguard.system.vouching.inquiry import statements_of
from vibeguard.system.vouching.known import runs_going_on, was_removed
from vibeguard.system.vouching.seal import bears_seal
from vibeguard.system.vouching.statement import Statement

# A process that ends takes some milliseconds for it, on a busy machine some tens of them.
EXIT_LOOKS = 100
EXIT_LOOK_S = 0.005
REMOVED = "the run was removed (pruned) while it was read: see what there is: vibeguard runs"
UNVOUCHED = "the log ends with a seal, but its supervisor lives and does not vouch for it yet"


def ending_of(
    reading: LogReading,
    folder: str,
    state: State,
    problem: LogCorrupt | None = None,
    *,
    pinned: bool = False,
) -> Ending:
    """How the log in the run folder ends, whose events amount to `state`.

    `problem` is damage that was found while following it. With `pinned` its seal was compared with
    one that the caller knows: then it may lie anywhere, and belong to anybody.
    """
    ending = _ending_of(reading, folder, state, problem, pinned=pinned)
    damaged = ending.log_status in (LogStatus.CORRUPT, LogStatus.INCOMPLETE)
    if damaged and was_removed(folder):
        return Ending(ExitCode.USAGE, LogStatus.INCOMPLETE, problem=REMOVED)
    return ending


def _ending_of(
    reading: LogReading, folder: str, state: State, problem: LogCorrupt | None, *, pinned: bool
) -> Ending:
    problem = problem or reading.problem
    if problem is not None:
        where = f"line {problem.line}, byte {problem.byte}: " if problem.line else ""
        return corrupt(f"{where}{problem.what}")
    stranger = "" if pinned else _stranger(folder, state)
    if stranger:
        ending = corrupt(stranger)
    elif pinned and reading.status is LogStatus.COMPLETE:
        ending = Ending(log_status=LogStatus.COMPLETE)  # the caller vouches for these very bytes
    elif reading.status is LogStatus.COMPLETE:
        seal = "" if reading.seal is None else reading.seal.sha256
        ending = _of_sealed(folder, state, seal)
    else:
        ending = _of_unsealed(reading, folder, state)
    # Last: a supervisor that ends makes its notes before it falls silent.
    noted = differences_of(folder)
    if noted:
        return corrupt(f"when the run ended, {noted}")
    if reading.status is LogStatus.COMPLETE and was_killed(folder):
        return corrupt("the log is sealed, but its supervisor was killed before it sealed one")
    return ending


def read_run(folder: str) -> tuple[State, Ending]:
    """What the run in a folder comes to, and how its log ends."""
    state, reading = open_state(folder)
    return state, ending_of(reading, folder, state)


def is_unvouched(ending: Ending, reading: LogReading) -> bool:
    """Whether a log is sealed, and who could vouch for it has not done so yet."""
    return reading.status is LogStatus.COMPLETE and ending.log_status is LogStatus.LIVE


def corrupt(problem: str) -> Ending:
    """The ending of a log that cannot be trusted, and why not."""
    return Ending(exit_code=ExitCode.CORRUPT, log_status=LogStatus.CORRUPT, problem=problem)


def incomplete(problem: str) -> Ending:
    """The ending of a log that has no verdict, and why not."""
    return Ending(exit_code=ExitCode.INCOMPLETE, log_status=LogStatus.INCOMPLETE, problem=problem)


def _live(state: State, problem: str = "") -> Ending:
    """Nothing has passed yet, whatever the events say: anybody may have written them."""
    code = exit_code_so_far(state) or ExitCode.PENDING
    return Ending(exit_code=code, log_status=LogStatus.LIVE, problem=problem)


def _stranger(folder: str, state: State) -> str:
    """Why the log cannot be that of this run of this folder; empty if it can."""
    state_dir, run_id = place_of(folder)
    if state.started is None:
        return ""
    if state.started.run_id != run_id:
        return f"the log in runs/{run_id} is that of another run"
    try:
        owner, itself = os.stat(state_dir).st_uid, os.lstat(folder)
        owners = {itself.st_uid, os.lstat(os.path.join(folder, LOG_NAME)).st_uid}
    except OSError as error:
        return f"the run folder cannot be looked at: {error.strerror}"
    if not stat.S_ISDIR(itself.st_mode):
        return f"runs/{run_id} is a symbolic link: what it leads to is no run of this folder"
    return "" if owners == {owner} else f"runs/{run_id} belongs to another user than its folder"


def _of_sealed(folder: str, state: State, seal: str) -> Ending:
    state_dir, run_id = place_of(folder)
    said = statements_of(state_dir)
    if not said:
        # Only a check of a run that began and ended in between can have changed it since.
        stands = bears_seal(folder, seal)
        said = statements_of(state_dir)
        if not said and not stands:
            return corrupt("the log is no longer the one that was read")
    if said:
        return _as_they_say(said, run_id, seal, state)
    if _goes_on(folder, state):
        return _live(state, UNVOUCHED)
    return Ending(log_status=LogStatus.COMPLETE)


def _as_they_say(said: list[Statement | None], run_id: str, seal: str, state: State) -> Ending:
    """The ending that all supervisors agree on; where they differ, the worst one counts."""
    endings = [_as_one_says(each, run_id, seal, state) for each in said]
    order = (LogStatus.CORRUPT, LogStatus.INCOMPLETE, LogStatus.LIVE, LogStatus.COMPLETE)
    return min(endings, key=lambda ending: order.index(ending.log_status or LogStatus.CORRUPT))


def _as_one_says(statement: Statement | None, run_id: str, seal: str, state: State) -> Ending:
    if statement is None:
        return incomplete("a supervisor of this folder lives and does not say whether it vouches")
    run = next((run for run in statement.runs if run.run_id == run_id), None)
    if run is None:
        return corrupt("a supervisor of this folder lives and knows no such run")
    if run.nested and not run.seal:
        return incomplete("the run was started inside a check of a run that is not over")
    if run.seal == seal:
        return Ending(log_status=LogStatus.COMPLETE)
    if run.seal == "" and run_id in statement.live:
        return _live(state, UNVOUCHED)
    return corrupt("the log bears a seal that its supervisor has not written")


def _of_unsealed(reading: LogReading, folder: str, state: State) -> Ending:
    if reading.status is LogStatus.LIVE or _is_said_to_go_on(folder):
        return _live(state)
    if reading.writer_alive is None and _supervisor_lives(state):
        return _live(state)  # where there are no locks
    gone = reading.writer_alive is False
    writer = "its writer is gone" if gone else "whether its writer lives is unknown"
    unsealed = f"the run has no verdict: its log has no seal, and {writer}"
    return incomplete(crash_of(folder) or unsealed)


def _is_said_to_go_on(folder: str) -> bool:
    """Whether a supervisor says that the run goes on, although its log has no writer."""
    state_dir, run_id = place_of(folder)
    return run_id in runs_going_on(state_dir)


def _goes_on(folder: str, state: State) -> bool:
    """Whether a supervisor that does not answer stays: it may have vouched, and be on its way out.

    Its verdict was out while it answered, and must not be taken back for the time of an exit.
    """
    for _ in range(EXIT_LOOKS):
        if not has_writer(folder) and not _supervisor_lives(state):
            return False
        sleep_s(EXIT_LOOK_S)
    return True


def _supervisor_lives(state: State) -> bool:
    """Whether the process that the log names still is, on this machine and since this boot."""
    started = state.started
    if started is None or not started.pid_start or started.boot_id != boot_id():
        return False
    return is_alive(Identity(started.pid, started.pid_start))
