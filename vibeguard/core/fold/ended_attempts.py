"""How an attempt that is over ended; and whether a skip or a cancel is borne out."""

from vibeguard.core.fold.states import QUEUED
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    UNPASSED,
    AttemptEnd,
    CancelReason,
    LeakPolicy,
    Outcome,
    Reason,
    TerminationReason,
    WhilePending,
)

# Names for members: see checks.py.
_EXITED = AttemptEnd.EXITED
_FAIL = LeakPolicy.FAIL
_LEAK = TerminationReason.LEAK
_LOST = AttemptEnd.LOST
_PASSED = Outcome.PASSED
_SKIPPED = Outcome.SKIPPED


def decisive_termination(record: CheckRecord) -> TerminationReason | None:
    """Why the attempt was ended, if that decides its outcome (a swept leak does not)."""
    termination = record.termination
    if termination is None or termination.reason is _LEAK:
        return None
    return termination.reason


def unsuccessful(record: CheckRecord) -> str:
    """Why the command alone cannot be said to have succeeded; empty when it did."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.exit_code != 0:
        return "its command did not succeed"
    if record.termination is not None and decisive_termination(record) is not None:
        return "its attempt was ended by us"
    if finished.unkillable or finished.error:
        return defect(record)
    return ""


def defect(record: CheckRecord) -> str:
    """Why the present attempt cannot be judged at all, only be an error; empty when it can."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED:
        return "its command did not end by itself"
    if finished.unkillable:
        return "processes of it are still alive"
    return "its output was not stored" if finished.error else ""


def not_tried_again(record: CheckRecord) -> str:
    """Why an attempt that is over is not tried again; empty when it may be.

    Only what failed, timed out or was lost is tried again, the last as often as `retry_lost` says.
    The values of such an attempt are not recorded: its assertion may have been false.
    """
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.unkillable or finished.error:
        lost = finished is not None and finished.end is _LOST
        return "" if lost and record.lost <= record.planned.retry_lost else defect(record)
    if record.termination is None and finished.exit_code:
        return ""
    struck = decisive_termination(record)
    if struck in CANCELLED_FOR:
        return "its attempt was cancelled"
    may_fail = record.planned.assertion or _left_behind(record) or _results_object(record)
    if struck is None and finished.exit_code == 0 and not may_fail:
        return "its command succeeded"
    return ""


def _left_behind(record: CheckRecord) -> bool:
    finished, planned = record.finished, record.planned
    return finished is not None and bool(finished.leaked) and planned.leaks is _FAIL


def _results_object(record: CheckRecord) -> bool:
    """A test failed beside exit code 0, or the results may not be what is expected of them."""
    results, planned = record.results, record.planned
    if results is None or not planned.results:
        return False
    return bool(results.failing) or planned.expect is not None


def requirement(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """Something that it waits for did not pass."""
    if record.first_started_t is not None:
        return "it had started"
    if state.cancel is not None:
        return "a cancel had kept it from starting"
    problem = "nothing that it requires failed to pass"
    for requirement in record.planned.requires:
        required = state.checks[requirement.check]
        if required.settled is None or required.outcome is _PASSED:
            continue
        if event.waived and not required.settled.waived:
            return "nothing that it requires excuses that: one of them did not pass"
        if event.waived is required.settled.waived and event.cause == root_cause(required):
            problem = ""
    return problem


def dependency_pending(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """`while_pending: skip` was chosen for a requirement that had not settled."""
    if state.cancel is not None:
        return "a cancel had kept it from starting"
    if record.waived.get(event.cause) != WhilePending.SKIP or not event.waived:
        return "its config did not ask for it"
    return ""


def nothing_to_confirm(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """The check that it would run again was not reused."""
    confirmed = state.checks.get(record.planned.confirms)
    if confirmed is None or confirmed.settled is None or confirmed.reused is not None:
        return "there was a pass to confirm, or it confirms none"
    if not event.waived or event.cause != confirmed.planned.id or state.cancel is not None:
        return "its plan asks for that"
    return ""


def root_cause(record: CheckRecord) -> str:
    """The check at the root of what `record` hands on to its dependents."""
    settled = record.settled
    if settled is not None and settled.outcome is _SKIPPED and settled.cause:
        return settled.cause
    return record.planned.id


def cancelled(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """A running check was ended for that reason; another one was kept from starting by it."""
    if record.attempt_over:
        struck = decisive_termination(record)
        if record.state is QUEUED or struck is None or CANCELLED_FOR.get(struck) != event.reason:
            return "its attempt ended otherwise"
        if problem := defect(record):
            return problem
    elif state.cancel is not None:
        if CANCELLED_FOR[state.cancel.reason] is not event.reason:
            return "the run was cancelled for another reason"
    elif event.reason is not Reason.CANCEL:
        return "the run was not cancelled"
    if event.reason is Reason.FAIL_FAST:
        return _failed_fast(state, event.cause)
    return ""


def _failed_fast(state: State, cause: str) -> str:
    """The failure that cancelled the rest; a signal after it does not change what that was."""
    cancel, failed = state.cancel, state.checks.get(cause)
    by = cancel is not None and cancel.reason is CancelReason.FAIL_FAST and cancel.by != cause
    if by or failed is None or failed.outcome not in UNPASSED:
        return f"{cause or 'nothing'} did not cause that"
    return ""
