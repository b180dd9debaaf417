"""What a run promises of single things: tries, cancels, limits, records. `oracles.py` has the rest."""

import errno
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

from tests.simulation.facts import Facts, lines_of
from tests.simulation.machine import SECOND_NS
from tests.simulation.outcome import Outcome
from vibeguard.system.executors.pool_attempt import ALTERED
from vibeguard.system.front.comparison import differences_from
from vibeguard.system.front.following import Shown

Findings = Iterator[str]
SLACK_S = 0.5
STANDING = ("pause", "suspend", "stall")
ENDING_S = 4.0  # beside the grace: what a kill may take, a judgement, and looks
_PASSING = (errno.EAGAIN, errno.EMFILE)
_BAD = ("failed", "timeout", "error")


def retries_keep_to_the_plan(outcome: Outcome, log: list[Facts]) -> Findings:
    """No more attempts than were asked for, each no sooner than was said."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    due: dict[str, int] = {}
    lost: dict[str, int] = {}
    for event in log:
        if event["type"] == "check.retry_scheduled":
            due[event["check"]] = event["t"] + event["delay_ns"]
        elif event["type"] == "check.attempt_finished" and event["end"] == "lost":
            lost[event["check"]] = lost.get(event["check"], 0) + 1
        elif event["type"] == "check.started":
            check = planned[event["check"]]
            if event["attempt"] - lost.get(check.id, 0) > 1 + check.retries:
                yield f"attempt {event['attempt']} of {check.id}, which has {check.retries} retries"
            if event["t"] < due.get(check.id, 0) - SECOND_NS // 1000:
                yield f"attempt {event['attempt']} of {check.id} came before its delay was over"


def cancels_have_reasons(outcome: Outcome, log: list[Facts]) -> Findings:
    """Fail-fast has a failure of severity error behind it, the run's timeout its time."""
    settings = outcome.history.plan.settings
    severe = {c.id for c in outcome.history.plan.checks if c.severity == "error"}
    failed: set[str] = set()
    for event in log:
        if (
            event["type"] == "check.settled"
            and event["outcome"] in _BAD
            and not event.get("waived")
        ):
            failed.add(event["check"])
        elif event["type"] == "run.cancel_requested" and event["reason"] == "fail_fast":
            if event["by"] not in failed & severe or not settings.fail_fast:
                yield f"fail-fast struck because of {event['by']}"
        elif event["type"] == "run.cancel_requested" and event["reason"] == "run_timeout":
            early = event["t"] < (settings.run_timeout_ns or 0)
            yield from ["the run's timeout struck early"] * early


def the_run_timeout_strikes(outcome: Outcome, log: list[Facts]) -> Findings:
    """Nothing starts, and nothing goes on, long after the time that the run was given."""
    limit_ns = outcome.history.plan.settings.run_timeout_ns
    if limit_ns is None or any(h.what in STANDING for _, h in outcome.delivered):
        return
    for event in log:
        if event["type"] == "run.cancel_requested":
            return
        if event["t"] > limit_ns + SLACK_S * SECOND_NS and event["type"].startswith("check."):
            yield f"{event['type']} of {event['check']} although the run's time was over"
            return


def one_check_is_cancelled(outcome: Outcome, log: list[Facts]) -> Findings:
    """A check that was to be cancelled goes on no longer than its end may take."""
    if outcome.exit_code == 4 or any(h.what in STANDING for _, h in outcome.delivered):
        return
    bound_ns = outcome.history.plan.settings.grace_ns + ENDING_S * SECOND_NS
    for at_ns, happening in outcome.delivered:
        for event in log:
            own = event["type"] == "check.settled" and event["check"] == happening.detail
            late = event["t"] > at_ns + bound_ns
            if happening.what == "cancel check" and own and late:
                yield f"{event['check']} settled long after it was to be cancelled"


def the_plan_is_safe_first(outcome: Outcome, _: list[Facts]) -> Findings:
    """No check starts before the plan is where no crash takes it back."""
    if outcome.started_before_the_plan_was_safe:
        yield "a check started before its plan was safe"


def nothing_is_called_corrupt_without_cause(outcome: Outcome, _: list[Facts]) -> Findings:
    """4 is for a log or an output that was changed or could not be written."""
    cause = outcome.disk.trouble is not None
    cause = cause or any(happening.what == "tamper" for _, happening in outcome.delivered)
    if outcome.exit_code == 4 and not cause:
        told = outcome.sealed.differences if outcome.sealed is not None else outcome.failure
        yield f"the run ended with 4 ({told}), and nobody has touched its files"


def outputs_are_compared(outcome: Outcome, _: list[Facts]) -> Findings:
    """Who changes what a check has written, while the run goes on, takes its verdict away."""
    if outcome.altered_output and outcome.exit_code != 4:
        yield f"{outcome.altered_output} was changed, and the run ended with {outcome.exit_code}"


def what_arrives_is_what_was_written(_: Outcome, log: list[Facts]) -> Findings:
    """The way to a worker loses and repeats, and changes nothing: no result is refused for that."""
    for event in log:
        if event["type"] == "check.attempt_finished" and ALTERED in event.get("error", ""):
            yield f"{event['check']}: {event['error']}"


def readers_are_told(outcome: Outcome, _: list[Facts]) -> Findings:
    """Whoever follows a log that somebody else has changed is told."""
    tampered = any(
        happening.what == "tamper" and happening.detail != "output"
        for _, happening in outcome.delivered
    )
    if tampered and outcome.sealed is None and not outcome.follower_problem:
        yield "a follower has not noticed that its log was changed"


def the_front_says_the_same(outcome: Outcome, _: list[Facts]) -> Findings:
    """The front compares what it followed with what the supervisor says, and finds it the same."""
    sealed, follower = outcome.sealed, outcome.follower
    if sealed is None or sealed.differences or follower is None or outcome.follower_problem:
        return
    shown = SimpleNamespace(state=outcome.followed, problem=None)
    if problem := differences_from(sealed, cast("Shown", shown), follower):
        yield f"the front says {problem}"


def pressure_is_borne(outcome: Outcome, log: list[Facts]) -> Findings:
    """What passes by itself (no descriptors, no processes) is waited for, half a minute at least."""
    if outcome.disk.trouble is not None or any(
        f.number not in _PASSING for f in outcome.history.faults
    ):
        return
    for event in log:
        refused = event["type"] == "check.attempt_finished" and event["end"] == "refused"
        refused = refused and event["check"] not in outcome.history.remote
        if refused and event["t"] < 30 * SECOND_NS:
            yield f"{event['check']} was not started because of what would have passed"


def only_plain_passes_stand(outcome: Outcome, _: list[Facts]) -> Findings:
    """A pass that was reused was one at the first attempt, of what lay there while it ran."""
    first = outcome.first
    if first is None:
        return
    log = lines_of(first.log)
    for event in lines_of(outcome.log):
        if event["type"] != "check.reused":
            continue
        own = [e for e in log if e.get("check") == event["check"]]
        if sum(e["type"] == "check.started" for e in own) != 1:
            yield f"{event['check']} is reused, and passed only when it was tried again"
        if any(e.get("leaked") for e in own):
            yield f"{event['check']} is reused, and left something behind"
        queued = [e["t"] for e in own if e["type"] == "check.queued"]  # its input has been read
        if any(at_ns > min(queued, default=0) for at_ns in first.edited_ns):
            yield f"{event['check']} is reused, and its input was changed while it ran"


PROMISES = (
    retries_keep_to_the_plan,
    cancels_have_reasons,
    the_run_timeout_strikes,
    one_check_is_cancelled,
    the_plan_is_safe_first,
    readers_are_told,
    nothing_is_called_corrupt_without_cause,
    outputs_are_compared,
    what_arrives_is_what_was_written,
    the_front_says_the_same,
    pressure_is_borne,
    only_plain_passes_stand,
)
