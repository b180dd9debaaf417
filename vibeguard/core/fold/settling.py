"""Whether a `check.settled` is borne out by its parts: every reason belongs to one outcome."""

from collections.abc import Callable, Mapping

from vibeguard.core.fold.ended_attempts import (
    cancelled,
    decisive_termination,
    defect,
    dependency_pending,
    nothing_to_confirm,
    requirement,
    unsuccessful,
)
from vibeguard.core.fold.states import RUNNING, SETTLES_FROM
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCELLED_FOR,
    AttemptEnd,
    LeakPolicy,
    OnChange,
    Outcome,
    QuarantineState,
    Reason,
    TerminationReason,
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
    if event.attempts != (record.started.attempt if record.started else 0):
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


def _failed(_state: State, record: CheckRecord, event: CheckSettled) -> str:
    finished, reason = record.finished, event.reason
    problem = defect(record)
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
    return defect(record)


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
        return defect(record)
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
    """Recorded values show that the output was read: then only a value can be the reason."""
    extracted = record.extracted
    if extracted is None or event.reason is Reason.BAD_VALUE:
        return ""
    return "its values were read" if extracted.values or extracted.unmatched else ""


def _changed_files(_state: State, record: CheckRecord, _event: CheckSettled) -> str:
    """The command succeeded, but changed files that it must not change."""
    if record.planned.on_change is not OnChange.FAIL:
        return "its config lets it change files"
    return unsuccessful(record)


def _tree_moved(state: State, record: CheckRecord, _event: CheckSettled) -> str:
    """Files that it saw were changed meanwhile: it did not check what is staged."""
    if state.started is None or state.started.staged is None:
        return "what is staged was not what it checked"
    return defect(record)


_RULES: Mapping[Reason, tuple[Outcome, Rule]] = {
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
    Reason.REQUIREMENT: (_SKIPPED, requirement),
    Reason.DEPENDENCY_PENDING: (_SKIPPED, dependency_pending),
    Reason.NOTHING_TO_CONFIRM: (_SKIPPED, nothing_to_confirm),
    **dict.fromkeys(CANCELLED_FOR.values(), (_CANCELLED, cancelled)),
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
