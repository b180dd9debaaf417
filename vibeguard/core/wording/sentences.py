"""From machine words to sentences, as far as no State is needed for them."""

import re

from vibeguard.core.names import (
    NOT_EXECUTABLE,
    NOT_FOUND,
    UNPASSED,
    CancelReason,
    Severity,
)

# What a shell says by these codes; everything else is the command's own business.
NOT_STARTED_CODES = {NOT_EXECUTABLE: "not executable", NOT_FOUND: "command not found"}


def status_word(status: str, severity: Severity) -> str:
    """The word that is shown for an outcome: a warning that did not pass is `warned`."""
    return "warned" if severity is Severity.WARNING and status in UNPASSED else status


# One of these begins what a detail says beside the end of a command that failed by itself.
UNREAD = "its output could not be judged: "
CHANGED = "changed files: "
MAYBE_CHANGED = f"it cannot be told whether it {CHANGED}"
BESIDE = re.compile(f"(?:{UNREAD}|{MAYBE_CHANGED}|{CHANGED}).*", re.DOTALL)

# How the outcome of another check is told.
ENDED = {
    "failed": "failed",
    "timeout": "timed out",
    "error": "could not be judged",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
}


def cancelled_because(reason: CancelReason, by: str) -> str:
    """Why a whole run was cancelled: `by SIGINT`, `because fmt failed`."""
    match reason:
        case CancelReason.SIGNAL:
            return f"by {by or 'a signal'}"
        case CancelReason.CANCEL:
            return "on request"
        case CancelReason.FAIL_FAST:
            return f"because {by} did not pass (fail-fast)" if by else "by fail-fast"
        case CancelReason.FRONT_LOST:
            return "because the command that guarded the run is gone"
        case CancelReason.RUN_TIMEOUT:
            return "because it took longer than run_timeout"
        case CancelReason.LOG_FAILURE:
            return "because it could not be recorded" + (f": {by}" if by else "")
