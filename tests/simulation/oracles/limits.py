"""The limits of checks and of the run, and the time that counts for them."""

from tests.simulation.facts import STANDING, Facts, Findings
from tests.simulation.outcome import Outcome
from tests.simulation.processes import SECOND_NS

SLACK_S = 0.5
_GAPS = ("suspend", "stall")


def no_limit_strikes_early(outcome: Outcome, log: list[Facts]) -> Findings:
    """What stood still is no time of a check: neither a pause nor a machine that was suspended."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    gaps = [(e["t"] - e["paused_ns"], e["t"]) for e in log if e["type"] == "run.resumed"]
    for at_ns, happening in outcome.delivered:
        gap_ns = float(happening.detail) * SECOND_NS if happening.what in _GAPS else 0.0
        if gap_ns > 2 * SECOND_NS:  # up to one second is a busy machine
            gaps.append((at_ns, at_ns + gap_ns - 1.2 * SECOND_NS))
    gaps = _without_overlaps(gaps)
    started: dict[str, int] = {}
    for event in log:
        if event["type"] == "check.started":
            started[event["check"]] = event["t"]
        elif gaps and event.get("check") in outcome.history.remote:
            continue  # a worker learns of a pause a little later
        elif event["type"] == "check.termination_requested" and event["reason"] == "timeout":
            begin, end = started[event["check"]], event["t"]
            stood = sum(max(min(b, end) - max(a, begin), 0) for a, b in gaps)
            limit_ns = planned[event["check"]].timeout_ns
            if end - begin - stood < limit_ns - SECOND_NS // 100:
                yield f"the timeout of {event['check']} struck after {(end - begin) / SECOND_NS:.2f} s"


def _without_overlaps(gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A machine may be suspended in a pause."""
    apart: list[tuple[float, float]] = []
    for begin, end in sorted(gaps):
        after = max(begin, apart[-1][1]) if apart else begin
        apart += [(after, end)] * (after < end)
    return apart


def a_pause_is_counted(outcome: Outcome, log: list[Facts]) -> Findings:
    """What is called a pause is all the time between its two events."""
    began = 0
    for event in log:
        if event["type"] == "run.paused":
            began = event["t"]
        elif event["type"] == "run.resumed":
            stood_ns = event["t"] - began
            if stood_ns - event["paused_ns"] > SLACK_S * SECOND_NS:
                yield f"{event['paused_ns']} ns count of a pause of {stood_ns}"


def idle_is_ended(outcome: Outcome, log: list[Facts]) -> Findings:
    """A check that was silent for its idle timeout is ended by it, or by something sooner."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    if outcome.has(*STANDING):
        return
    started: dict[str, int] = {}
    for event in log:
        if event["type"] == "check.started":
            started[event["check"]] = event["t"]
        elif event["type"] == "check.attempt_finished" and event["end"] != "refused":
            check = planned[event["check"]]
            silent = not event.get("output_bytes") and check.idle_timeout_ns is not None
            silent = silent and check.where is None and not event.get("unkillable")
            lasted_ns = event["t"] - started[check.id]
            ended = any(
                e["type"] == "check.termination_requested" and e["check"] == check.id for e in log
            )
            if silent and lasted_ns > (check.idle_timeout_ns or 0) + SECOND_NS and not ended:
                yield f"{check.id} was silent for {lasted_ns / SECOND_NS:.2f} s"


def the_run_timeout_strikes(outcome: Outcome, log: list[Facts]) -> Findings:
    """Nothing starts, and nothing goes on, long after the time that the run was given."""
    limit_ns = outcome.history.plan.settings.run_timeout_ns
    if limit_ns is None or outcome.has(*STANDING):
        return
    for event in log:
        if event["type"] == "run.cancel_requested":
            return
        if event["t"] > limit_ns + SLACK_S * SECOND_NS and event["type"].startswith("check."):
            yield f"{event['type']} of {event['check']} although the run's time was over"
            return


ORACLES = (
    no_limit_strikes_early,
    a_pause_is_counted,
    idle_is_ended,
    the_run_timeout_strikes,
)
