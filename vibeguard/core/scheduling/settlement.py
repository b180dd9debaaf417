"""`check.settled` of a check: what follows from its record in the State is filled in here."""

from vibeguard.core.model.config_parts import Triggers
from vibeguard.core.model.event_parts import Excerpt, TriggeredPrompt
from vibeguard.core.model.events import CheckReused, CheckSettled
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import UNPASSED, LeakPolicy, Outcome, QuarantineState, Reason


def settled(
    record: CheckRecord,
    outcome: Outcome,
    reason: Reason | None = None,
    *,
    cause: str = "",
    detail: str = "",
    waived: bool = False,
    excerpt: Excerpt | None = None,
    tail: tuple[str, ...] = (),
) -> CheckSettled:
    """The event by which a check settles; its attempts, flakiness, leak and prompts are added."""
    planned, finished = record.planned, record.finished
    attempts = 0 if record.started is None else record.started.attempt
    return CheckSettled(
        check=planned.id,
        outcome=outcome,
        reason=reason,
        cause=cause,
        detail=detail,
        attempts=attempts,
        flaky=outcome is Outcome.PASSED and attempts - record.lost > 1,
        leaked=finished is not None
        and bool(finished.leaked)
        and planned.leaks is not LeakPolicy.IGNORE,
        waived=waived,
        quarantined=reason is Reason.EXIT_CODE
        and record.results is not None
        and record.results.quarantine is QuarantineState.APPLIES,
        prompts=triggered_prompts(planned.on, outcome),
        excerpt=excerpt,
        tail=tail,
    )


def reused(record: CheckRecord, found: CheckReused) -> tuple[CheckReused, CheckSettled]:
    """The events by which a ready check settles for which an earlier pass was found to stand."""
    return found, settled(record, Outcome.PASSED, Reason.REUSED)


def nothing_to_confirm(record: CheckRecord) -> CheckSettled:
    """The event by which a check settles whose check was not reused, whatever became of it."""
    reason, confirmed = Reason.NOTHING_TO_CONFIRM, record.planned.confirms
    return settled(record, Outcome.SKIPPED, reason, cause=confirmed, waived=True)


def triggered_prompts(on: Triggers, outcome: Outcome) -> tuple[TriggeredPrompt, ...]:
    """`on.success` of a pass, `on.timeout` of a timeout if there is one, else `on.failure`.

    A timeout wins over a failure (COMPAT "Run"). A check that was cancelled or skipped triggers
    nothing: it was not judged.
    """
    if outcome is Outcome.PASSED:
        event, triggers = "success", on.success
    elif outcome is Outcome.TIMEOUT and on.timeout:
        event, triggers = "timeout", on.timeout
    elif outcome in UNPASSED:
        event, triggers = "failure", on.failure
    else:
        return ()
    return tuple(
        TriggeredPrompt(source=trigger.source, content=trigger.content, event=event)
        for trigger in triggers
    )
