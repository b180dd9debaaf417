"""State -> Verdict and exit code: the order of DESIGN section 8, the rules of section 3."""

from msgspec import Struct

from vibeguard.core.model.events import RunCancelRequested
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    UNPASSED,
    AttemptEnd,
    CancelReason,
    CheckState,
    ExitCode,
    Outcome,
    Severity,
    Verdict,
)

NOTHING_RAN = "nothing ran"
NOTHING_CONCERNED = "nothing concerned"


class Ruling(Struct, frozen=True):
    """A verdict with its exit code; `reason` is empty unless the verdict needs one."""

    verdict: Verdict
    exit_code: int
    reason: str = ""


def outcome_counts(state: State) -> dict[str, int]:
    """Settled checks by outcome, in the vocabulary's order, without zeros."""
    return {outcome.value: n for outcome in Outcome if (n := state.counts.get(outcome))}


def fails_the_run(record: CheckRecord) -> bool:
    """Whether this check has settled in a way that no passing run may hold."""
    if record.state is not CheckState.SETTLED or record.outcome is Outcome.PASSED:
        return False
    settled = record.settled
    if settled is not None and (settled.waived or settled.quarantined):
        return False
    return record.planned.severity is Severity.ERROR


def was_executed(record: CheckRecord) -> bool:
    """Whether an attempt of the check ran, in this run or in the one whose pass stands for it.

    Of those that were started none counts that was lost, or that its worker refused: the worker may
    never have been told to start it, or was told too late.
    """
    started, finished = record.started, record.finished
    if record.reused is not None or started is None:
        return record.reused is not None
    refused = finished is not None and finished.end is AttemptEnd.REFUSED
    began = finished is None or finished.attempt == started.attempt
    return started.attempt > record.lost + (refused and began)


def has_failed(state: State) -> bool:
    """Whether a check has settled in a way that keeps the run from passing."""
    return any(fails_the_run(record) for record in state.checks.values())


def failing(state: State) -> frozenset[str]:
    """The checks that failed by themselves: not for want of another, nor by a cancel."""
    return frozenset(name for name, record in state.checks.items() if record.outcome in UNPASSED)


def outranks(cancel: RunCancelRequested, present: RunCancelRequested | None) -> bool:
    """Whether a cancel decides how the run ends in the place of the one before it.

    What could not be stored whole comes first (section 8: 4 before 143), then the first cancel
    with an exit code of its own.
    """
    if present is None or cancel.reason is CancelReason.LOG_FAILURE:
        return present is None or present.reason is not CancelReason.LOG_FAILURE
    return present.exit_code is None and cancel.exit_code is not None


def verdict_of(state: State) -> Ruling:
    """The verdict of a run whose checks have all settled."""
    if state.cancel is not None and state.cancel.exit_code is not None:
        return Ruling(Verdict.CANCELLED, state.cancel.exit_code, state.cancel.reason.value)
    failed = state.planned.settings.error_exit_code if state.planned is not None else 1
    if has_failed(state):
        return Ruling(Verdict.FAILED, failed)
    if not state.checks and state.planned is not None and state.planned.narrowed:
        return Ruling(Verdict.PASSED, ExitCode.PASSED, NOTHING_CONCERNED)
    if not any(map(was_executed, state.checks.values())):
        return Ruling(Verdict.FAILED, failed, NOTHING_RAN)
    return Ruling(Verdict.PASSED, ExitCode.PASSED)


def only_the_background_is_left(state: State) -> bool:
    """Whether the foreground has settled and something else has not.

    Where nothing is left, the run is about to end: that is worth waiting for, because only the
    seal says that its outputs and its log are still what was written.
    """
    return state.foreground_settled is not None and state.settled < len(state.checks)


def is_decided_early(state: State) -> bool:
    """Whether nothing worth waiting for can come: a failure, and a foreground that has settled.

    That is final, since the background cannot mend it; a cancel has an exit code of its own.
    """
    return only_the_background_is_left(state) and state.cancel is None and has_failed(state)


def exit_code_so_far(state: State) -> int:
    """What `run`, `tail`, `report` and `wait` say of a run that may not be over (DESIGN section 8).

    The caller has already ruled out 2, 4 and 3. Before the seal nothing has passed: the supervisor
    compares what it wrote between `run.finished` and the seal.
    """
    if state.finished is not None and state.sealed is not None:
        return state.finished.exit_code
    if state.cancel is not None and state.cancel.exit_code is not None:
        return state.cancel.exit_code
    if has_failed(state):
        return state.planned.settings.error_exit_code if state.planned is not None else 1
    return ExitCode.PENDING
