"""What the events of one check do to the State, and when they are illegal."""

from typing import Any

from msgspec.structs import replace

from vibeguard.core.fold.ended_attempts import not_tried_again, unsuccessful
from vibeguard.core.fold.settling import CANCELS_ALL, contradiction
from vibeguard.core.fold.states import BACKOFF, QUEUED, RUNNING, SETTLED
from vibeguard.core.model import events
from vibeguard.core.model.plan import CONFIRMING
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    AttemptEnd,
    Outcome,
    Pool,
    ReusePolicy,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt

# A million events are folded, and in Python 3.11 a member costs four times as much as a name.
_EXITED = AttemptEnd.EXITED
_LOST = AttemptEnd.LOST
_WORKERS = Pool.WORKERS
_IDLE = TerminationReason.IDLE
_LEAK = TerminationReason.LEAK
_PASSED = Outcome.PASSED
_REFUSED = AttemptEnd.REFUSED
_PROCEED = WhilePending.PROCEED
_WAIT = WhilePending.WAIT


def check_queued(_state: State, record: CheckRecord, event: events.CheckQueued) -> None:
    """Ready or backoff -> queued: the next attempt wants a slot."""
    if event.attempt != record.attempt + 1 or event.pool is not record.pool:
        raise LogCorrupt(f"{event.check} was queued for an attempt or a pool that is not its own")
    if record.reused is not None:
        raise LogCorrupt(f"{event.check} was queued although an earlier pass stands for it")
    record.attempt = event.attempt
    record.state = QUEUED


def requirement_waived(
    state: State, record: CheckRecord, event: events.CheckRequirementWaived
) -> None:
    """The choice that `while_pending` made; replay reads it and never recomputes it."""
    required = state.checks.get(event.requirement)
    configured = any(
        r.check == event.requirement and r.while_pending is event.choice
        for r in record.planned.requires
    )
    if required is None or not configured or event.choice is _WAIT:
        raise LogCorrupt(f"{event.check} waived a requirement in a way that it does not have")
    if required.state is SETTLED or required.state is not event.state:
        raise LogCorrupt(f"{event.check} waived {event.requirement}, which was not pending so")
    if event.requirement in record.waived:
        raise LogCorrupt(f"{event.check} waived {event.requirement} twice")
    record.waived[event.requirement] = event.choice


def check_started(state: State, record: CheckRecord, event: events.CheckStarted) -> None:
    """Queued -> running: requirements, slots and group must allow it."""
    if event.attempt != record.attempt or event.pool is not record.pool:
        raise LogCorrupt(f"{event.check} started an attempt or in a pool that was not queued")
    if record.attempt_over:
        raise LogCorrupt(f"{event.check} started an attempt whose start had been refused")
    if record.planned.requires:
        check_requirements(state, record)
    if record.group:
        enter_group(state, record)
    used, pool = state.used, record.pool
    taken = used[pool] + record.slots
    if taken > state.planned_slots[pool]:
        raise LogCorrupt(f"{event.check} started without a free slot")
    used[pool] = taken
    record.state = RUNNING
    record.started = event
    record.finished = record.termination = record.hang = record.extracted = None
    record.results = None
    if record.first_started_t is None:
        record.first_started_t = event.t


def check_reused(state: State, record: CheckRecord, event: events.CheckReused) -> None:
    """An earlier pass stands for the check: only where run and config allow it."""
    if record.reused is not None:
        raise LogCorrupt(f"{event.check} was reused twice")
    planned, run = record.planned, state.planned
    if run is None or not run.settings.reuse or planned.reuse is ReusePolicy.OFF:
        raise LogCorrupt(f"{event.check} was reused, which its run or its config does not allow")
    if not (event.run and event.seal and event.key) or event.run == state.run_id:
        raise LogCorrupt(f"{event.check} was reused without an earlier pass")
    if any(state.checks[r.check].outcome is not _PASSED for r in planned.requires):
        raise LogCorrupt(f"{event.check} was reused before all that it requires had passed")
    record.reused = event
    for requirement in planned.requires:
        note_unconfirmed(state, record, requirement.check)


def check_submitted(_state: State, record: CheckRecord, event: events.CheckSubmitted) -> None:
    """The attempt waits for a worker; its check stays queued. Said again, it keeps its time."""
    if record.pool is not _WORKERS or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: submitted what is not for a worker, or not queued")
    before = record.submitted
    again = before is not None and before.token == event.token
    record.submitted = replace(event, t=before.t) if before is not None and again else event


def check_observed(
    _state: State,
    record: CheckRecord,
    event: events.CheckSlow | events.CheckIdle | events.CheckHang,
) -> None:
    """Something worth knowing of a running attempt; no change of state."""
    _check_running(record, event)
    if isinstance(event, events.CheckHang):
        record.hang = event


def termination_requested(
    state: State, record: CheckRecord, event: events.CheckTerminationRequested
) -> None:
    """The first reason decides; a leak is swept after the end and decides nothing."""
    _check_running(record, event)
    cancel = state.cancel
    if event.reason in CANCELS_ALL and (cancel is None or cancel.reason != event.reason.value):
        raise LogCorrupt(f"{event.check} was ended by a cancel of the run that there was not")
    if event.reason is _IDLE and record.planned.idle_timeout_ns is None:
        raise LogCorrupt(f"{event.check} was ended by an idle_timeout that it does not have")
    present = record.termination
    if present is None or present.reason is _LEAK:
        record.termination = event


def attempt_finished(state: State, record: CheckRecord, event: events.CheckAttemptFinished) -> None:
    """The attempt is over and its slot is free."""
    if record.attempt_over:
        raise _not_under_way(event.check)
    if event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: attempt {event.attempt} ended, not {record.attempt}")
    if event.active_ns > event.elapsed_ns:
        raise LogCorrupt(f"{event.check}: the attempt was active longer than it lasted")
    started = record.state is RUNNING
    # The usual case is decided without a call, which would cost as much as all else here.
    if not started or event.end is not _EXITED or event.exit_code is None or event.signal:
        _check_unusual_end(record, event)
        if event.end is _LOST:
            record.lost += 1
    if started:
        if record.group:
            state.groups.pop(record.group, None)
        state.used[record.pool] -= record.slots
    record.attempt_over = True
    record.finished = event


def _check_unusual_end(record: CheckRecord, event: events.CheckAttemptFinished) -> None:
    refused = event.end is _REFUSED
    # A worker may refuse what has been recorded as started: nothing of it ran.
    fits = not refused or record.pool is _WORKERS if record.state is RUNNING else refused
    if not fits:
        raise _not_under_way(event.check)
    if not _has_fitting_status(event):
        raise LogCorrupt(f"{event.check}: the end of the attempt contradicts its exit status")


def _has_fitting_status(event: events.CheckAttemptFinished) -> bool:
    """Whether the exit status fits the end of the attempt.

    A command that has exited has a code or a signal, any other has neither. One that could not be
    killed has neither, although its attempt is over.
    """
    if event.exit_code is None and not event.signal:
        return event.end is not _EXITED or bool(event.unkillable)
    return event.end is _EXITED and (event.exit_code is None or not event.signal)


def check_extracted(_state: State, record: CheckRecord, event: events.CheckExtracted) -> None:
    """Values and assertion of the last attempt, once, after it ended."""
    if not record.attempt_over:
        raise _judged_early(event.check)
    if record.extracted is not None or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: values extracted twice or from another attempt")
    if event.assertion_result is not None and unsuccessful(record):
        raise LogCorrupt(f"{event.check}: an assertion about a command that did not succeed")
    record.extracted = event


def check_results(_state: State, record: CheckRecord, event: events.CheckResults) -> None:
    """The results of the attempt that is over, once, before it is judged."""
    if not record.attempt_over:
        raise _judged_early(event.check)
    if record.results is not None or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: results twice or of another attempt")
    if event.guessed is bool(record.planned.results):
        raise LogCorrupt(f"{event.check}: results that its config does not ask for")
    record.results = event


def retry_scheduled(_state: State, record: CheckRecord, event: events.CheckRetryScheduled) -> None:
    """Running -> backoff: what failed or timed out is tried again, as often as planned."""
    if not record.attempt_over:
        raise _judged_early(event.check)
    before = record.attempt
    if event.attempt != before + 1 or before > record.planned.retries + record.lost:
        raise LogCorrupt(f"{event.check}: a retry that was not planned")
    if problem := not_tried_again(record):
        raise LogCorrupt(f"{event.check}: another attempt, but {problem}")
    record.state = BACKOFF
    record.attempt_over = False


def check_settled(state: State, record: CheckRecord, event: events.CheckSettled) -> None:
    """Any state -> settled, once, with an outcome that the events before it support."""
    problem = contradiction(state, record, event)
    if problem:
        raise LogCorrupt(f"{event.check} settled as {event.outcome.value}, but {problem}")
    record.state = SETTLED
    record.outcome = event.outcome
    record.settled = event
    state.settled += 1
    state.counts[event.outcome] = state.counts.get(event.outcome, 0) + 1
    state.unsettled_foreground -= not record.planned.outlasts_foreground


def _check_running(record: CheckRecord, event: Any) -> None:
    if record.attempt_over or event.attempt != record.attempt:
        raise LogCorrupt(f"{event.check}: news of an attempt that is not under way")


def _not_under_way(check: str) -> LogCorrupt:
    return LogCorrupt(f"{check}: an attempt ended that was not under way")


def _judged_early(check: str) -> LogCorrupt:
    return LogCorrupt(f"{check}: judged while its attempt is under way")


def check_requirements(state: State, record: CheckRecord) -> None:
    """Every requirement has passed or was waived; those that it runs before are noted."""
    check = record.planned.id
    for requirement in record.planned.requires:
        required = state.checks[requirement.check]
        if record.waived.get(requirement.check) == _PROCEED:
            if requirement.check not in record.ran_before:
                record.ran_before = (*record.ran_before, requirement.check)
        elif required.state is not SETTLED:
            raise LogCorrupt(f"{check} started before {requirement.check} settled")
        elif required.outcome is not _PASSED:
            raise LogCorrupt(f"{check} started although {requirement.check} did not pass")
        else:
            note_unconfirmed(state, record, requirement.check)


def note_unconfirmed(state: State, record: CheckRecord, required: str) -> None:
    """Note that the check runs before a reused requirement has been confirmed."""
    confirming = state.checks.get(f"{required}{CONFIRMING}")
    if confirming is None or confirming.state is SETTLED or confirming is record:
        return
    if confirming.planned.id not in record.ran_before:
        record.ran_before = (*record.ran_before, confirming.planned.id)


def enter_group(state: State, record: CheckRecord) -> None:
    """Enter the group of the check: no other check of it may be running."""
    check, holder = record.planned.id, state.groups.get(record.group)
    if holder is not None:
        raise LogCorrupt(f"{check} and {holder} of group {record.group} ran together")
    state.groups[record.group] = check
