"""Attempts that cannot be judged, because of how they ended: their checks settle as errors."""

from collections.abc import Callable

from vibeguard.core.model.events import CheckAttemptFinished, CheckSettled, Event
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import AttemptEnd, Outcome, Reason
from vibeguard.core.scheduling.settlement import settled
from vibeguard.system.executors.base import AttemptResult, StartRefused


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
