"""Whether a `check.settled` is borne out by its parts: every reason belongs to one outcome."""

from collections.abc import Callable, Mapping

from vibeguard.core.fold.transitions import QUEUED, RUNNING, SETTLES_FROM
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    UNPASSED,
    AttemptEnd,
    CancelReason,
    LeakPolicy,
    OnChange,
    Outcome,
    QuarantineState,
    Reason,
    TerminationReason,
    WhilePending,
)

Rule = Callable[[State, CheckRecord, CheckSettled], str]

_TIMEOUTS = {
    Reason.TIMEOUT: TerminationReason.TIMEOUT,
    Reason.IDLE: TerminationReason.IDLE,
}
# Only a cancel of the whole run ends an attempt for these.
CANCELS_ALL = frozenset(
    {
        TerminationReason.FAIL_FAST,
        TerminationReason.FRONT_LOST,
        TerminationReason.RUN_TIMEOUT,
        TerminationReason.SIGNAL,
    }
)
# Names for members: see checks.py.
_CANCELLED = Outcome.CANCELLED
_EXITED = AttemptEnd.EXITED
_FAIL = LeakPolicy.FAIL
_IGNORE = LeakPolicy.IGNORE
_LEAK = TerminationReason.LEAK
_PASSED = Outcome.PASSED
_SKIPPED = Outcome.SKIPPED


def contradiction(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """What is wrong with settling `record` by `event`; empty when nothing is."""
    outcome = event.outcome
    if record.state not in SETTLES_FROM[outcome]:
        return f"it was {record.state.value}"
    if record.state is RUNNING and not record.attempt_over:
        return "its attempt is under way"
    if event.attempts != (0 if record.first_started_t is None else _attempts(record)):
        return "it counts other attempts than it had"
    if event.flaky != (outcome is _PASSED and event.attempts - record.lost > 1):
        return "its flakiness contradicts its attempts"
    finished = record.finished
    leaked = finished is not None and finished.leaked and record.planned.leaks is not _IGNORE
    if event.leaked is not bool(leaked):
        return "what it left behind contradicts its attempt"
    if event.waived and outcome is not _SKIPPED:
        return "only a skip can be waived"
    if event.quarantined is not _quarantine_holds(record, event):
        return "its quarantine says otherwise"
    if event.cause and outcome is not _SKIPPED and event.reason is not Reason.FAIL_FAST:
        return f"{event.cause} has nothing to do with that"
    if record.reused is not None or event.reason is Reason.REUSED:
        return _reused(record, event)
    if outcome is _PASSED:
        return _passed(record, event)
    if event.reason is None:
        return "it gives no reason"
    belongs_to, rule = _RULES[event.reason]
    if belongs_to is not outcome:
        return f"{event.reason.value} is no reason for that"
    return rule(state, record, event)


def _quarantine_holds(record: CheckRecord, event: CheckSettled) -> bool:
    results = record.results
    if results is None or results.quarantine is not QuarantineState.APPLIES:
        return False
    return event.reason is Reason.EXIT_CODE and record.planned.quarantine is not None


def _attempts(record: CheckRecord) -> int:
    started = record.started
    return 0 if started is None else started.attempt


def decisive_termination(record: CheckRecord) -> TerminationReason | None:
    """Why the attempt was ended, if that decides its outcome (a swept leak does not)."""
    termination = record.termination
    if termination is None or termination.reason is _LEAK:
        return None
    return termination.reason


def _reused(record: CheckRecord, event: CheckSettled) -> str:
    if record.reused is None or event.outcome is not _PASSED or event.reason is not Reason.REUSED:
        return "whether an earlier pass stands for it contradicts that"
    return ""


def _passed(record: CheckRecord, event: CheckSettled) -> str:
    if event.reason is not None:
        return "a pass needs no reason"
    problem = unsuccessful(record)
    if problem:
        return problem
    finished, extracted, results = record.finished, record.extracted, record.results
    if record.planned.results and (results is None or results.failing):
        return "its results speak against it"
    if finished is not None and finished.leaked and record.planned.leaks is _FAIL:
        return "it left processes behind"
    if record.planned.assertion and (extracted is None or extracted.assertion_result is not True):
        return "its assertion did not hold"
    return ""


def unsuccessful(record: CheckRecord) -> str:
    """Why the command alone cannot be said to have succeeded; empty when it did."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.exit_code != 0:
        return "its command did not succeed"
    if record.termination is not None and decisive_termination(record) is not None:
        return "its attempt was ended by us"
    if finished.unkillable or finished.error:
        return _defect(record)
    return ""


def _defect(record: CheckRecord) -> str:
    """Why the present attempt cannot be judged at all, only be an error; empty when it can."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED:
        return "its command did not end by itself"
    if finished.unkillable:
        return "processes of it are still alive"
    return "its output was not stored" if finished.error else ""


def ended_well(record: CheckRecord) -> str:
    """Why an attempt that is over has not failed and not timed out; empty when it may have.

    Only what failed or timed out is tried again. The values of such an attempt are not recorded:
    its assertion may have been false.
    """
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.unkillable or finished.error:
        return _defect(record)
    if record.termination is None and finished.exit_code:
        return ""
    struck = decisive_termination(record)
    if struck in CANCELLED_FOR:
        return "its attempt was cancelled"
    planned = record.planned
    may_fail = planned.assertion or (finished.leaked and planned.leaks is _FAIL)
    if struck is None and finished.exit_code == 0 and not may_fail:
        return "its command succeeded"
    return ""


def _failed(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    finished, reason = record.finished, event.reason
    problem = _defect(record)
    if problem or finished is None:
        return problem
    limit = TerminationReason.OUTPUT_LIMIT if reason is Reason.OUTPUT_LIMIT else None
    if decisive_termination(record) is not limit:
        return "its attempt was ended by us" if limit is None else "it was not ended for its output"
    if reason is Reason.EXIT_CODE and not finished.exit_code:
        return "its exit code is 0"
    if reason is Reason.SIGNAL and not finished.signal:
        return "no signal ended it"
    return ""


def _failed_although_it_succeeded(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    """The command exited with 0, but something else speaks against it."""
    problem = unsuccessful(record)
    if problem:
        return problem
    finished, extracted = record.finished, record.extracted
    if event.reason is Reason.LEAK:
        leaked = finished is not None and finished.leaked and record.planned.leaks is _FAIL
        held = not record.planned.assertion or (extracted and extracted.assertion_result)
        return "" if leaked and held else "it left nothing behind, or its assertion did not hold"
    expected = False if event.reason is Reason.ASSERTION else None
    if not record.planned.assertion or extracted is None:
        return "it has no assertion that was looked at"
    if extracted.assertion_result is not expected:
        return "its assertion came to something else"
    return ""


def _results_against_it(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    """The command exited with 0, but its reports, or what is expected of them, say otherwise."""
    problem = unsuccessful(record)
    if problem:
        return problem
    planned, results = record.planned, record.results
    if results is None or not planned.results:
        return "it has no results"
    if event.reason is Reason.RESULTS_CONTRADICT and not results.failing:
        return "no test of it failed"
    if event.reason is Reason.EXPECTATION and planned.expect is None:
        return "nothing is expected of its results"
    return ""


def _timeout(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    if event.reason is None or _TIMEOUTS[event.reason] is not decisive_termination(record):
        return "no such timeout struck"
    return _defect(record)


def _requirement(state: State, record: CheckRecord, event: CheckSettled) -> str:
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


def _dependency_pending(state: State, record: CheckRecord, event: CheckSettled) -> str:
    if state.cancel is not None:
        return "a cancel had kept it from starting"
    if record.waived.get(event.cause) != WhilePending.SKIP or not event.waived:
        return "its config did not ask for it"
    return ""


def _nothing_to_confirm(state: State, record: CheckRecord, event: CheckSettled) -> str:
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


def _cancelled(state: State, record: CheckRecord, event: CheckSettled) -> str:
    """A running check was ended for that reason; another one was kept from starting by it."""
    if record.attempt_over:
        struck = decisive_termination(record)
        if record.state is QUEUED or struck is None or CANCELLED_FOR.get(struck) != event.reason:
            return "its attempt ended otherwise"
        if problem := _defect(record):
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


def _error(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    """The attempt ended in a way that cannot be judged."""
    finished, reason = record.finished, event.reason
    if finished is None or not record.attempt_over:
        return "it had no attempt"
    if (reason is Reason.NOT_STARTABLE) != (finished.end is AttemptEnd.REFUSED):
        return "its start was another one"
    if (reason is Reason.LOST) != (finished.end is AttemptEnd.LOST):
        return "its end is another one"
    if (reason is Reason.UNKILLABLE) != (finished.end is _EXITED and bool(finished.unkillable)):
        return "what is still alive contradicts that"
    if problem := _values_read(record, event):
        return problem
    if reason is Reason.OUTPUT_LOST and not finished.error:  # stored, but not read back for grok
        return unsuccessful(record) if record.planned.grok else "its output was not lost"
    if reason is Reason.INTERNAL:
        return _defect(record)
    return ""


def _unreadable(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    """The command succeeded, but what it wrote could not be judged."""
    planned = record.planned
    asked = {
        Reason.FILE: planned.file,
        Reason.GROK_LIMIT: planned.grok,
        Reason.BAD_VALUE: planned.grok or planned.assertion,
        Reason.JUDGE_TIMEOUT: planned.grok or planned.assertion or planned.file or planned.results,
    }
    if event.reason is None or not asked[event.reason]:
        return "its config asks for nothing of the kind"
    if record.extracted is not None and record.extracted.assertion_result is not None:
        return "its assertion was evaluated"
    return _values_read(record, event) or unsuccessful(record)


def _values_read(record: CheckRecord, event: CheckSettled) -> str:
    """Patterns find or miss only once the whole output was read: then only a value can be bad."""
    extracted = record.extracted
    if extracted is None or event.reason is Reason.BAD_VALUE:
        return ""
    return "its values were read" if extracted.values or extracted.unmatched else ""


def _changed_files(_state: State, record: CheckRecord, _event: CheckSettled) -> str:
    """The command succeeded, and left other files than it must."""
    if record.planned.on_change is not OnChange.FAIL:
        return "its config lets it change files"
    return unsuccessful(record)


def _tree_moved(state: State, record: CheckRecord, _event: CheckSettled) -> str:
    """It saw files of the work tree that are no more what is staged."""
    if state.started is None or state.started.staged is None:
        return "what is staged was not what it checked"
    return _defect(record)


_RULES: Mapping[Reason, tuple[Outcome, Rule]] = {
    Reason.REUSED: (_PASSED, lambda _, record, event: _reused(record, event)),
    Reason.EXIT_CODE: (Outcome.FAILED, _failed),
    Reason.SIGNAL: (Outcome.FAILED, _failed),
    Reason.OUTPUT_LIMIT: (Outcome.FAILED, _failed),
    Reason.ASSERTION: (Outcome.FAILED, _failed_although_it_succeeded),
    Reason.NOT_EXTRACTED: (Outcome.FAILED, _failed_although_it_succeeded),
    Reason.LEAK: (Outcome.FAILED, _failed_although_it_succeeded),
    Reason.RESULTS_CONTRADICT: (Outcome.FAILED, _results_against_it),
    Reason.CHANGED_FILES: (Outcome.FAILED, _changed_files),
    Reason.EXPECTATION: (Outcome.FAILED, _results_against_it),
    Reason.TIMEOUT: (Outcome.TIMEOUT, _timeout),
    Reason.IDLE: (Outcome.TIMEOUT, _timeout),
    Reason.REQUIREMENT: (_SKIPPED, _requirement),
    Reason.DEPENDENCY_PENDING: (_SKIPPED, _dependency_pending),
    Reason.NOTHING_TO_CONFIRM: (_SKIPPED, _nothing_to_confirm),
    **dict.fromkeys(CANCELLED_FOR.values(), (_CANCELLED, _cancelled)),
    Reason.NOT_STARTABLE: (Outcome.ERROR, _error),
    Reason.LOST: (Outcome.ERROR, _error),
    Reason.UNKILLABLE: (Outcome.ERROR, _error),
    Reason.OUTPUT_LOST: (Outcome.ERROR, _error),
    Reason.INTERNAL: (Outcome.ERROR, _error),
    Reason.TREE_MOVED: (Outcome.ERROR, _tree_moved),
    Reason.RESULTS: (Outcome.ERROR, _results_against_it),
    Reason.FILE: (Outcome.ERROR, _unreadable),
    Reason.GROK_LIMIT: (Outcome.ERROR, _unreadable),
    Reason.BAD_VALUE: (Outcome.ERROR, _unreadable),
    Reason.JUDGE_TIMEOUT: (Outcome.ERROR, _unreadable),
}
