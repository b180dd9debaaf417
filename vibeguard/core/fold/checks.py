"""What the events of one check do to the State, and when they are illegal."""

from collections.abc import Callable
from typing import Any

from vibeguard.core.fold.settling import contradiction
from vibeguard.core.fold.transitions import LEGAL_STATES
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
)
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    AttemptEnd,
    CheckState,
    Outcome,
    Pool,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt


def check_queued(state: State, event: CheckQueued) -> None:
    """Ready or backoff -> queued: the next attempt wants a slot."""
    record = _record(state, event)
    _refuse_after_cancel(state, event.check)
    if event.attempt != record.attempt + 1 or event.pool is not record.planned.pool:
        raise LogCorrupt(f"{event.check} was queued for an attempt or a pool that is not its own")
    record.attempt = event.attempt
    record.state = CheckState.QUEUED
    record.since_t = event.t


def requirement_waived(state: State, event: CheckRequirementWaived) -> None:
    """The choice that `while_pending` made; replay reads it and never recomputes it."""
    record = _record(state, event)
    _refuse_after_cancel(state, event.check)
    required = state.checks.get(event.requirement)
    configured = any(
        r.check == event.requirement and r.while_pending is event.choice
        for r in record.planned.requires
    )
    if required is None or not configured or event.choice is WhilePending.WAIT:
        raise LogCorrupt(f"{event.check} waived a requirement in a way that it does not have")
    if required.state is CheckState.SETTLED or required.state is not event.state:
        raise LogCorrupt(f"{event.check} waived {event.requirement}, which was not pending so")
    record.waived[event.requirement] = event.choice


def check_started(state: State, event: CheckStarted) -> None:
    """Queued -> running: requirements, slots and group must allow it."""
    record = _record(state, event)
    _refuse_after_cancel(state, event.check)
    planned = record.planned
    if event.attempt != record.attempt or event.pool is not planned.pool:
        raise LogCorrupt(f"{event.check} started an attempt or in a pool that was not queued")
    for requirement in planned.requires:
        required = state.checks[requirement.check]
        if record.waived.get(requirement.check) == WhilePending.PROCEED:
            if requirement.check not in record.ran_before:
                record.ran_before = (*record.ran_before, requirement.check)
        elif required.state is not CheckState.SETTLED:
            raise LogCorrupt(f"{event.check} started before {requirement.check} settled")
        elif required.outcome is not Outcome.PASSED:
            raise LogCorrupt(f"{event.check} started although {requirement.check} did not pass")
    _take(state, record)
    record.state = CheckState.RUNNING
    record.attempt_over = False
    record.started = event
    record.finished = record.termination = record.hang = record.extracted = None
    record.running_t = record.since_t = event.t
    if record.first_started_t is None:
        record.first_started_t = event.t


def check_observed(state: State, event: CheckSlow | CheckIdle | CheckHang) -> None:
    """Something worth knowing of a running attempt; no change of state."""
    record = _running(state, event)
    if isinstance(event, CheckHang):
        record.hang = event


def termination_requested(state: State, event: CheckTerminationRequested) -> None:
    """The first reason decides; a leak is swept after the end and decides nothing."""
    record = _running(state, event)
    present = record.termination
    if present is None or present.reason is TerminationReason.LEAK:
        record.termination = event


def attempt_finished(state: State, event: CheckAttemptFinished) -> None:
    """The attempt is over and its slot is free."""
    record = _record(state, event)
    refused = event.end is AttemptEnd.REFUSED
    if refused != (record.state is CheckState.QUEUED) or record.attempt_over:
        raise LogCorrupt(f"{event.check}: an attempt ended that was not under way")
    if event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: attempt {event.attempt} ended, not {record.attempt}")
    exited = (event.exit_code is None) != (event.signal == "")
    if (event.end is AttemptEnd.EXITED) != exited:
        raise LogCorrupt(f"{event.check}: the end of the attempt contradicts its exit status")
    if event.active_ns > event.elapsed_ns:
        raise LogCorrupt(f"{event.check}: the attempt was active longer than it lasted")
    if not refused:
        _give_back(state, record)
    record.attempt_over = True
    record.finished = event


def check_extracted(state: State, event: CheckExtracted) -> None:
    """Values and assertion of the last attempt, once, after it ended."""
    record = _over(state, event)
    if record.extracted is not None or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: values extracted twice or from another attempt")
    record.extracted = event


def retry_scheduled(state: State, event: CheckRetryScheduled) -> None:
    """Running -> backoff: only an attempt that exited is tried again, as often as planned."""
    record = _over(state, event)
    _refuse_after_cancel(state, event.check)
    if event.attempt != record.attempt + 1 or event.attempt > record.planned.retries + 1:
        raise LogCorrupt(f"{event.check}: a retry that was not planned")
    if record.finished is None or record.finished.end is not AttemptEnd.EXITED:
        raise LogCorrupt(f"{event.check}: a retry of an attempt that did not exit")
    record.state = CheckState.BACKOFF
    record.attempt_over = False
    record.since_t = event.t


def check_settled(state: State, event: CheckSettled) -> None:
    """-> settled, once, with an outcome that its parts bear out."""
    record = _record(state, event)
    problem = contradiction(state, record, event)
    if problem:
        raise LogCorrupt(f"{event.check} settled as {event.outcome.value}, but {problem}")
    record.state = CheckState.SETTLED
    record.outcome = event.outcome
    record.settled = event
    record.settled_t = record.since_t = event.t
    state.settled += 1
    state.counts[event.outcome] = state.counts.get(event.outcome, 0) + 1
    if record.planned.pool is Pool.FOREGROUND and not record.planned.after_background:
        state.unsettled_foreground -= 1
    if state.cancel is not None and event.outcome is Outcome.CANCELLED:
        state.cancel_settled += 1


def _record(state: State, event: Any) -> CheckRecord:
    record = state.checks.get(event.check)
    if record is None:
        raise LogCorrupt(f"{event.check} is not a planned check")
    if record.state not in LEGAL_STATES[type(event)]:
        name = type(event).__struct_config__.tag
        raise LogCorrupt(f"{name} of {event.check} while it is {record.state.value}")
    return record


def _running(state: State, event: Any) -> CheckRecord:
    record = _record(state, event)
    if record.attempt_over or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: news of an attempt that is not under way")
    return record


def _over(state: State, event: Any) -> CheckRecord:
    record = _record(state, event)
    if not record.attempt_over:
        raise LogCorrupt(f"{event.check}: judged while its attempt is under way")
    return record


def _refuse_after_cancel(state: State, check: str) -> None:
    if state.cancel is not None:
        raise LogCorrupt(f"{check} was moved towards a start after the run was cancelled")


def _take(state: State, record: CheckRecord) -> None:
    """Slots and group of a starting attempt. A weight is clamped to its pool as planned."""
    planned = record.planned
    if planned.group:
        holder = state.groups.get(planned.group)
        if holder is not None:
            raise LogCorrupt(f"{planned.id} and {holder} of group {planned.group} ran together")
        state.groups[planned.group] = planned.id
    if planned.pool is Pool.FOREGROUND:
        record.slots = min(planned.weight, state.planned_parallel)
        state.used_foreground += record.slots
        over = state.used_foreground > state.planned_parallel
    else:
        record.slots = min(planned.weight, state.planned_async_parallel)
        state.used_background += record.slots
        over = state.used_background > state.planned_async_parallel
    if over:
        raise LogCorrupt(f"{planned.id} started without a free slot")


def _give_back(state: State, record: CheckRecord) -> None:
    planned = record.planned
    if planned.group:
        state.groups.pop(planned.group, None)
    if planned.pool is Pool.FOREGROUND:
        state.used_foreground -= record.slots
    else:
        state.used_background -= record.slots


CHECK_EVENTS: dict[type, Callable[[State, Any], None]] = {
    CheckQueued: check_queued,
    CheckRequirementWaived: requirement_waived,
    CheckStarted: check_started,
    CheckSlow: check_observed,
    CheckIdle: check_observed,
    CheckHang: check_observed,
    CheckTerminationRequested: termination_requested,
    CheckAttemptFinished: attempt_finished,
    CheckExtracted: check_extracted,
    CheckRetryScheduled: retry_scheduled,
    CheckSettled: check_settled,
}
