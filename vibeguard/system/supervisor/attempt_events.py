"""Events of an attempt: what was found in its processes and its output, or that it is no pass."""

from collections.abc import Callable

from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckSettled,
    CheckSubmitted,
    Event,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import AttemptEnd, Outcome, Reason
from vibeguard.core.scheduling.settlement import settled
from vibeguard.system.executors.base import Attempt, AttemptResult, RemoteSpec
from vibeguard.system.process.start_refused import StartRefused


def submitted(remote: RemoteSpec) -> CheckSubmitted:
    """The attempt waits for a worker from now on."""
    job = remote.job
    return CheckSubmitted(
        check=job.check,
        attempt=job.attempt,
        engine=remote.engine,
        token=job.token,
        wanted=job.labels,
        present=remote.present,
    )


def hang(planned: PlannedCheck, number: int, attempt: Attempt, silent_ns: int) -> CheckHang:
    """What the processes were doing when a limit was reached."""
    return CheckHang(
        check=planned.id,
        attempt=number,
        processes=attempt.processes(),
        silent_ns=silent_ns,
        last_lines=attempt.last_lines(),
    )


def finished(
    planned: PlannedCheck, number: int, result: AttemptResult, lasted_ns: int
) -> CheckAttemptFinished:
    """The attempt is over; its output is stored under the name that the plan has for it.

    `lasted_ns` is by Trio's time, which may know of more pauses than the executor: a stop of the
    supervisor itself.
    """
    elapsed_ns = max(result.elapsed_ns, result.active_ns)
    active_ns = min(result.active_ns, lasted_ns)
    return CheckAttemptFinished(
        check=planned.id,
        attempt=number,
        end=result.end,
        error=result.error or result.output_error,
        output_path=planned.output_name(number),
        not_returned=result.left_out,
        **{**result.facts(), "elapsed_ns": elapsed_ns, "active_ns": active_ns},
    )


def extracted(planned: PlannedCheck, number: int, judgement: Judgement) -> CheckExtracted:
    """What grok found in the output, and what the assertion made of it."""
    return CheckExtracted(
        check=planned.id,
        attempt=number,
        values=judgement.values,
        unmatched=judgement.unmatched,
        assertion=planned.assertion,
        assertion_result=judgement.assertion_result,
    )


def refuse(check: CheckRecord, refusal: StartRefused, record: Callable[[Event], None]) -> None:
    """Record that the attempt could not be started, and so that its check is an error, no pass.

    One after the other: what settles a check is made of the State that knows of the attempt's end.
    """
    record(
        CheckAttemptFinished(
            check=check.planned.id,
            attempt=check.attempt,
            end=AttemptEnd.REFUSED,
            error=refusal.reason,
        )
    )
    record(settled(check, Outcome.ERROR, Reason.NOT_STARTABLE, detail=refusal.reason))


def defect_of(record: CheckRecord, result: AttemptResult) -> CheckSettled | None:
    """Ends that cannot be judged: lost, unkillable, or with an output that was not stored."""
    if result.end is AttemptEnd.LOST:
        return settled(record, Outcome.ERROR, Reason.LOST, detail=result.error)
    if result.end is AttemptEnd.REFUSED:  # on another machine, after it was told to start
        return settled(record, Outcome.ERROR, Reason.NOT_STARTABLE, detail=result.error)
    if result.unkillable:
        names = ", ".join(f"{p.pid} {p.command}" for p in result.unkillable)
        return settled(record, Outcome.ERROR, Reason.UNKILLABLE, detail=names)
    if result.output_error:
        return settled(record, Outcome.ERROR, Reason.OUTPUT_LOST, detail=result.output_error)
    return None
