"""Whether a `check.settled` is borne out by its parts: one rule an outcome."""

from vibeguard.core.fold.transitions import RUNNING, SETTLES_FROM
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    AttemptEnd,
    LeakPolicy,
    Outcome,
    Reason,
    TerminationReason,
    WhilePending,
)

_DECISIVE = frozenset(TerminationReason) - {TerminationReason.LEAK}
_TIMEOUTS = {
    Reason.TIMEOUT: TerminationReason.TIMEOUT,
    Reason.IDLE: TerminationReason.IDLE,
}
_CANCELS_WHOLE_RUN = frozenset(
    {
        Reason.FAIL_FAST,
        Reason.INTERRUPTED,
        Reason.FRONT_LOST,
        Reason.RUN_TIMEOUT,
        Reason.LOG_FAILURE,
    }
)
# Names for members: see checks.py.
_CANCELLED = Outcome.CANCELLED
_EXITED = AttemptEnd.EXITED
_FAIL = LeakPolicy.FAIL
_FAILED = Outcome.FAILED
_PASSED = Outcome.PASSED
_SKIPPED = Outcome.SKIPPED
_TIMEOUT = Outcome.TIMEOUT


def contradiction(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """What is wrong with settling `record` by `event`; empty when nothing is."""
    outcome = event.outcome
    if record.state not in SETTLES_FROM[outcome]:
        return f"it was {record.state.value}"
    if record.state is RUNNING and not record.attempt_over:
        return "its attempt is under way"
    if event.attempts != (0 if record.first_started_t is None else _attempts(record)):
        return "it counts other attempts than it had"
    if event.flaky != (outcome is _PASSED and event.attempts > 1):
        return "its flakiness contradicts its attempts"
    if outcome is _PASSED:
        return _passed(record, event)
    if event.reason is None:
        return "it gives no reason"
    if outcome is _FAILED:
        return _failed(record, event.reason)
    if outcome is _TIMEOUT:
        return _timeout(record, event.reason)
    if outcome is _SKIPPED:
        return _skipped(state, record, event)
    if outcome is _CANCELLED:
        return _cancelled(state, event.reason)
    return ""


def _attempts(record: CheckRecord) -> int:
    started = record.started
    return 0 if started is None else started.attempt


def decisive_termination(record: CheckRecord) -> TerminationReason | None:
    """Why the attempt was ended, if that decides its outcome (a swept leak does not)."""
    if record.termination is not None and record.termination.reason in _DECISIVE:
        return record.termination.reason
    return None


def _passed(record: CheckRecord, event: CheckSettled) -> str:
    finished = record.finished
    if event.reason is not None:
        return "a pass needs no reason"
    if finished is None or finished.end is not _EXITED or finished.exit_code != 0:
        return "its command did not succeed"
    if decisive_termination(record) is not None:
        return "its attempt was ended by us"
    if finished.unkillable:
        return "processes of it are still alive"
    if finished.leaked and record.planned.leaks is _FAIL:
        return "it left processes behind"
    extracted = record.extracted
    if record.planned.assertion and (extracted is None or extracted.assertion_result is not True):
        return "its assertion did not hold"
    return ""


def _failed(record: CheckRecord, reason: Reason) -> str:
    finished = record.finished
    if finished is None or finished.end is not _EXITED:
        return "its command did not end by itself"
    if reason is Reason.EXIT_CODE and not finished.exit_code:
        return "its exit code is 0"
    if reason is Reason.SIGNAL and not finished.signal:
        return "no signal ended it"
    if reason is Reason.LEAK and not finished.leaked:
        return "it left nothing behind"
    if reason is Reason.OUTPUT_LIMIT:
        if decisive_termination(record) is not TerminationReason.OUTPUT_LIMIT:
            return "it was not ended for its output"
    elif decisive_termination(record) is not None:
        return "its attempt was ended by us"
    if reason is Reason.ASSERTION:
        extracted = record.extracted
        if extracted is None or extracted.assertion_result is not False:
            return "its assertion was not false"
    return ""


def _timeout(record: CheckRecord, reason: Reason) -> str:
    if _TIMEOUTS.get(reason) is not decisive_termination(record):
        return "no such timeout struck"
    return ""


def _skipped(state: State, record: CheckRecord, event: CheckSettled) -> str:
    if event.reason is Reason.DEPENDENCY_PENDING:
        if record.waived.get(event.cause) != WhilePending.SKIP or not event.waived:
            return "its config did not ask for it"
        return ""
    for requirement in record.planned.requires:
        required = state.checks[requirement.check]
        if required.settled is None or required.outcome is _PASSED:
            continue
        if event.waived and not required.settled.waived:
            continue
        if event.cause == root_cause(required):
            return ""
    return "nothing that it requires failed to pass"


def root_cause(record: CheckRecord) -> str:
    """The check at the root of what `record` hands on to its dependents."""
    settled = record.settled
    if settled is not None and settled.outcome is _SKIPPED and settled.cause:
        return settled.cause
    return record.planned.id


def _cancelled(state: State, reason: Reason) -> str:
    if reason in _CANCELS_WHOLE_RUN and state.cancel is None:
        return "the run was not cancelled"
    return ""
