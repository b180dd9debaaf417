"""From machine words to sentences: why a check settled as it did, and what a run amounts to.

The sentences hold strings from configs and logs: whoever shows them sanitises them.
"""

from collections.abc import Callable

from msgspec import Struct

from vibeguard.core.names import (
    NOT_EXECUTABLE,
    NOT_FOUND,
    UNPASSED,
    CancelReason,
    Outcome,
    Reason,
    Severity,
)
from vibeguard.core.wording.units import duration, size

# What a shell says by these codes; everything else is the command's own business.
NOT_STARTED_CODES = {NOT_EXECUTABLE: "not executable", NOT_FOUND: "command not found"}


class Facts(Struct, frozen=True):
    """What a sentence about one settled check may need. `cause` is the check at the root of it.

    `direct` is the requirement that stood in the way, where that is not the cause itself.
    """

    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""
    exit_code: int | None = None
    signal: str = ""
    timeout_ns: int = 0
    idle_timeout_ns: int = 0
    output_limit_bytes: int = 0
    assertion: str = ""
    cause: str = ""
    cause_outcome: str = ""
    direct: str = ""
    cancelled_by: str = ""
    reused_from: str = ""


def status_word(status: str, severity: Severity) -> str:
    """The word that is shown for an outcome: a warning that did not pass is `warned`."""
    return "warned" if severity is Severity.WARNING and status in UNPASSED else status


UNREAD = "its output could not be judged: "
"""Begins what a detail says beside the end of a command that failed by itself."""


def why(facts: Facts) -> str:
    """Why the check settled as it did, as half a sentence; empty when it simply passed.

    Of a pass by an old file, how old that is.
    """
    if facts.reason is None:
        return facts.detail
    sentence = _SENTENCES[facts.reason](facts)
    _, unread, problem = facts.detail.partition(UNREAD)
    return sentence if UNREAD in sentence else f"{sentence}{'; ' * bool(unread)}{unread}{problem}"


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


def _exit_code(facts: Facts) -> str:
    meaning = NOT_STARTED_CODES.get(facts.exit_code or 0)
    sentence = f"exit code {facts.exit_code}" + (f" ({meaning})" if meaning else "")
    return sentence if facts.detail.startswith("exited with") else _with_detail(facts, sentence)


def _assertion(facts: Facts) -> str:
    sentence = "assertion is false"
    if facts.detail.startswith(facts.assertion):  # the judge says it with its values
        return _with_detail(facts, sentence)
    return _with_detail(facts, f"{sentence}: {facts.assertion}")


def _timeout(facts: Facts) -> str:
    limit = f" of {duration(facts.timeout_ns)}" if facts.timeout_ns else ""
    return _with_detail(facts, f"ran longer than its timeout{limit}")


def _idle(facts: Facts) -> str:
    limit = f" for {duration(facts.idle_timeout_ns)}" if facts.idle_timeout_ns else ""
    return _with_detail(facts, f"wrote nothing{limit} (idle timeout)")


def _output_limit(facts: Facts) -> str:
    limit = f" than {size(facts.output_limit_bytes)}" if facts.output_limit_bytes else ""
    return f"wrote more output{limit or ' than allowed'}"


def _requirement(facts: Facts) -> str:
    cause = facts.cause or facts.direct or "a check"
    ended = ENDED.get(facts.cause_outcome, "did not pass")
    if facts.direct and facts.direct != cause:
        return f"requires {facts.direct}, which was skipped: {cause} {ended}"
    return f"requires {cause}, which {ended}"


def _dependency_pending(facts: Facts) -> str:
    return f"{facts.cause or 'a requirement'} had not finished (while_pending: skip)"


def _fail_fast(facts: Facts) -> str:
    return f"{facts.cause or 'another check'} did not pass (fail-fast)"


def _with_detail(facts: Facts, sentence: str) -> str:
    return f"{sentence}: {facts.detail}" if facts.detail else sentence


def _detail_or(text: str) -> Callable[[Facts], str]:
    return lambda facts: facts.detail or text


def _detailed(sentence: str) -> Callable[[Facts], str]:
    return lambda facts: _with_detail(facts, sentence)


ENDED = {
    "failed": "failed",
    "timeout": "timed out",
    "error": "could not be judged",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
}

_SENTENCES: dict[Reason, Callable[[Facts], str]] = {
    Reason.REUSED: lambda facts: f"passed in run {facts.reused_from or 'an earlier one'}",
    Reason.EXIT_CODE: _exit_code,
    Reason.SIGNAL: lambda facts: f"ended by {facts.signal or 'a signal'}",
    Reason.ASSERTION: _assertion,
    Reason.NOT_EXTRACTED: _detailed("the assertion needs what no pattern extracted"),
    Reason.OUTPUT_LIMIT: _output_limit,
    Reason.LEAK: _detailed("left processes behind"),
    Reason.TIMEOUT: _timeout,
    Reason.IDLE: _idle,
    Reason.REQUIREMENT: _requirement,
    Reason.DEPENDENCY_PENDING: _dependency_pending,
    Reason.NOTHING_TO_CONFIRM: lambda facts: f"{facts.cause} was not reused",
    Reason.FAIL_FAST: _fail_fast,
    Reason.CANCEL: _detailed("cancelled on request"),
    Reason.INTERRUPTED: lambda facts: f"the run got {facts.cancelled_by or 'a signal'}",
    Reason.FRONT_LOST: _detailed("the command that guarded the run is gone"),
    Reason.RUN_TIMEOUT: _detailed("the run took longer than run_timeout"),
    Reason.LOG_FAILURE: _detailed("the log could not be written"),
    Reason.NOT_STARTABLE: _detailed("the command could not be started"),
    Reason.LOST: _detailed("the attempt was lost"),
    Reason.UNKILLABLE: _detailed("processes could not be killed"),
    Reason.RESULTS_CONTRADICT: _detail_or("a test failed beside exit code 0"),
    Reason.CHANGED_FILES: _detail_or("changed files of the tree"),
    Reason.EXPECTATION: _detail_or("its results are not what is expected"),
    Reason.RESULTS: _detail_or("a report could not be read"),
    Reason.FILE: _detailed("its file could not be read"),
    Reason.GROK_LIMIT: _detailed("more output than grok reads"),
    Reason.BAD_VALUE: _detailed("the assertion could not be evaluated"),
    Reason.JUDGE_TIMEOUT: _detailed("judging took too long"),
    Reason.TREE_MOVED: _detailed("files of the work tree changed under it"),
    Reason.OUTPUT_LOST: _detailed("the output is lost"),
    Reason.INTERNAL: _detailed("a defect of VibeGuard itself"),
}
