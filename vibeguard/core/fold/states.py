"""The states of a check by their names, and from which of them it may settle how."""

from vibeguard.core.names import CheckState, Outcome

PENDING, READY, QUEUED, RUNNING, BACKOFF, SETTLED = (
    CheckState.PENDING,
    CheckState.READY,
    CheckState.QUEUED,
    CheckState.RUNNING,
    CheckState.BACKOFF,
    CheckState.SETTLED,
)

SETTLES_FROM: dict[Outcome, frozenset[CheckState]] = {
    Outcome.PASSED: frozenset({RUNNING, READY}),
    Outcome.FAILED: frozenset({RUNNING}),
    Outcome.TIMEOUT: frozenset({RUNNING}),
    Outcome.ERROR: frozenset({RUNNING, QUEUED}),
    Outcome.SKIPPED: frozenset({PENDING, READY, QUEUED}),
    Outcome.CANCELLED: frozenset({PENDING, READY, QUEUED, RUNNING, BACKOFF}),
}
