"""What the reason for which a run is cancelled means for its processes and for its checks."""

from vibeguard.core.names import CancelReason, Outcome, Reason, Severity, TerminationReason

_MEANING: dict[CancelReason, tuple[TerminationReason, Reason]] = {
    CancelReason.SIGNAL: (TerminationReason.SIGNAL, Reason.INTERRUPTED),
    CancelReason.CANCEL: (TerminationReason.CANCEL, Reason.CANCEL),
    CancelReason.FAIL_FAST: (TerminationReason.FAIL_FAST, Reason.FAIL_FAST),
    CancelReason.FRONT_LOST: (TerminationReason.FRONT_LOST, Reason.FRONT_LOST),
    CancelReason.RUN_TIMEOUT: (TerminationReason.RUN_TIMEOUT, Reason.RUN_TIMEOUT),
    CancelReason.LOG_FAILURE: (TerminationReason.LOG_FAILURE, Reason.LOG_FAILURE),
}
_REASONS = dict(_MEANING.values())
_FAILS_FAST = frozenset({Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR})


def termination_for(reason: CancelReason) -> TerminationReason:
    """Why processes are ended when the run is cancelled for `reason`."""
    return _MEANING[reason][0]


def reason_for(termination: TerminationReason) -> Reason:
    """Why a check settles as cancelled whose processes were ended for `termination`."""
    return _REASONS.get(termination, Reason.CANCEL)


def fails_fast(severity: Severity, outcome: Outcome) -> bool:
    """Whether fail-fast reacts: not to warnings, and never to a skip or a cancel."""
    return severity is Severity.ERROR and outcome in _FAILS_FAST
