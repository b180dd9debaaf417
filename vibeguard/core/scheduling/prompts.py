"""Which prompts an outcome triggers (COMPAT "Run": a timeout wins over a failure)."""

from vibeguard.core.model.config import Triggers
from vibeguard.core.model.events import TriggeredPrompt
from vibeguard.core.names import Outcome


def triggered_prompts(on: Triggers, outcome: Outcome) -> tuple[TriggeredPrompt, ...]:
    """`on.success` of a pass, `on.timeout` of a timeout if there is one, else `on.failure`.

    A check that was cancelled or skipped triggers nothing: it was not judged.
    """
    if outcome is Outcome.PASSED:
        event, triggers = "success", on.success
    elif outcome is Outcome.TIMEOUT and on.timeout:
        event, triggers = "timeout", on.timeout
    elif outcome in (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR):
        event, triggers = "failure", on.failure
    else:
        return ()
    return tuple(
        TriggeredPrompt(source=trigger.source, content=trigger.content, event=event)
        for trigger in triggers
    )
