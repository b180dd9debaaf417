"""Why a check of a State settled as it did, and because of which other check."""

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Outcome, Reason, Severity
from vibeguard.core.report.workers import awaited_worker
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sentences import Facts, status_word, why

_MOST_CHARACTERS = 2_500  # a detail of the judge and what stands before it


def shown_status(record: CheckRecord) -> str:
    """The word for where a check stands: its state, its outcome, or `warned`."""
    if record.outcome is None:
        return record.state.value
    quarantined = record.settled is not None and record.settled.quarantined
    severity = Severity.WARNING if quarantined else record.planned.severity
    return status_word(record.outcome.value, severity)


def cause_of(record: CheckRecord) -> str:
    """The check because of which this one was skipped or cancelled; empty when there is none."""
    return record.settled.cause if record.settled else ""


def reason_of(state: State, record: CheckRecord) -> str:
    """Why the check settled as it did, in half a sentence of bearable length, untrusted as it is.

    Of a check that has not settled: what worker it waits for, if it does.
    """
    settled = record.settled
    if settled is None:
        awaited = awaited_worker(record)
        return f"waiting for {awaited}" if awaited else ""
    cause = state.checks.get(settled.cause)
    finished, planned = record.finished, record.planned
    passed = settled.outcome is Outcome.PASSED
    sentence = why(
        Facts(
            outcome=settled.outcome,
            reason=settled.reason,
            detail=settled.detail or (finished.error if finished and not passed else ""),
            exit_code=finished.exit_code if finished else None,
            signal=finished.signal if finished else "",
            timeout_ns=planned.timeout_ns,
            idle_timeout_ns=planned.idle_timeout_ns or 0,
            output_limit_bytes=planned.output_limit_bytes,
            assertion=planned.assertion,
            cause=settled.cause,
            cause_outcome=cause.outcome.value if cause and cause.outcome else "",
            direct=_direct(state, record),
            cancelled_by=state.cancel.by if state.cancel else "",
            reused_from=record.reused.run if record.reused else "",
        )
    )
    return shorten(sentence, _MOST_CHARACTERS)


def late_failures(state: State, record: CheckRecord) -> tuple[str, ...]:
    """The requirements that a check did not wait for and that did not pass afterwards."""
    return tuple(
        check
        for check in record.ran_before
        if state.checks[check].state is CheckState.SETTLED
        and state.checks[check].outcome is not Outcome.PASSED
    )


def _direct(state: State, record: CheckRecord) -> str:
    """The requirement itself that stood in the way of a skipped check."""
    settled = record.settled
    if settled is None or settled.reason is not Reason.REQUIREMENT:
        return ""
    names = [requirement.check for requirement in record.planned.requires]
    if settled.cause in names:
        return settled.cause
    for name in names:
        required = state.checks.get(name)
        if required and required.settled and required.settled.cause == settled.cause:
            return name
    return ""
