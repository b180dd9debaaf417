"""What the events of the run as a whole do to the State, and when they are illegal."""

from vibeguard.core.fold.verdict import fails_the_run, outcome_counts, outranks, verdict_of
from vibeguard.core.model import events
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import (
    CANCEL_EXIT_CODES,
    UNPASSED,
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    WhilePending,
)
from vibeguard.core.problems import LogCorrupt


def run_started(state: State, event: events.RunStarted) -> None:
    """The run exists."""
    if state.started is not None:
        raise LogCorrupt("a second run.started")
    state.started = event


def run_planned(state: State, event: events.RunPlanned) -> None:
    """The checks and settings are known; every requirement names a planned check."""
    if state.planned is not None:
        raise LogCorrupt("a second run.planned")
    state.planned = event
    pool = event.settings.pool
    state.planned_slots = {
        Pool.FOREGROUND: event.settings.parallel,
        Pool.BACKGROUND: event.settings.async_parallel,
        Pool.WORKERS: 0 if pool is None else pool.slots,
    }
    state.slots = dict(state.planned_slots)
    for planned in event.checks:
        if planned.id in state.checks:
            raise LogCorrupt(f"{planned.id} is planned twice")
        if planned.pool is Pool.WORKERS and pool is None:
            raise LogCorrupt(f"{planned.id} is for a pool of workers, and there is none")
        # A weight is clamped to its pool as planned, whatever `run.degraded` says later.
        slots = min(planned.weight, state.planned_slots[planned.pool])
        state.checks[planned.id] = CheckRecord(planned, slots)
        state.unsettled_foreground += not planned.outlasts_foreground
    for planned in event.checks:
        for requirement in planned.requires:
            if requirement.check not in state.checks:
                raise LogCorrupt(f"{planned.id} requires {requirement.check}, which is not planned")


def frontier_advanced(state: State, event: events.FrontierAdvanced) -> None:
    """Pending -> ready, for checks whose requirements have all settled acceptably."""
    if event.number != state.frontiers:
        raise LogCorrupt(f"frontier {event.number} where {state.frontiers} must follow")
    if state.cancel is not None:
        raise LogCorrupt("the frontier advanced after the run was cancelled")
    state.frontiers += 1
    for check in event.checks:
        record = state.checks.get(check)
        if record is None or record.state is not CheckState.PENDING:
            raise LogCorrupt(f"{check} became ready without being pending")
        for requirement in record.planned.requires:
            if requirement.while_pending is not WhilePending.WAIT:
                continue
            if state.checks[requirement.check].outcome is not Outcome.PASSED:
                raise LogCorrupt(f"{check} became ready before {requirement.check} passed")
        record.state = CheckState.READY
        record.frontier = event.number
        record.ready_t = event.t


def foreground_settled(state: State, event: events.RunForegroundSettled) -> None:
    """Only async checks and what waits for them remain."""
    if state.foreground_settled is not None:
        raise LogCorrupt("a second run.foreground_settled")
    if state.unsettled_foreground:
        raise LogCorrupt("run.foreground_settled while foreground checks are unsettled")
    if event.counts != outcome_counts(state):
        raise LogCorrupt("the counts of run.foreground_settled do not add up")
    pending = tuple(check for check, r in state.checks.items() if r.state is not CheckState.SETTLED)
    if event.pending != pending:
        raise LogCorrupt("the pending checks of run.foreground_settled are not those that are")
    state.foreground_settled = event


def run_paused(state: State, event: events.RunPaused) -> None:
    """Everything is stopped."""
    if state.paused_since is not None:
        raise LogCorrupt("run.paused while paused")
    state.paused_since = event.t


def run_resumed(state: State, event: events.RunResumed) -> None:
    """Everything goes on."""
    if state.paused_since is None:
        raise LogCorrupt("run.resumed without run.paused")
    if event.paused_ns > event.t - state.paused_since:
        raise LogCorrupt("the pause is longer than the time that passed")
    state.paused_since = None


def run_degraded(state: State, event: events.RunDegraded) -> None:
    """Fewer slots from now on; never more, never none."""
    lower = {Pool.FOREGROUND: event.parallel, Pool.BACKGROUND: event.async_parallel}
    if not all(1 <= slots <= state.slots[pool] for pool, slots in lower.items()):
        raise LogCorrupt("run.degraded does not lower the parallelism")
    state.slots.update(lower)


def run_weakened(state: State, event: events.RunWeakened) -> None:
    """A promise that this system cannot keep: each is said once."""
    if any(event.what == known.what for known in state.weakened):
        raise LogCorrupt(f"run.weakened twice for one promise: {event.what}")
    state.weakened.append(event)


def cancel_requested(state: State, event: events.RunCancelRequested) -> None:
    """Nothing more starts. One request decides how the run ends."""
    if state.settled == len(state.checks):
        raise LogCorrupt("a cancel after the last check settled")
    if (event.exit_code is None) is not (CANCEL_EXIT_CODES[event.reason] is None):
        raise LogCorrupt(f"a cancel by {event.reason.value} with an exit code that is not its own")
    if event.reason is CancelReason.FAIL_FAST:
        record = state.checks.get(event.by)
        if record is None or record.outcome not in UNPASSED or not fails_the_run(record):
            raise LogCorrupt(f"fail-fast because of {event.by}, which has not failed")
    if outranks(event, state.cancel):
        state.cancel = event


def run_finished(state: State, event: events.RunFinished) -> None:
    """The verdict must be the one that the events before it give."""
    if state.settled != len(state.checks):
        raise LogCorrupt("run.finished while checks are unsettled")
    if state.foreground_settled is None:
        raise LogCorrupt("run.finished without run.foreground_settled")
    if event.counts != outcome_counts(state):
        raise LogCorrupt("the counts of run.finished do not add up")
    ruling = verdict_of(state)
    recorded = (event.verdict, event.exit_code, event.reason)
    if recorded != (ruling.verdict, ruling.exit_code, ruling.reason):
        raise LogCorrupt("the verdict of run.finished does not follow from the checks")
    if event.elapsed_ns > event.t:
        raise LogCorrupt("the run lasted longer than its log")
    state.finished = event


def log_sealed(state: State, event: events.LogSealed) -> None:
    """The last event. The digest itself is the log decoder's to check."""
    if state.finished is None:
        raise LogCorrupt("a seal without run.finished")
    if event.events != event.seq:
        raise LogCorrupt("the seal counts other events than the log holds")
    state.sealed = event


def unknown_event(state: State, _: events.UnknownEvent) -> None:
    """A later schema's event that may be ignored: it counts and changes nothing."""
    state.unknown_events += 1
