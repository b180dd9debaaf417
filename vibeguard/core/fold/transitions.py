"""The state machine of a check at a glance: which event is legal in which state (DESIGN section 3).

pending --frontier.advanced--> ready --check.queued--> queued --check.started--> running
running --check.attempt_finished--> running (over) --check.settled--> settled
running (over) --check.retry_scheduled--> backoff --check.queued--> queued
ready --check.reused--> ready --check.settled (passed)--> settled
pending, ready, queued, backoff --check.settled (skipped, cancelled, refused)--> settled
"""

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckIdle,
    CheckQueued,
    CheckRequirementWaived,
    CheckResults,
    CheckRetryScheduled,
    CheckReused,
    CheckSettled,
    CheckSlow,
    CheckStarted,
    CheckSubmitted,
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

LEGAL_STATES: dict[type[Event], tuple[CheckState, ...]] = {
    FrontierAdvanced: (PENDING,),
    CheckQueued: (READY, BACKOFF),
    CheckRequirementWaived: (QUEUED,),
    CheckReused: (READY,),
    CheckSubmitted: (QUEUED,),
    CheckStarted: (QUEUED,),
    CheckSlow: (RUNNING,),
    CheckIdle: (RUNNING,),
    CheckHang: (RUNNING,),
    CheckTerminationRequested: (RUNNING,),
    CheckAttemptFinished: (RUNNING, QUEUED),
    CheckExtracted: (RUNNING,),
    CheckResults: (RUNNING,),
    CheckRetryScheduled: (RUNNING,),
    CheckSettled: (PENDING, READY, QUEUED, RUNNING, BACKOFF),
}

SETTLES_FROM: dict[Outcome, frozenset[CheckState]] = {
    Outcome.PASSED: frozenset({RUNNING, READY}),
    Outcome.FAILED: frozenset({RUNNING}),
    Outcome.TIMEOUT: frozenset({RUNNING}),
    Outcome.ERROR: frozenset({RUNNING, QUEUED}),
    Outcome.SKIPPED: frozenset({PENDING, READY, QUEUED}),
    Outcome.CANCELLED: frozenset({PENDING, READY, QUEUED, RUNNING, BACKOFF}),
}
