"""What `check.settled` says beyond the outcome: all of it follows from the record of the check."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.helpers.histories import History, check
from vibeguard.core.model.config_parts import Trigger, Triggers
from vibeguard.core.model.event_parts import Excerpt, ProcessReport, TriggeredPrompt
from vibeguard.core.model.events import CheckResults, CheckReused, CheckSettled
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import (
    LeakPolicy,
    Outcome,
    QuarantineState,
    Reason,
    Severity,
)
from vibeguard.core.scheduling.index import Index
from vibeguard.core.scheduling.settlement import reused, settled, triggered_prompts

LEFT = (ProcessReport(pid=7, command="sleep 600"),)
EXCERPT = Excerpt(rule="tail", lines=("no",), first_line=3)


def record_of(*, left: tuple[ProcessReport, ...] = (), **planned: Any) -> CheckRecord:
    """A check whose first attempt has just ended."""
    history = History(check("a", **planned))
    history.ready("a")
    history.start("a")
    history.exit("a", leaked=left)
    return history.state.checks["a"]


@pytest.mark.parametrize(
    ("outcome", "event", "content"),
    [
        (Outcome.PASSED, "success", "well done"),
        (Outcome.FAILED, "failure", "mend it"),
        (Outcome.ERROR, "failure", "mend it"),
        (Outcome.TIMEOUT, "timeout", "too slow"),
        (Outcome.SKIPPED, "", ""),
        (Outcome.CANCELLED, "", ""),
    ],
)
def test_an_outcome_triggers_the_prompts_of_its_event(outcome: Outcome, event: str, content: str):
    on = Triggers(
        success=(Trigger(source="ok", content="well done"),),
        failure=(Trigger(source="bad", content="mend it"),),
        timeout=(Trigger(source="late", content="too slow"),),
    )
    shown = [(one.event, one.content) for one in triggered_prompts(on, outcome)]
    assert shown == ([(event, content)] if event else [])


def test_a_timeout_without_a_prompt_of_its_own_is_a_failure():
    on = Triggers(failure=(Trigger(source="bad", content="mend it"),))
    prompt = TriggeredPrompt(source="bad", content="mend it", event="failure")
    assert triggered_prompts(on, Outcome.TIMEOUT) == (prompt,)


def test_what_is_known_of_the_moment_is_said_and_prompts_are_those_of_the_check():
    on = Triggers(success=(Trigger(source="ok", content="well done"),))
    record = record_of(on=on)
    known = {"cause": "b", "detail": "why", "waived": True, "excerpt": EXCERPT, "tail": ("no",)}
    said = settled(record, Outcome.PASSED, **known)
    (prompt,) = said.prompts
    assert (prompt.source, prompt.event) == ("ok", "success")
    assert said == CheckSettled(
        check="a", outcome=Outcome.PASSED, attempts=1, prompts=(prompt,), **known
    )
    plain = settled(record, Outcome.FAILED, Reason.EXIT_CODE)
    assert plain == CheckSettled(
        check="a", outcome=Outcome.FAILED, reason=Reason.EXIT_CODE, attempts=1
    )


@pytest.mark.parametrize(
    ("attempts", "lost", "outcome", "flaky"),
    [
        (1, 0, Outcome.PASSED, False),
        (2, 0, Outcome.PASSED, True),
        (2, 1, Outcome.PASSED, False),
        (3, 1, Outcome.PASSED, True),
        (2, 0, Outcome.FAILED, False),
    ],
)
def test_a_pass_after_a_failure_is_flaky_and_a_lost_attempt_was_none(
    attempts: int, lost: int, outcome: Outcome, *, flaky: bool
):
    record = record_of()
    record.started = replace(record.started, attempt=attempts)
    record.lost = lost
    assert settled(record, outcome).flaky is flaky
    assert settled(record, outcome).attempts == attempts


@pytest.mark.parametrize(
    ("leaks", "left", "leaked"),
    [
        (LeakPolicy.WARN, LEFT, True),
        (LeakPolicy.FAIL, LEFT, True),
        (LeakPolicy.IGNORE, LEFT, False),
        (LeakPolicy.WARN, (), False),
    ],
)
def test_what_it_left_behind_is_said_unless_that_is_ignored(
    leaks: LeakPolicy, left: tuple[ProcessReport, ...], *, leaked: bool
):
    record = record_of(left=left, leaks=leaks)
    assert settled(record, Outcome.PASSED).leaked is leaked


@pytest.mark.parametrize(
    ("state", "reason", "quarantined"),
    [
        (QuarantineState.APPLIES, Reason.EXIT_CODE, True),
        (QuarantineState.APPLIES, Reason.LEAK, False),
        (QuarantineState.EXPIRED, Reason.EXIT_CODE, False),
        (None, Reason.EXIT_CODE, False),
    ],
)
def test_a_quarantine_holds_for_failures_by_exit_code_alone(
    state: QuarantineState | None, reason: Reason, *, quarantined: bool
):
    record = record_of()
    if state is not None:
        record.results = CheckResults(seq=9, t=9, check="a", attempt=1, quarantine=state)
    assert settled(record, Outcome.FAILED, reason).quarantined is quarantined


def test_a_pass_that_is_reused_names_the_run_that_it_is_of():
    record = History(check("a")).state.checks["a"]
    found = CheckReused(check="a", run="before", seal="5ea1", key="4e7")
    said = CheckSettled(check="a", outcome=Outcome.PASSED, reason=Reason.REUSED)
    assert reused(record, found) == (found, said)


def test_what_failed_first_is_found_in_any_state_whatever_the_order_of_the_plan():
    warns = check("warns", severity=Severity.WARNING)
    history = History(check("later"), check("first"), warns, check("skipped"))
    history.ready("later", "first", "warns")
    for name in ("warns", "first", "later"):
        history.fails(name)
    history.settle("skipped", Outcome.CANCELLED, Reason.CANCEL)
    found = Index(history.state, ()).failed_first
    assert found is history.state.checks["first"]
