"""Whatever ends, by itself or because it is told to: within its time, and all of it."""

from tests.simulation.facts import STANDING, Facts, Findings
from tests.simulation.outcome import Outcome
from tests.simulation.outside import SWEEP_BOUND_S
from tests.simulation.processes import SECOND_NS
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import reading_of

# From the end of a grace to the settlement: what cannot be killed is given up after two seconds.
UNKILLABLE_S = 2.0
LEAK_S = 1.0 + UNKILLABLE_S
AWAY_S = 6.0  # messages, and what silence is borne beyond a lease
SLACK_S = 0.5  # for calls that take long, and looks that come every tenth of a second
ENDING_S = 4.0  # beside the grace: what a kill may take, a judgement, and looks
HEARD_OF_S = 1.0  # a request: it is looked for every tenth of a second
_OF_WHAT_IS_LEFT = ("leak", "output_limit", "log_failure")
_BAD = ("failed", "timeout", "error")


def nobody_else_was_touched(outcome: Outcome, _: list[Facts]) -> Findings:
    """No signal to a stranger, no command twice, nothing that runs in a pause or could flee a kill."""
    yield from outcome.kernel.violations
    yield from outcome.beside


def settled_is_gone(outcome: Outcome, log: list[Facts]) -> Findings:
    """When a check has settled nothing of it is alive, but what the config or the system lets live.

    Who was given up, since nobody may send signals, is not recorded where the log was lost.
    """
    if any(fault.call == "prctl" for fault in outcome.history.faults):
        return  # `run.weakened` says so: what has left its tree is not always found
    yield from outcome.settled_alive
    for owner in outcome.remote_alive:
        yield f"{owner} runs on a worker although no lease holds any more"
    ignored = {c.id for c in outcome.history.plan.checks if c.leaks == "ignore"}
    if not any(e["type"] == "run.finished" for e in log) and outcome.kernel.will_fail("kill"):
        return
    for owner in outcome.alive_at_end:
        check = owner.split(".")[0]
        stuck = any(p.stuck for p in outcome.kernel.alive_of(""))
        given_up = owner.split()[0] in outcome.given_up
        if check not in ignored and not given_up and not stuck:
            yield f"{owner} is alive at the end of the run"


def ends_in_time(outcome: Outcome, log: list[Facts]) -> Findings:
    """An attempt ends within its limits, its grace and what a kill may take; a cancelled run too."""
    settings = outcome.history.plan.settings
    grace_s = settings.grace_ns / SECOND_NS
    planned = {c.id: c for c in outcome.history.plan.checks}
    standing_s = sum(float(h.detail) for _, h in outcome.delivered if h.what in STANDING)
    started: dict[tuple[str, int], int] = {}
    for event in log:
        if event["type"] == "check.started":
            started[event["check"], event["attempt"]] = event["t"]
        if event["type"] == "check.attempt_finished" and event["end"] != "refused":
            check = planned[event["check"]]
            lasted_s = (event["t"] - started[event["check"], event["attempt"]]) / SECOND_NS
            away_s = 0.0
            if check.where is not None and settings.pool is not None:
                away_s = 2 * settings.pool.lease_ns / SECOND_NS + AWAY_S
            most_s = away_s + check.timeout_ns / SECOND_NS + max(grace_s, LEAK_S) + UNKILLABLE_S
            if lasted_s > most_s + standing_s + SLACK_S:
                yield f"attempt {event['attempt']} of {check.id} lasted {lasted_s:.3f} s"
    cancels = [e for e in log if e["type"] == "run.cancel_requested"]
    if cancels and cancels[0]["reason"] == "front_lost":
        grace_s = 0.0
    if outcome.history.pool is not None:
        grace_s += 1.0  # to be heard of, and to leave
    if any(fault.call == "prctl" for fault in outcome.history.faults):
        grace_s += UNKILLABLE_S  # no subreaper: a sweep by mark at the end, which has a bound too
    ends = [e for e in log if e["type"] == "log.sealed"]
    if cancels and ends:
        took_s = (ends[0]["t"] - cancels[0]["t"]) / SECOND_NS
        if took_s > grace_s + UNKILLABLE_S + SLACK_S + standing_s:
            yield f"the run was over {took_s:.3f} s after its cancel"


def is_over_soon(outcome: Outcome, log: list[Facts]) -> Findings:
    """After its last check a run waits for nobody: what could not be killed it has waited for."""
    settled = [e["t"] for e in log if e["type"] == "check.settled"]
    ends = [e["t"] for e in log if e["type"] == "run.finished"]
    stood = outcome.has(*STANDING)
    sweeps = any(fault.call == "prctl" for fault in outcome.history.faults)
    proves = outcome.history.again is not None or outcome.history.pool is not None
    if not ends or not settled or outcome.not_given_up or stood or sweeps or proves:
        return
    took_s = (ends[0] - max(settled)) / SECOND_NS
    if took_s > SLACK_S:
        yield f"the run was over {took_s:.3f} s after its last check"


def a_cancel_is_obeyed(outcome: Outcome, log: list[Facts]) -> Findings:
    """What was asked for well before the end of the checks is in the log, with its exit code."""
    settled = [e["t"] for e in log if e["type"] == "check.settled"]
    if outcome.exit_code == 4 or not settled:
        return
    if any(e["type"] == "run.cancel_requested" for e in log):
        return
    if outcome.has(*STANDING):
        return
    for at_ns, happening in outcome.delivered:
        asks = happening.what in {"order", "cancel", "front lost"}
        if asks and at_ns + 2 * SECOND_NS < max(settled):
            yield f"nothing came of what happened {happening}"


def one_check_is_cancelled(outcome: Outcome, log: list[Facts]) -> Findings:
    """What runs of a check that is to be cancelled is told to end soon, unless it has by then."""
    if outcome.exit_code == 4 or outcome.has(*STANDING):
        return
    for at_ns, happening in outcome.delivered:
        own = [e for e in log if e.get("check") == happening.detail]
        due_ns = at_ns + HEARD_OF_S * SECOND_NS
        began = [e["attempt"] for e in own if e["type"] == "check.started" and e["t"] < at_ns]
        if happening.what != "cancel check" or not began:
            continue
        ends = {"check.termination_requested", "check.attempt_finished"}
        if not any(
            e["type"] in ends and e["attempt"] == began[-1] and e["t"] < due_ns for e in own
        ):
            yield f"{happening.detail} goes on although it was to be cancelled"


def a_cancelled_check_settles(outcome: Outcome, log: list[Facts]) -> Findings:
    """Wherever it stood: running, queued, or between two attempts."""
    if outcome.exit_code == 4 or outcome.has(*STANDING):
        return
    bound_ns = outcome.history.plan.settings.grace_ns + ENDING_S * SECOND_NS
    cancelled = {h.detail: at for at, h in outcome.delivered if h.what == "cancel check"}
    for event in log:
        at_ns = cancelled.get(event.get("check", ""))
        late = at_ns is not None and event["t"] > at_ns + bound_ns
        if event["type"] == "check.settled" and late:
            yield f"{event['check']} settled long after it was to be cancelled"


def an_exit_keeps_its_outcome(outcome: Outcome, log: list[Facts]) -> Findings:
    """Once a command is known to have ended only its leftovers are ended, whatever came meanwhile."""
    began_ns = log[0]["monotonic_ns"] if log else 0
    for event in log:
        if event["type"] != "check.termination_requested" or event["reason"] in _OF_WHAT_IS_LEFT:
            continue
        leader = outcome.kernel.leaders.get((event["check"], event["attempt"]))
        if leader is None or leader.reaped_ns is None:
            continue  # a worker that was told to start has not done so yet
        if leader.reaped_ns < began_ns + event["t"]:
            yield f"{event['check']} is ended ({event['reason']}) although it has ended"


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
            and not event.get("quarantined")
        ):
            failed.add(event["check"])
        elif event["type"] == "run.cancel_requested" and event["reason"] == "fail_fast":
            if event["by"] not in failed & severe or not settings.fail_fast:
                yield f"fail-fast struck because of {event['by']}"
        elif event["type"] == "run.cancel_requested" and event["reason"] == "run_timeout":
            early = event["t"] < (settings.run_timeout_ns or 0)
            yield from ["the run's timeout struck early"] * early


def death_leaves_nothing(outcome: Outcome, _: list[Facts]) -> Findings:
    """Where the supervisor is killed, the front has ended every process within a second."""
    for death in outcome.deaths:
        for owner in () if death.refused else death.alive_after_sweep:
            yield f"{owner} outlives the death of the supervisor"
        if death.swept_in_s > SWEEP_BOUND_S + SLACK_S:
            yield f"the sweep took {death.swept_in_s:.3f} s"
        torn = (death.durable + len(death.written)) // 2
        for part in (death.written[: death.durable], death.written[:torn], death.written):
            decoder = LogDecoder()
            decoder.feed(part)
            whole = reading_of(decoder, alive=False).status is LogStatus.COMPLETE
            if whole and death.durable < len(death.written):
                yield "a log is complete that is not safe"


ORACLES = (
    nobody_else_was_touched,
    settled_is_gone,
    ends_in_time,
    is_over_soon,
    a_cancel_is_obeyed,
    one_check_is_cancelled,
    a_cancelled_check_settles,
    an_exit_keeps_its_outcome,
    cancels_have_reasons,
    death_leaves_nothing,
)
