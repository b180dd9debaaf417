"""The JSON document that `--json` prints: `schemas/report.schema.json` is made from these types.

A superset of what the first VibeGuard printed. Strings are as they were extracted or written: JSON
escapes what it must, and whoever shows them to a person makes them harmless first. Every field is
always present. Times end in their unit; `started_ns` and `settled_ns` count from the run's start.
"""

from typing import Literal

from msgspec import Struct

REPORT_SCHEMA_VERSION = "1.1"

RunState = Literal["refused", "pending", "running", "finished", "incomplete", "corrupt"]


class PromptReport(Struct, frozen=True):
    """A prompt that an event of a check triggered: success, failure or timeout."""

    event: str
    source: str
    content: str


class ExcerptReport(Struct, frozen=True):
    """The lines of the output that matter, and the rule that chose them."""

    rule: str
    first_line: int
    lines: tuple[str, ...]


class AssertionReport(Struct, frozen=True):
    """The expression, and what it came to; null when it was not evaluated."""

    expression: str
    result: bool | None


class ResultReport(Struct, frozen=True):
    """One test or diagnostic; `file` is relative to the repository, 0 means that nobody said."""

    kind: str
    name: str
    outcome: str | None
    severity: str | None
    file: str
    line: int
    column: int
    rule: str
    message: str
    duration_ns: int | None


class ResultsReport(Struct, frozen=True):
    """The single results of a check's last attempt: counts of all, the worst of them whole.

    `guessed` ones come from the output and change no outcome. `quarantine` says whether it holds.
    """

    guessed: bool
    tests: dict[str, int]
    diagnostics: dict[str, int]
    results: tuple[ResultReport, ...]
    left_out: int
    notes: tuple[str, ...]
    quarantine: str


class CheckReport(Struct, frozen=True):
    """One planned check. `status` is its outcome, or its state while it has not settled.

    `reason` is the machine word, `message` the sentence. `root_cause` is the check because of which
    this one was skipped or cancelled. `ran_before` names requirements that had not settled when it
    started. `pool` is foreground, background or workers; `worker` is which worker of a pool had the
    last attempt, `queued_ms` how long that was waited for, `not_returned` what it was to send back
    and did not. `reused_from` is the run whose pass stands for the check, `reuse_key` what that
    rests on.
    """

    id: str
    status: str
    duration_ms: int
    tags: tuple[str, ...]
    triggered_prompts: tuple[PromptReport, ...]
    severity: str
    command: str
    pool: str
    requires: tuple[str, ...]
    reason: str | None
    message: str
    root_cause: str | None
    attempts: int
    flaky: bool
    leaked: bool
    waived: bool
    quarantined: bool
    ran_before: tuple[str, ...]
    exit_code: int | None
    signal: str | None
    started_ns: int | None
    settled_ns: int | None
    extracted: dict[str, str]
    unmatched: tuple[str, ...]
    assertion: AssertionReport | None
    log_file: str | None
    output_bytes: int | None
    output_sha256: str | None
    results: ResultsReport | None
    worker: str | None
    queued_ms: int | None
    not_returned: tuple[str, ...]
    reused_from: str | None
    reuse_key: str | None


class Violation(Struct, frozen=True):
    """A check that did not pass of its own accord; dependents skipped because of it are none.

    `fix` is a command, or empty. Where what was extracted could be more than a word to a shell, it
    is empty, and `fix_template` is what the author wrote, `fix_values` the values beside it (null:
    nothing was extracted under that name): neither is a command.
    """

    id: str
    severity: str
    command: str
    suggestion: str
    fix: str
    extracted: dict[str, str]
    log_file: str
    triggered_prompts: tuple[PromptReport, ...]
    status: str
    reason: str | None
    message: str
    excerpt: ExcerptReport | None
    fix_template: str = ""
    fix_values: dict[str, str | None] = {}


class BackgroundReport(Struct, frozen=True):
    """What ran in the background and what that saved.

    `saved_ms` is what the same checks with the same durations would have taken level by level, less
    what the run took; null while the run has not finished.
    """

    checks: tuple[str, ...]
    foreground_settled_ns: int | None
    saved_ms: int | None


class StagedReport(Struct, frozen=True):
    """What would be committed was checked: `way` is namespace (at its own path) or copy.

    `why` says why it was copied. `patch` is the file with what checks have made of staged files,
    for `git apply --cached`; null where they left them alone.
    """

    way: str
    why: str
    patch: str | None


class ChangeReport(Struct, frozen=True):
    """One difference to another run; `result` is null where it is one of the whole check."""

    check: str
    message: str
    result: ResultReport | None


class ComparisonReport(Struct, frozen=True):
    """What is different from the run `run_id`, at the commit `head` (empty where not recorded).

    A failed result is the same in both if check and name are, or its file, rule and message.
    """

    run_id: str
    head: str
    new: tuple[ChangeReport, ...]
    still_failing: tuple[ChangeReport, ...]
    fixed: tuple[ChangeReport, ...]
    slower: tuple[ChangeReport, ...]


class ChangedReport(Struct, frozen=True):
    """Files that were changed by checks or by somebody else; `left_out` more are not named.

    `untold` says why nothing is known of that.
    """

    files: tuple[str, ...]
    left_out: int
    untold: str


class ErrorReport(Struct, frozen=True):
    """One mistake of a config or a command line. 0 means that there is no such place."""

    file: str
    line: int
    column: int
    message: str
    hint: str


class Report(Struct, frozen=True):
    """A whole run, or what is known of it so far.

    `verdict` is null until the run has one. `state` says what is known of it: refused (nothing was
    started, `errors` says why), pending (not planned yet), running, finished, incomplete, corrupt.
    `staged` is null where the work tree was checked, `comparison` unless it was asked for,
    `changed` where no file was changed meanwhile.
    """

    schema: str
    checks: tuple[CheckReport, ...]
    violations: tuple[Violation, ...]
    exit_code: int
    fail_fast_triggered: bool
    run_id: str
    state: RunState
    verdict: str | None
    reason: str
    counts: dict[str, int]
    duration_ms: int
    started_at: str
    tool_version: str
    config_path: str
    notes: tuple[str, ...]
    background: BackgroundReport | None
    errors: tuple[ErrorReport, ...]
    staged: StagedReport | None = None
    comparison: ComparisonReport | None = None
    changed: ChangedReport | None = None
