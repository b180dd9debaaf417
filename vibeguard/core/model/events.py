"""The event types of DESIGN section 6: what is written, folded and shown. There is no other set.

Every event is one line of JSON in `events.jsonl`. `seq` counts 0, 1, 2 ... without gaps; `t` is
monotonic nanoseconds since the start of the run. The journal stamps both; nobody else does.
Schema 1.x: a new field has a default, a field never changes its type, a reader ignores fields
that it does not know.
"""

from vibeguard.core.model.check_events import (
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
)
from vibeguard.core.model.event_parts import (
    Envelope,
    ProcessReport,
    StagedView,
    TreeChange,
    VersionControl,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import CancelReason, Verdict

SCHEMA_VERSION = "1.1"


class RunStarted(Envelope, frozen=True, kw_only=True, tag="run.started"):
    """The first event: who runs, where, with what.

    `monotonic_ns` is that boot's monotonic clock at `t` 0: others can tell how long ago it was.
    `staged` is there where what would be committed is checked, and not the work tree. `traceparent`
    is the span that the run belongs to, in the form of W3C's Trace Context, where one came in.
    """

    run_id: str
    schema: str
    tool_version: str
    wall_time: str
    boot_id: str
    pid: int
    pid_start: int
    argv: tuple[str, ...]
    cwd: str
    vcs: VersionControl | None = None
    detached: bool = False
    monotonic_ns: int = 0
    staged: StagedView | None = None
    traceparent: str = ""


class RunPlanned(Envelope, frozen=True, kw_only=True, tag="run.planned"):
    """What the run is going to do; everything that a replay needs to know of the config.

    `whole` says that it has every check of the config, and that each gets all of its files.
    """

    settings: ResolvedSettings
    config_path: str
    config_sha256: str
    checks: tuple[PlannedCheck, ...]
    vars: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    selection_sha256: str = ""
    narrowed: str = ""
    whole: bool = False


class FrontierAdvanced(Envelope, frozen=True, kw_only=True, tag="frontier.advanced"):
    """The frontier grew: these checks became ready (pending -> ready). Numbers count from 0."""

    number: int
    checks: tuple[str, ...]


class RunForegroundSettled(Envelope, frozen=True, kw_only=True, tag="run.foreground_settled"):
    """Only async checks, and what waits for them, remain."""

    counts: dict[str, int]
    pending: tuple[str, ...] = ()


class RunPaused(Envelope, frozen=True, kw_only=True, tag="run.paused"):
    """SIGTSTP: every check is stopped and so are the clocks of their limits."""


class RunResumed(Envelope, frozen=True, kw_only=True, tag="run.resumed"):
    """SIGCONT: everything goes on; `paused_ns` is the length of the pause."""

    paused_ns: int


class RunDegraded(Envelope, frozen=True, kw_only=True, tag="run.degraded"):
    """The machine refuses more; from now on at most `parallel` and `async_parallel` attempts."""

    parallel: int
    async_parallel: int
    reason: str


class RunWeakened(Envelope, frozen=True, kw_only=True, tag="run.weakened"):
    """A promise that this system cannot keep (`what`), and `why`; said once a run. Since 1.1.

    `may_ignore` is always true: readers of schema 1.0 count the event and change nothing.
    """

    what: str
    why: str
    may_ignore: bool


class RunCancelRequested(Envelope, frozen=True, kw_only=True, tag="run.cancel_requested"):
    """Nothing more starts. `by` is the check or the signal that asked."""

    reason: CancelReason
    by: str = ""
    exit_code: int | None = None


class RunFinished(Envelope, frozen=True, kw_only=True, tag="run.finished"):
    """The verdict, as the fold of everything before it gives it.

    `unattributed` are processes swept before the seal that carried the mark of no check. `patch` is
    the file in the run folder that holds what checks have made of staged files, if they have.
    `changed` is what was changed meanwhile, where a check has `on_change: note`.
    """

    verdict: Verdict
    counts: dict[str, int]
    exit_code: int
    elapsed_ns: int
    reason: str = ""
    unattributed: tuple[ProcessReport, ...] = ()
    vcs: VersionControl | None = None
    patch: str = ""
    changed: TreeChange | None = None


class LogSealed(Envelope, frozen=True, kw_only=True, tag="log.sealed"):
    """The last event: `sha256` digests every byte of the log before the digest's own value.

    `events` and `bytes` count what stands before this line. `sha256` stays the last field.
    """

    events: int
    bytes: int
    sha256: str


Event = (
    RunStarted
    | RunPlanned
    | FrontierAdvanced
    | CheckQueued
    | CheckRequirementWaived
    | CheckReused
    | CheckSubmitted
    | CheckStarted
    | CheckSlow
    | CheckIdle
    | CheckHang
    | CheckTerminationRequested
    | CheckAttemptFinished
    | CheckExtracted
    | CheckResults
    | CheckRetryScheduled
    | CheckSettled
    | RunForegroundSettled
    | RunPaused
    | RunResumed
    | RunDegraded
    | RunWeakened
    | RunCancelRequested
    | RunFinished
    | LogSealed
)


class UnknownEvent(Envelope, frozen=True, kw_only=True, tag="unknown"):
    """An event of a later schema 1.x that is marked `may_ignore`: it counts and changes nothing.

    Never written and not one of `Event`: only the log decoder makes it. `name` is its type.
    """

    name: str
