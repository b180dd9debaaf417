"""Whether a skip or a cancel is borne out: what is wrong with it, empty where nothing is."""

from vibeguard.core.fold.ended_attempts import decisive_termination, defect
from vibeguard.core.fold.states import QUEUED
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    UNPASSED,
    CancelReason,
    Outcome,
    Reason,
    WhilePending,
)

# Names for members: see checks.py.
_PASSED = Outcome.PASSED
_SKIPPED = Outcome.SKIPPED


def requirement(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """Something that it waits for did not pass."""
    if record.first_started_t is not None:
        return "it had started"
    if state.cancel is not None:
        return "a cancel had kept it from starting"
    for requirement in record.planned.requires:
        required = state.checks[requirement.check]
        if required.settled is None or required.outcome is _PASSED:
            continue
        if event.waived is required.settled.waived and event.cause == root_cause(required):
            return ""
    return "nothing that it requires failed to pass"


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
    if confirmed is None or confirmed.outcome is not _PASSED or confirmed.reused is not None:
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
