"""The closed vocabularies of DESIGN sections 3, 5, 6 and 8: one word, one meaning, everywhere.

A member's value is the word that stands in the log, in JSON documents and in the documentation.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final, Literal

Mode = Literal["auto", "async", "sync"]  # what a config says about where a check runs
MOST_SLOTS = 100_000  # of one pool, whether a flag, a variable or the config says how many


class CheckState(StrEnum):
    """Where a check is in its life (DESIGN section 3)."""

    PENDING = "pending"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    BACKOFF = "backoff"
    SETTLED = "settled"


class Outcome(StrEnum):
    """How a settled check ended (DESIGN section 3)."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    ERROR = "error"


# What was tried and did not pass; only these set fail-fast off, of a check that fails the run.
UNPASSED = frozenset({Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR})
# What a report calls violations: these, and what was cancelled.
VIOLATIONS = UNPASSED | {Outcome.CANCELLED}


class Reason(StrEnum):
    """Why a check settled as it did, in one machine word; `report.reasons` has the sentences."""

    REUSED = "reused"  # passed: an earlier pass under the same key stands for it
    EXIT_CODE = "exit_code"  # failed: the command ended with a code other than 0
    SIGNAL = "signal"  # failed: the command was ended by a signal that was not ours
    ASSERTION = "assertion"  # failed: the assert expression is false
    NOT_EXTRACTED = "not extracted"  # failed: a name that the assertion needs was not extracted
    OUTPUT_LIMIT = "output_limit"  # failed: more output than output_limit
    LEAK = "leak"  # failed: left processes behind, with leaks: fail
    RESULTS_CONTRADICT = "results contradict exit code"  # failed: a test failed beside exit code 0
    CHANGED_FILES = "changed files"  # failed: changed files of the tree, with on_change: fail
    EXPECTATION = "expectation"  # failed: results are not what `expect` says, beside exit code 0
    TIMEOUT = "timeout"  # timeout: ran longer than its timeout
    IDLE = "idle"  # timeout: no output for idle_timeout
    REQUIREMENT = "requirement"  # skipped: something it requires did not pass
    DEPENDENCY_PENDING = "dependency pending"  # skipped: while_pending: skip
    NOTHING_TO_CONFIRM = "nothing to confirm"  # skipped: its check was not reused, but ran
    FAIL_FAST = "fail_fast"  # cancelled: another check failed under fail-fast
    CANCEL = "cancel"  # cancelled: on request
    INTERRUPTED = "interrupted"  # cancelled: the run got a signal
    FRONT_LOST = "front_lost"  # cancelled: the guardian of the run died
    RUN_TIMEOUT = "run_timeout"  # cancelled: settings.run_timeout
    LOG_FAILURE = "log_failure"  # cancelled: the log could not be written
    NOT_STARTABLE = "not_startable"  # error: the command could not be started
    LOST = "lost"  # error: the executor lost the attempt
    UNKILLABLE = "unkillable"  # error: processes survived SIGKILL
    FILE = "file"  # error: `file` is missing, unreadable or outside the working folder
    RESULTS = "results"  # error: a report is missing, stale or unreadable beside exit code 0
    GROK_LIMIT = "grok_limit"  # error: more output than grok reads
    BAD_VALUE = "bad value"  # error: the assertion could not be evaluated
    JUDGE_TIMEOUT = "judging took too long"  # error: longer than judge_timeout, or cancelled
    TREE_MOVED = "tree moved"  # error: a file under --staged was edited while the check ran
    OUTPUT_LOST = "output_lost"  # error: the output could not be stored or read back
    INTERNAL = "internal"  # error: a defect of VibeGuard itself


class ResultKind(StrEnum):
    """What a single result of a check is about (DESIGN section 10)."""

    TEST = "test"
    DIAGNOSTIC = "diagnostic"


class ResultOutcome(StrEnum):
    """How one test ended. `xfailed` was expected to fail (pytest's xfail, TAP's TODO)."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"


# How a test ended that did not pass.
FAILED_RESULTS = frozenset({ResultOutcome.FAILED, ResultOutcome.ERROR})


class Level(StrEnum):
    """How bad its tool finds one diagnostic."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Severity(StrEnum):
    """Whether a check that does not pass fails the run."""

    ERROR = "error"
    WARNING = "warning"


class Pool(StrEnum):
    """The counted sets of slots."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"
    WORKERS = "workers"  # of checks with `where`: how many are with the pool, waiting too


class WhilePending(StrEnum):
    """What a dependent does when its turn comes and the requirement has not settled."""

    WAIT = "wait"
    SKIP = "skip"
    PROCEED = "proceed"


class StalePolicy(StrEnum):
    """What a report is worth that the attempt did not write."""

    REFUSE = "refuse"
    ALLOW = "allow"


class QuarantineState(StrEnum):
    """Whether the quarantine of a check holds for a failure, and if not, why."""

    NONE = "none"  # the check has none, or did not fail
    APPLIES = "applies"
    EXPIRED = "expired"
    UNLISTED = "unlisted"  # a test failed that is not listed, or none did
    EXIT_CODE = "exit code"  # the tool does not say by it that tests failed
    UNTOLD = "untold"  # a report is missing, stale, unreadable or not as expected


class LeakPolicy(StrEnum):
    """What happens to processes that a check leaves behind."""

    FAIL = "fail"
    WARN = "warn"
    IGNORE = "ignore"


class OnChange(StrEnum):
    """What follows when a check changed files of the tree."""

    NOTE = "note"
    FAIL = "fail"
    ALLOW = "allow"


class StagedWay(StrEnum):
    """Where the checks of a run with `--staged` run."""

    NAMESPACE = "namespace"  # at the path of the work tree, which nobody else sees changed
    COPY = "copy"  # in a repository of its own


class ReusePolicy(StrEnum):
    """Whether an earlier pass may stand for a check while its key is the same."""

    OFF = "false"
    ON = "true"
    CONFIRM = "confirm"  # and the check runs again, in the background


class GitEnvironment(StrEnum):
    """Whether a check gets git's local variables, as a hook has them."""

    DROP = "drop"
    KEEP = "keep"


class AttemptEnd(StrEnum):
    """How an attempt ended. Only `exited` can pass."""

    EXITED = "exited"
    LOST = "lost"
    REFUSED = "refused"


class TerminationReason(StrEnum):
    """Why the processes of an attempt were told to end."""

    TIMEOUT = "timeout"
    IDLE = "idle"
    CANCEL = "cancel"
    FAIL_FAST = "fail_fast"
    SIGNAL = "signal"
    OUTPUT_LIMIT = "output_limit"
    LEAK = "leak"
    FRONT_LOST = "front_lost"
    RUN_TIMEOUT = "run_timeout"
    LOG_FAILURE = "log_failure"


class CancelReason(StrEnum):
    """Why a whole run was cancelled."""

    SIGNAL = "signal"
    CANCEL = "cancel"
    FAIL_FAST = "fail_fast"
    FRONT_LOST = "front_lost"
    RUN_TIMEOUT = "run_timeout"
    LOG_FAILURE = "log_failure"


# How a check settles that a cancel of the run ended or kept from starting. A TerminationReason of
# the same word means the same, of one attempt.
CANCELLED_FOR: Mapping[str, Reason] = {
    **{why: Reason(why.value) for why in CancelReason if why is not CancelReason.SIGNAL},
    CancelReason.SIGNAL: Reason.INTERRUPTED,
}


class Verdict(StrEnum):
    """What a finished run amounts to."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Occasion(StrEnum):
    """The ends of a run that `settings.notify` tells of; `finished` is any of them."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class LogStatus(StrEnum):
    """What a log is, told from the file and the writer's lock alone (DESIGN section 6)."""

    LIVE = "live"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    CORRUPT = "corrupt"


class ExitCode(IntEnum):
    """Process exit codes (DESIGN section 8)."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    CORRUPT = 4
    PENDING = 5
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143


# The signals that end a command, by name, and its exit code then; Ctrl-\ has none of its own.
SIGNAL_EXIT_CODES: Final = {
    "SIGHUP": ExitCode.SIGHUP,
    "SIGINT": ExitCode.SIGINT,
    "SIGTERM": ExitCode.SIGTERM,
    "SIGQUIT": ExitCode.SIGINT,
}
# A signal so soon after another is its echo: Ctrl-C in a terminal reaches a whole process group.
SAME_SIGNAL_S: Final = 0.25

# How a run ends that was cancelled; None: as its checks say. A signal has a code of its own.
CANCEL_EXIT_CODES: Final[Mapping[CancelReason, ExitCode | None]] = {
    CancelReason.SIGNAL: ExitCode.SIGTERM,
    CancelReason.CANCEL: ExitCode.SIGTERM,
    CancelReason.FAIL_FAST: None,
    CancelReason.FRONT_LOST: ExitCode.SIGTERM,
    CancelReason.RUN_TIMEOUT: None,
    CancelReason.LOG_FAILURE: ExitCode.CORRUPT,
}

# What a shell ends with that could not start a command (POSIX 2.8.2, Exit Status for Commands).
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
