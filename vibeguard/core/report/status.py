"""State -> Status, and Status -> the lines that a person reads."""

from collections.abc import Iterator

from vibeguard.core.fold.verdict import fails_the_run, outcome_counts
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.model.status import Forecast, RunningCheck, Status, WaitingCheck
from vibeguard.core.names import CheckState, LogStatus, Outcome, Pool
from vibeguard.core.report.conclusion import Ending, exit_code_of, verdict_event
from vibeguard.core.report.reasons import awaited_worker, worker_of
from vibeguard.core.report.tally import named, not_passed
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import MILLISECOND_NS, duration, plural, some

MAX_RUNNING = 20
MAX_WAITING = 8


def build_status(
    state: State,
    now_t: int,
    forecast: Forecast,
    *,
    ending: Ending,
    run_id: str = "",
    path: str = "",
    live_runs: tuple[str, ...] = (),
    untold: tuple[str, ...] = (),
) -> Status:
    """The status of a run at `now_t` (nanoseconds since its start; a run that is over needs none).

    `ending` is what the reading of the log says beside its events; `run_id` is that of the folder,
    whatever run the log in it says that it is of.
    """
    live = ending.log_status is LogStatus.LIVE
    verdict = verdict_event(state, ending)
    return Status(
        run_id=run_id or state.run_id,
        state=(ending.log_status or LogStatus.INCOMPLETE).value,
        verdict=verdict.verdict.value if verdict else None,
        exit_code=exit_code_of(state, ending),
        started_at=state.started.wall_time if state.started else "",
        elapsed_ms=_elapsed_ns(state, now_t, live=live) // MILLISECOND_NS,
        checks=len(state.checks),
        settled=state.settled,
        counts=outcome_counts(state),
        not_passed=not_passed(state),
        failed=tuple(c for c, r in state.checks.items() if fails_the_run(r) and _ran(r)),
        running=tuple(_running(state, now_t)) if live else (),
        waiting=tuple(_waiting(state)) if live else (),
        foreground_settled=state.foreground_settled is not None,
        paused=live and state.paused_since is not None,
        cancelling=live and state.cancel is not None,
        eta_ms=_ms(forecast.end_ns) if live else None,
        foreground_eta_ms=_ms(forecast.foreground_ns) if live else None,
        guessed=forecast.guessed if live else 0,
        problem=ending.problem,
        live_runs=live_runs,
        path=path,
        weakened=tuple(f"{promise.what} ({promise.why})" for promise in state.weakened),
        untold=untold,
    )


def status_lines(status: Status) -> list[str]:
    """The status in words: one line, and where the run is live what runs and what waits."""
    lines = [sanitise(f"run {status.run_id}: {_summary(status)}")]
    lines.extend(map(sanitise, _running_lines(status)))
    if status.waiting:
        waiting = some([_waiting_words(check) for check in status.waiting], MAX_WAITING)
        lines.append(sanitise(f"waiting: {waiting}"))
    if status.problem:
        lines.append(sanitise(status.problem))
    if status.weakened:
        lines.append(sanitise(f"weaker here: {'; '.join(status.weakened)}"))
    lines.extend(map(sanitise, status.untold))
    if status.live_runs:
        lines.append(sanitise(f"also live: {some(status.live_runs)}"))
    if status.state == LogStatus.LIVE:
        lines.append(f"the rest: vibeguard wait {sanitise(status.run_id)}")
    return lines


def _summary(status: Status) -> str:
    took = duration(status.elapsed_ms * MILLISECOND_NS)
    counts = [f"{status.settled} of {plural(status.checks, 'check')} settled"]
    counts.extend(named(status.not_passed))
    if status.state == LogStatus.LIVE:
        now = ", being cancelled" if status.cancelling else ", paused now" if status.paused else ""
        return f"running for {took}{now}: {', '.join(counts)}; {_left(status)}"
    if status.verdict is not None:
        counted = [*named(status.not_passed), f"{status.counts.get('passed', 0)} passed"]
        counted = counted if status.checks else ["nothing ran"]
        return f"{status.verdict} in {took} (exit code {status.exit_code}): {', '.join(counted)}"
    return f"{status.state} after {took} (exit code {status.exit_code}): {', '.join(counts)}"


def _left(status: Status) -> str:
    """How long it may take, and how much of that is guessed."""
    if status.eta_ms is None:
        return "no estimate without earlier runs"
    text = f"about {duration(status.eta_ms * MILLISECOND_NS)} left"
    if status.foreground_settled:
        text += ", only in the background"
    elif status.foreground_eta_ms is not None and status.foreground_eta_ms < status.eta_ms:
        text += f", {duration(status.foreground_eta_ms * MILLISECOND_NS)} of it in the foreground"
    if status.guessed:
        text += f" ({plural(status.guessed, 'check')} without earlier runs)"
    return text


def _running_lines(status: Status) -> Iterator[str]:
    for check in status.running[:MAX_RUNNING]:
        text = f"  {check.id}: running for {duration(check.running_ms * MILLISECOND_NS)}"
        if check.expected_ms is not None:
            text += f", usually {duration(check.expected_ms * MILLISECOND_NS)}"
        if check.timeout_ms:
            text += f", at most {duration(check.timeout_ms * MILLISECOND_NS)}"
        if check.worker:
            text += f", on {check.worker}"
        if check.queued_ms is not None:
            text += f" after {duration(check.queued_ms * MILLISECOND_NS)} in its queue"
        if check.attempt > 1:
            text += f", attempt {check.attempt}"
        yield text + (", background" if check.pool == Pool.BACKGROUND else "")
    if len(status.running) > MAX_RUNNING:
        yield f"  and {len(status.running) - MAX_RUNNING} more"


def _waiting_words(check: WaitingCheck) -> str:
    if check.worker:
        return f"{check.id} (for {check.worker})"
    if check.waits_for:
        return f"{check.id} (for {some(check.waits_for, 3)})"
    return f"{check.id} ({check.state})"


def _elapsed_ns(state: State, now_t: int, *, live: bool) -> int:
    # What is dead has come no further than its last event.
    goes_on = live and state.finished is None
    return max(now_t, state.last_t) if goes_on else state.elapsed_ns


def _running(state: State, now_t: int) -> Iterator[RunningCheck]:
    for check, record in state.checks.items():
        if record.state is CheckState.RUNNING:
            since = record.running_t if record.running_t is not None else now_t
            yield RunningCheck(
                id=check,
                pool=record.planned.pool.value,
                attempt=record.attempt,
                running_ms=max(now_t - since, 0) // MILLISECOND_NS,
                expected_ms=_ms(record.planned.expected_ns),
                timeout_ms=record.planned.timeout_ns // MILLISECOND_NS,
                worker=worker_of(record),
                queued_ms=_ms(record.queued_ns),
            )


def _waiting(state: State) -> Iterator[WaitingCheck]:
    for check, record in state.checks.items():
        if record.state not in (CheckState.RUNNING, CheckState.SETTLED):
            yield WaitingCheck(
                id=check,
                pool=record.planned.pool.value,
                state=record.state.value,
                waits_for=tuple(_waits_for(state, record)),
                worker=awaited_worker(record),
            )


def _waits_for(state: State, record: CheckRecord) -> Iterator[str]:
    for requirement in record.planned.requires:
        if state.checks[requirement.check].outcome is not Outcome.PASSED:
            yield requirement.check


def _ran(record: CheckRecord) -> bool:
    """Whether it came to its outcome by itself: it was neither skipped nor cancelled."""
    return record.outcome not in (Outcome.SKIPPED, Outcome.CANCELLED)


def _ms(nanoseconds: int | None) -> int | None:
    return None if nanoseconds is None else nanoseconds // MILLISECOND_NS
