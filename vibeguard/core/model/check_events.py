"""The events of a check, each of one attempt or of all that the check comes to (`events`)."""

from vibeguard.core.model.event_parts import Envelope, Excerpt, ProcessReport, TriggeredPrompt
from vibeguard.core.model.results import Result
from vibeguard.core.names import (
    AttemptEnd,
    CheckState,
    Outcome,
    Pool,
    QuarantineState,
    Reason,
    TerminationReason,
    WhilePending,
)


class AttemptEvent(Envelope, frozen=True, kw_only=True):
    """What events about one attempt of a check carry. Attempts count from 1."""

    check: str
    attempt: int


class CheckQueued(AttemptEvent, frozen=True, kw_only=True, tag="check.queued"):
    """An attempt wants a slot (ready or backoff -> queued). Attempts count from 1."""

    pool: Pool


class CheckRequirementWaived(Envelope, frozen=True, kw_only=True, tag="check.requirement_waived"):
    """The check's turn came while a requirement was unsettled; `choice` is what its config says."""

    check: str
    requirement: str
    choice: WhilePending
    state: CheckState


class CheckSubmitted(AttemptEvent, frozen=True, kw_only=True, tag="check.submitted"):
    """The attempt is with a pool of workers and waits for one that has the labels `wanted`.

    `engine` is the pool, `token` what the attempt is known by there; `present` are the labels of
    the workers that were there, one text for each set. Said again, with the same token, when others
    are there while it waits.
    """

    engine: str
    token: str
    wanted: tuple[str, ...] = ()
    present: tuple[str, ...] = ()


class CheckReused(Envelope, frozen=True, kw_only=True, tag="check.reused"):
    """An earlier pass stands for the check (ready -> settled, by the `check.settled` that follows).

    `run` is where it passed, `seal` that run's, `key` what its result depends on, then and now.
    """

    check: str
    run: str
    seal: str
    key: str


class CheckStarted(AttemptEvent, frozen=True, kw_only=True, tag="check.started"):
    """The attempt runs (queued -> running); recorded in the same step as the spawn."""

    pool: Pool
    worker: str = ""
    pid: int | None = None


class CheckSlow(AttemptEvent, frozen=True, kw_only=True, tag="check.slow"):
    """The attempt has been running for another `slow_after`."""

    elapsed_ns: int


class CheckIdle(AttemptEvent, frozen=True, kw_only=True, tag="check.idle"):
    """The attempt has written nothing for half of its `idle_timeout`."""

    elapsed_ns: int
    idle_ns: int


class CheckHang(AttemptEvent, frozen=True, kw_only=True, tag="check.hang"):
    """What the processes of an attempt were doing when a timeout struck."""

    processes: tuple[ProcessReport, ...] = ()
    silent_ns: int | None = None
    last_lines: tuple[str, ...] = ()


class CheckTerminationRequested(
    AttemptEvent, frozen=True, kw_only=True, tag="check.termination_requested"
):
    """The attempt's processes are told to end; `signal` is the first signal that they get."""

    reason: TerminationReason
    signal: str


class CheckAttemptFinished(AttemptEvent, frozen=True, kw_only=True, tag="check.attempt_finished"):
    """The attempt is over and nothing of it runs any more, except what `unkillable` names.

    `elapsed_ns` counts from the start to the proof that the tree is gone, `active_ns` leaves out
    pauses. `survivors` outlived SIGTERM; `leaked` were left behind by a leader that had exited;
    `swept` counts the processes that had to be killed. `error` says why a start was refused, an
    attempt lost or its output not stored. `not_returned` names what a worker was to send back and
    did not, each with the reason.
    """

    end: AttemptEnd
    exit_code: int | None = None
    signal: str = ""
    elapsed_ns: int = 0
    active_ns: int = 0
    cpu_user_ns: int = 0
    cpu_system_ns: int = 0
    max_rss_bytes: int | None = None
    output_path: str = ""
    output_bytes: int = 0
    output_sha256: str = ""
    survivors: tuple[ProcessReport, ...] = ()
    leaked: tuple[ProcessReport, ...] = ()
    unkillable: tuple[ProcessReport, ...] = ()
    swept: int = 0
    termination_ns: int = 0
    error: str = ""
    not_returned: tuple[str, ...] = ()


class CheckExtracted(AttemptEvent, frozen=True, kw_only=True, tag="check.extracted"):
    """What grok found in the last attempt's output, and what the assertion made of it.

    `unmatched` are the patterns that did not match. `assertion_result` is None when there is no
    assertion or it was not evaluated.
    """

    values: dict[str, str] = {}
    unmatched: tuple[str, ...] = ()
    assertion: str = ""
    assertion_result: bool | None = None


class CheckResults(AttemptEvent, frozen=True, kw_only=True, tag="check.results"):
    """The single results of an attempt, once, where there are any.

    `tests` and `diagnostics` count all of them, by outcome and by level. `failing` counts the tests
    that failed and did not pass when run again. `results` are the worst ones, `left_out` counts the
    others. Results that the config does not ask for are `guessed` and change no outcome. `notes`
    say what is wrong with reports or the quarantine where that decides nothing.
    """

    guessed: bool = False
    tests: dict[str, int] = {}
    diagnostics: dict[str, int] = {}
    failing: int = 0
    results: tuple[Result, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()
    quarantine: QuarantineState = QuarantineState.NONE


class CheckRetryScheduled(AttemptEvent, frozen=True, kw_only=True, tag="check.retry_scheduled"):
    """The attempt failed and there is another one to come after `delay_ns` (running -> backoff)."""

    delay_ns: int


class CheckSettled(Envelope, frozen=True, kw_only=True, tag="check.settled"):
    """The check has its outcome; it never changes again.

    `cause` is the check at the root of a skip, or the one whose failure cancelled this one.
    `detail` is the sentence that only the moment of judging can know (which name was missing, where
    the expression failed). `waived` marks a skip that the config asked for, or one that follows.
    `quarantined` marks a failure that counts as a warning.
    """

    check: str
    outcome: Outcome
    reason: Reason | None = None
    cause: str = ""
    detail: str = ""
    attempts: int = 0
    flaky: bool = False
    leaked: bool = False
    waived: bool = False
    quarantined: bool = False
    prompts: tuple[TriggeredPrompt, ...] = ()
    excerpt: Excerpt | None = None
    tail: tuple[str, ...] = ()
