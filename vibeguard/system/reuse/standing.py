"""Whether a record counts: its run is complete and vouched for, and the check passed in it."""

import os

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CancelReason, LogStatus, Outcome
from vibeguard.core.reuse.record import Record
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.endings import ending_of


class Standing:
    """Looks records up in the logs that they refer to; each log is read once."""

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir
        self._runs: dict[str, tuple[State, str] | str] = {}

    def problem(self, record: Record) -> str:
        """Why a record cannot stand, as half a sentence; empty where it can."""
        if not record.run or os.sep in record.run:
            return "it names no run"
        if record.run not in self._runs:
            self._runs[record.run] = self._read(record.run)
        found = self._runs[record.run]
        if isinstance(found, str):
            return found
        state, seal = found
        if seal != record.seal:
            return f"run {record.run} bears another seal"
        check = state.checks.get(record.check)
        if check is None or not is_plain_pass(check):
            return f"run {record.run} does not show the pass"
        return ""

    def _read(self, run: str) -> tuple[State, str] | str:
        """A run's State and seal, or why it cannot be believed."""
        folder = run_folder(self._state_dir, run)
        if not os.path.isdir(folder):
            return f"run {run} is not there any more"
        state, reading = open_state(folder)
        ending = ending_of(reading, folder, state)
        if ending.log_status is not LogStatus.COMPLETE or reading.seal is None:
            return f"run {run} cannot be believed: {ending.problem or 'it is not over'}"
        if lost_something(state):
            return f"run {run} could not store all that belongs to it"
        return state, reading.seal.sha256


def lost_something(state: State) -> bool:
    """Whether `report` says 4 of the run although its log is whole: an output is not."""
    return state.cancel is not None and state.cancel.reason is CancelReason.LOG_FAILURE


def is_plain_pass(check: CheckRecord) -> bool:
    """Whether a check ran and passed at once, and left nothing behind."""
    settled, finished = check.settled, check.finished
    return (
        settled is not None
        and settled.outcome is Outcome.PASSED
        and check.reused is None
        and not settled.flaky
        and not settled.leaked
        and finished is not None
        and not finished.leaked
    )
