"""The state machine of a check at a glance: which event is legal in which state (DESIGN section 3).

pending --frontier.advanced--> ready --check.queued--> queued --check.started--> running
running --check.attempt_finished--> running (over) --check.settled--> settled
running (over) --check.retry_scheduled--> backoff --check.queued--> queued
pending, ready, queued, backoff --check.settled (skipped, cancelled, refused)--> settled
"""

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckIdle,
    CheckQueued,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSettled,
    CheckSlow,
    CheckStarted,
    CheckTerminationRequested,
    Event,
    FrontierAdvanced,
)
from vibeguard.core.names import CheckState, Outcome

PENDING, READY, QUEUED, RUNNING, BACKOFF, SETTLED = (
    CheckState.PENDING,
    CheckState.READY,
    CheckState.QUEUED,
    CheckState.RUNNING,
    CheckState.BACKOFF,
    CheckState.SETTLED,
)

LEGAL_STATES: dict[type[Event], frozenset[CheckState]] = {
    FrontierAdvanced: frozenset({PENDING}),
    CheckQueued: frozenset({READY, BACKOFF}),
    CheckRequirementWaived: frozenset({QUEUED}),
    CheckStarted: frozenset({QUEUED}),
    CheckSlow: frozenset({RUNNING}),
    CheckIdle: frozenset({RUNNING}),
    CheckHang: frozenset({RUNNING}),
    CheckTerminationRequested: frozenset({RUNNING}),
    CheckAttemptFinished: frozenset({RUNNING, QUEUED}),
    CheckExtracted: frozenset({RUNNING}),
    CheckRetryScheduled: frozenset({RUNNING}),
    CheckSettled: frozenset({PENDING, READY, QUEUED, RUNNING, BACKOFF}),
}

SETTLES_FROM: dict[Outcome, frozenset[CheckState]] = {
    Outcome.PASSED: frozenset({RUNNING}),
    Outcome.FAILED: frozenset({RUNNING}),
    Outcome.TIMEOUT: frozenset({RUNNING}),
    Outcome.ERROR: frozenset({RUNNING, QUEUED}),
    Outcome.SKIPPED: frozenset({PENDING, READY, QUEUED}),
    Outcome.CANCELLED: frozenset({PENDING, READY, QUEUED, RUNNING, BACKOFF}),
}
