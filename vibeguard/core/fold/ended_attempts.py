"""How an attempt that is over ended, and what that leaves open."""

from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import CANCELLED_FOR, AttemptEnd, LeakPolicy, TerminationReason

# Names for members: see checks.py.
_EXITED = AttemptEnd.EXITED
_FAIL = LeakPolicy.FAIL
_LEAK = TerminationReason.LEAK
_LOST = AttemptEnd.LOST


def decisive_termination(record: CheckRecord) -> TerminationReason | None:
    """Why the attempt was ended, if that decides its outcome (a swept leak does not)."""
    termination = record.termination
    if termination is None or termination.reason is _LEAK:
        return None
    return termination.reason


def unsuccessful(record: CheckRecord) -> str:
    """Why the command alone cannot be said to have succeeded; empty when it did."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.exit_code != 0:
        return "its command did not succeed"
    if record.termination is not None and decisive_termination(record) is not None:
        return "its attempt was ended by us"
    if finished.unkillable or finished.error:
        return defect(record)
    return ""


def defect(record: CheckRecord) -> str:
    """Why the present attempt cannot be judged at all, only be an error; empty when it can."""
    finished = record.finished
    if finished is None or finished.end is not _EXITED:
        return "its command did not end by itself"
    if finished.unkillable:
        return "processes of it are still alive"
    return "its output was not stored" if finished.error else ""


def not_tried_again(record: CheckRecord) -> str:
    """Why an attempt that is over is not tried again; empty when it may be.

    Only what failed, timed out or was lost is tried again, the last as often as `retry_lost` says.
    The values of such an attempt are not recorded: its assertion may have been false.
    """
    finished = record.finished
    if finished is None or finished.end is not _EXITED or finished.unkillable or finished.error:
        lost = finished is not None and finished.end is _LOST
        return "" if lost and record.lost <= record.planned.retry_lost else defect(record)
    if record.termination is None and finished.exit_code:
        return ""
    struck = decisive_termination(record)
    if struck in CANCELLED_FOR:
        return "its attempt was cancelled"
    may_fail = record.planned.assertion or _left_behind(record) or _results_object(record)
    if struck is None and finished.exit_code == 0 and not may_fail:
        return "its command succeeded"
    return ""


def _left_behind(record: CheckRecord) -> bool:
    finished, planned = record.finished, record.planned
    return finished is not None and bool(finished.leaked) and planned.leaks is _FAIL


def _results_object(record: CheckRecord) -> bool:
    """A test failed beside exit code 0, or the results may not be what is expected of them."""
    results, planned = record.results, record.planned
    if results is None or not planned.results:
        return False
    return bool(results.failing) or planned.expect is not None
