"""What must hold of every history, whatever happened in it.

They look at the log as anybody could read it, at what the simulated processes really did, and at
the moments at which things happened. None asks the scheduler, the supervisor or the fold's State
for anything but what is to be compared.
"""

import os
from collections.abc import Callable, Iterator

from tests.helpers.naive import naive
from tests.simulation.facts import Facts, lines_of
from tests.simulation.machine import SECOND_NS, TICK_NS
from tests.simulation.outcome import Outcome
from tests.simulation.promises import PROMISES, SLACK_S, STANDING
from tests.simulation.world import SWEEP_BOUND_S
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.fold.fold import apply, new_state
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.reader import open_state, reading_of

Findings = Iterator[str]
# From the end of a grace to the settlement: what cannot be killed is given up after two seconds.
UNKILLABLE_S = 2.0
LEAK_S = 1.0 + UNKILLABLE_S
AWAY_S = 6.0  # messages, and what silence is borne beyond a lease
REUSED_FOR_S = 24 * 3600
# SLACK_S is for calls that take long, and looks that come every tenth of a second


def findings(outcome: Outcome) -> list[str]:
    """Everything that is wrong with a history; empty when all is well."""
    if outcome.defect:
        return [f"a defect: {outcome.defect}"]
    log = lines_of(outcome.log)
    return [
        f"{oracle.__name__.strip('_')}: {finding}"
        for oracle in ORACLES
        for finding in oracle(outcome, log)
    ]


def _nobody_else_was_touched(outcome: Outcome, _: list[Facts]) -> Findings:
    """No signal to a stranger, no command twice, nothing that runs in a pause."""
    yield from outcome.kernel.violations
    yield from outcome.beside


def _codes_agree(outcome: Outcome, log: list[Facts]) -> Findings:
    """The exit code of the run is that of a replay, of a follower, and of the naive model."""
    live = outcome.exit_code
    state, reading = open_state(outcome.folder)
    if reading.status is not LogStatus.COMPLETE:
        if live != 4:
            yield f"the run ended with {live}, and its log is {reading.status} ({reading.problem})"
        return
    if outcome.failure:
        noted = os.path.exists(os.path.join(outcome.folder, "differences"))
        if not noted:
            yield f"the log is whole although it failed: {outcome.failure}"
        return
    if outcome.sealed is not None and outcome.sealed.differences:
        return
    for what, code in (
        ("a replay", exit_code_so_far(state)),
        ("the naive model", naive(log)["exit_code"]),
        ("the processes", _code_by_truth(outcome, log)),
    ):
        if code != live:
            yield f"the run ended with {live}, {what} says {code}"
    if not outcome.follower_problem and exit_code_so_far(outcome.followed) != live:
        yield f"the run ended with {live}, a follower has {exit_code_so_far(outcome.followed)}"
    if outcome.follower_problem:
        yield f"a follower found {outcome.follower_problem}"


def _code_by_truth(outcome: Outcome, log: list[Facts]) -> int:
    """The exit code by what processes did and what was asked from outside: the log tells who waived."""
    codes = [
        e["exit_code"] for e in log if e["type"] == "run.cancel_requested" and "exit_code" in e
    ]
    if codes:
        return 4 if 4 in codes else int(codes[0])
    plan = outcome.history.plan
    waived = {e["check"] for e in log if e["type"] == "check.settled" and e.get("waived")}
    for check in plan.checks:
        if check.severity == "error" and check.id not in waived and not _passed(outcome, check.id):
            return 1
    return 0 if outcome.kernel.leaders or _reused(outcome) else 1


def _passed(outcome: Outcome, check: str) -> bool:
    """Whether the last command of a check ended with 0 by itself, and kept to what it must."""
    if check in _reused(outcome):
        return _is_validly_reused(outcome, check)
    numbers = [number for name, number in outcome.kernel.leaders if name == check]
    if not numbers:
        return False
    leader = outcome.kernel.leaders[check, max(numbers)]
    return not leader.alive and leader.status == 0 and not _is_broken(outcome, check, max(numbers))


def _reused(outcome: Outcome) -> set[str]:
    return {e["check"] for e in lines_of(outcome.log) if e["type"] == "check.reused"}


def _is_validly_reused(outcome: Outcome, check: str) -> bool:
    """Whether the run before was believed to its end, and the check passed in it at once."""
    first, again = outcome.first, outcome.history.again
    if first is None or again is None or again.between != "nothing" or first.exit_code in {3, 4}:
        return False
    if not 0 <= again.later_s <= REUSED_FOR_S:
        return False
    log = lines_of(first.log)
    attempts = [e for e in log if e["type"] == "check.started" and e["check"] == check]
    left = any(e.get("leaked") for e in log if e.get("check") == check)
    return _passed(first, check) and len(attempts) == 1 and not left


def _is_broken(outcome: Outcome, check: str, number: int) -> bool:
    """Whether the log says of the attempt what no pass may have beside exit 0."""
    planned = next(c for c in outcome.history.plan.checks if c.id == check)
    own = [
        e for e in lines_of(outcome.log) if e.get("check") == check and e.get("attempt") == number
    ]
    ended = any(e["type"] == "check.termination_requested" and e["reason"] != "leak" for e in own)
    finished = [e for e in own if e["type"] == "check.attempt_finished"]
    leaked = any(e.get("leaked") for e in finished) and planned.leaks == "fail"
    bad = any(e.get("unkillable") or e.get("error") or e["end"] != "exited" for e in finished)
    judged = [e for e in own if e["type"] == "check.extracted"]
    refuted = planned.assertion and any(e.get("assertion_result") is not True for e in judged)
    cut_short = planned.assertion and not judged
    flooded = outcome.kernel.wrote.get(f"{check}.{number}", 0) > planned.output_limit_bytes
    return bool(
        ended or leaked or bad or refuted or cut_short or (flooded and not _is_let_go(planned))
    )


def _is_let_go(planned: PlannedCheck) -> bool:
    """Whether what the check leaves behind may go on writing, which nobody counts."""
    return planned.leaks == "ignore"


def _green_is_earned(outcome: Outcome, log: list[Facts]) -> Findings:
    """Exit 0 only if every error-severity check passed, by what its processes did."""
    if outcome.exit_code != 0:
        return
    waived = {e["check"] for e in log if e["type"] == "check.settled" and e.get("waived")}
    for check in outcome.history.plan.checks:
        if check.severity == "error" and check.id not in waived and not _passed(outcome, check.id):
            yield f"{check.id} did not pass, and the run did"
    for event in log:
        is_pass = event["type"] == "check.settled" and event["outcome"] == "passed"
        if is_pass and not _passed(outcome, event["check"]):
            yield f"{event['check']} is said to have passed"


def _settled_is_gone(outcome: Outcome, _: list[Facts]) -> Findings:
    """When a check has settled nothing of it is alive, but what the config or the system lets live."""
    if any(fault.call == "prctl" for fault in outcome.history.faults):
        return  # `run.weakened` says so: what has left its tree is not always found
    yield from outcome.settled_alive
    for owner in outcome.remote_alive:
        yield f"{owner} runs on a worker although no lease holds any more"
    ignored = {c.id for c in outcome.history.plan.checks if c.leaks == "ignore"}
    for owner in outcome.alive_at_end:
        check = owner.split(".")[0]
        stuck = any(p.stuck for p in outcome.kernel.alive_of(""))
        given_up = owner.split()[0] in outcome.given_up
        if check not in ignored and not given_up and not stuck:
            yield f"{owner} is alive at the end of the run"


def _ends_in_time(outcome: Outcome, log: list[Facts]) -> Findings:
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


def _is_over_soon(outcome: Outcome, log: list[Facts]) -> Findings:
    """After its last check a run waits for nobody: what could not be killed it has waited for."""
    settled = [e["t"] for e in log if e["type"] == "check.settled"]
    ends = [e["t"] for e in log if e["type"] == "run.finished"]
    stood = any(h.what in STANDING for _, h in outcome.delivered)
    sweeps = any(fault.call == "prctl" for fault in outcome.history.faults)
    proves = outcome.history.again is not None or outcome.history.pool is not None
    if not ends or not settled or outcome.not_given_up or stood or sweeps or proves:
        return
    took_s = (ends[0] - max(settled)) / SECOND_NS
    if took_s > SLACK_S:
        yield f"the run was over {took_s:.3f} s after its last check"


def _a_cancel_is_obeyed(outcome: Outcome, log: list[Facts]) -> Findings:
    """What was asked for well before the end of the checks is in the log, with its exit code."""
    settled = [e["t"] for e in log if e["type"] == "check.settled"]
    if outcome.exit_code == 4 or not settled:
        return
    if any(e["type"] == "run.cancel_requested" for e in log):
        return
    if any(h.what in STANDING for _, h in outcome.delivered):
        return
    for at_ns, happening in outcome.delivered:
        asks = happening.what in {"order", "cancel", "front lost"}
        if asks and at_ns + 2 * SECOND_NS < max(settled):
            yield f"nothing came of what happened {happening}"


def _no_cut_is_green(outcome: Outcome, _: list[Facts]) -> Findings:
    """The log cut at any boundary, or in the middle of any line, is incomplete or corrupt.

    A reader of a cut log is a decoder that was fed so far: one pass is all the cuts.
    """
    decoder, state = LogDecoder(), new_state()
    lines = outcome.log.split(b"\n")[:-1]
    for number, line in enumerate(lines):
        half = len(line) // 2
        try:
            for part in (line[:half], line[half:], b"\n"):
                last = number == len(lines) - 1 and part == b"\n"
                for event in decoder.feed(part):
                    apply(state, event)
                status = reading_of(decoder, alive=False).status
                if status is LogStatus.COMPLETE and not last:
                    yield f"cut within line {number + 1} the log counts as complete"
                if not last and exit_code_so_far(state) == 0:
                    yield f"cut within line {number + 1} the log counts as passed"
        except LogCorrupt:
            return


def _what_was_told_is_safe(outcome: Outcome, _: list[Facts]) -> Findings:
    """A verdict is out only when all of the log was synchronised; a cancel was before its signals."""
    if outcome.sealed is not None and outcome.disk.durable != len(outcome.disk.written):
        yield "the seal was told of and may be lost again"
    yield from outcome.told_before_it_was_safe


def _death_leaves_nothing(outcome: Outcome, _: list[Facts]) -> Findings:
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


def _a_calm_run_is_foretold(outcome: Outcome, log: list[Facts]) -> Findings:
    """Where nothing comes from outside, nothing but checks decides: no cancel, no failure."""
    if not outcome.history.is_calm or outcome.history.plan.settings.run_timeout_ns is not None:
        return
    if outcome.exit_code not in {0, 1}:
        yield f"a run with which nothing interfered ended with {outcome.exit_code}"
    for event in log:
        if event["type"] == "run.cancel_requested" and event["reason"] != "fail_fast":
            yield f"it was cancelled: {event['reason']}"
        if event["type"] in {"run.degraded", "run.weakened"}:
            yield f"{event['type']}: {event}"


def _nothing_starts_on_a_broken_disk(outcome: Outcome, _: list[Facts]) -> Findings:
    """What cannot be recorded any more is not begun."""
    disk = outcome.disk
    if disk.struck_ns is None or disk.trouble is None or not disk.trouble.way.startswith("log"):
        return
    for (check, number), leader in outcome.kernel.leaders.items():
        if not leader.remote and leader.start * TICK_NS > disk.struck_ns + SECOND_NS // 10:
            yield f"attempt {number} of {check} starts although the log cannot be written"


def _runs_are_in_order(outcome: Outcome, _: list[Facts]) -> Findings:
    """A run sorts after the one before it, whatever the wall clock says."""
    if outcome.first is not None and outcome.folder <= outcome.first.folder:
        yield f"{outcome.folder} sorts before {outcome.first.folder}"


def _starts_are_allowed(outcome: Outcome, log: list[Facts]) -> Findings:
    """Slots, groups, requirements, and nothing new after a cancel or a failure that ends all."""
    plan = outcome.history.plan
    planned = {c.id: c for c in plan.checks}
    capacity = {"foreground": plan.settings.parallel, "background": plan.settings.async_parallel}
    capacity["workers"] = plan.settings.pool.slots if plan.settings.pool is not None else 0
    running: set[str] = set()
    passed: set[str] = set()
    waived: set[tuple[str, str]] = set()
    closed = ""
    for event in log:
        check = planned.get(event.get("check", ""))
        kind = event["type"]
        if kind == "run.cancel_requested":
            closed = event["reason"]
        elif check is None:
            continue
        elif kind == "check.requirement_waived":
            waived.add((check.id, event["requirement"]))
        elif kind == "check.settled":
            if event["outcome"] == "passed":
                passed.add(check.id)
            bad = event["outcome"] in {"failed", "timeout", "error"} and check.severity == "error"
            closed = closed or (check.id if plan.settings.fail_fast and bad else "")
        elif kind == "check.attempt_finished":
            running.discard(check.id)
        elif kind == "check.started":
            running.add(check.id)
            pool = [planned[c] for c in running if planned[c].pool == check.pool]
            used = sum(min(c.weight, capacity[check.pool]) for c in pool)
            if used > capacity[check.pool]:
                yield f"{check.id} starts, and {used} of {capacity[check.pool]} slots are used"
            if check.group and any(planned[c].group == check.group for c in running - {check.id}):
                yield f"{check.id} starts while another one of its group runs"
            at_s = event["t"] / SECOND_NS
            if check.group and any(a < at_s < b for a, b in outcome.group_taken):
                yield f"{check.id} starts while another run has its group"
            for requirement in check.requires:
                free = (check.id, requirement.check) in waived
                if not free and requirement.check not in passed:
                    yield f"{check.id} starts although {requirement.check} has not passed"
            if closed:
                yield f"{check.id} starts after {closed}"


def _no_limit_strikes_early(outcome: Outcome, log: list[Facts]) -> Findings:
    """What stood still is no time of a check: neither a pause nor a machine that was suspended."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    gaps = [(e["t"] - e["paused_ns"], e["t"]) for e in log if e["type"] == "run.resumed"]
    for at_ns, happening in outcome.delivered:
        gap_ns = float(happening.detail) * SECOND_NS if happening.what in _GAPS else 0.0
        if gap_ns > 2 * SECOND_NS:  # up to one second is a busy machine
            gaps.append((at_ns, at_ns + gap_ns - 1.2 * SECOND_NS))
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


_GAPS = ("suspend", "stall")


def _idle_is_ended(outcome: Outcome, log: list[Facts]) -> Findings:
    """A check that was silent for its idle timeout is ended by it, or by something sooner."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    if any(h.what in STANDING for _, h in outcome.delivered):
        return
    started: dict[str, int] = {}
    for event in log:
        if event["type"] == "check.started":
            started[event["check"]] = event["t"]
        elif event["type"] == "check.attempt_finished" and event["end"] != "refused":
            check = planned[event["check"]]
            silent = not event.get("output_bytes") and check.idle_timeout_ns is not None
            silent = silent and check.where is None
            lasted_ns = event["t"] - started[check.id]
            ended = any(
                e["type"] == "check.termination_requested" and e["check"] == check.id for e in log
            )
            if silent and lasted_ns > (check.idle_timeout_ns or 0) + SECOND_NS and not ended:
                yield f"{check.id} was silent for {lasted_ns / SECOND_NS:.2f} s"


def _output_is_whole(outcome: Outcome, log: list[Facts]) -> Findings:
    """All that the processes of an attempt wrote was stored, up to its limit."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    for event in log:
        if event["type"] != "check.attempt_finished" or event["end"] != "exited":
            continue
        check = planned[event["check"]]
        if event.get("error") or event.get("unkillable") or check.leaks == "ignore":
            continue
        wrote = outcome.kernel.wrote.get(f"{check.id}.{event['attempt']}", 0)
        kept = event.get("output_bytes", 0)
        if kept != min(wrote, check.output_limit_bytes):
            yield f"{check.id} wrote {wrote} bytes, of which {kept} were kept"


Oracle = Callable[[Outcome, list[Facts]], Findings]
ORACLES: tuple[Oracle, ...] = (
    _nobody_else_was_touched,
    _codes_agree,
    _green_is_earned,
    _settled_is_gone,
    _ends_in_time,
    _is_over_soon,
    _a_cancel_is_obeyed,
    _no_cut_is_green,
    _what_was_told_is_safe,
    _death_leaves_nothing,
    _a_calm_run_is_foretold,
    _runs_are_in_order,
    _nothing_starts_on_a_broken_disk,
    _starts_are_allowed,
    _no_limit_strikes_early,
    _idle_is_ended,
    _output_is_whole,
    *PROMISES,
)
