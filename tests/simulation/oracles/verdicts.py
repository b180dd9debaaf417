"""Exit codes and passes: green is what its processes have earned, and nothing else."""

import os

from tests.helpers.naive import naive
from tests.simulation.facts import Facts, Findings
from tests.simulation.oracles.rulings import is_borne, objection
from tests.simulation.outcome import Outcome
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import open_state

REUSED_FOR_S = 24 * 3600


def codes_agree(outcome: Outcome, log: list[Facts]) -> Findings:
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
        if check.severity == "error" and check.id not in waived and not _is_well(outcome, check):
            return 1
    lost = {(e["check"], e["attempt"]) for e in log if e.get("end") == "lost"}
    ran = outcome.kernel.leaders.keys() - lost
    return 0 if ran or _reused(outcome) else 1


def _is_well(outcome: Outcome, check: PlannedCheck) -> bool:
    """Whether it passed, or is in quarantine: a cancel between two attempts is no such failure."""
    last = max((number for name, number in outcome.kernel.leaders if name == check.id), default=0)
    own = [e for e in outcome.events if e["type"] == "check.settled" and e["check"] == check.id]
    failed = bool(last) and any(e["outcome"] == "failed" for e in own)
    return _passed(outcome, check.id) or (failed and is_borne(outcome, check, last))


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
    return {e["check"] for e in outcome.events if e["type"] == "check.reused"}


def _is_validly_reused(outcome: Outcome, check: str) -> bool:
    """Whether the run before was believed to its end, and the check passed in it at once."""
    first, again = outcome.first, outcome.history.again
    if first is None or again is None or again.between != "nothing" or first.exit_code in {3, 4}:
        return False
    if not 0 <= again.later_s <= REUSED_FOR_S:
        return False
    log = first.events
    attempts = [e for e in log if e["type"] == "check.started" and e["check"] == check]
    left = any(e.get("leaked") for e in log if e.get("check") == check)
    return _passed(first, check) and len(attempts) == 1 and not left


def _is_broken(outcome: Outcome, check: str, number: int) -> bool:
    """Whether the log says of the attempt what no pass may have beside exit 0."""
    planned = next(c for c in outcome.history.plan.checks if c.id == check)
    own = [e for e in outcome.events if e.get("check") == check and e.get("attempt") == number]
    ended = any(e["type"] == "check.termination_requested" and e["reason"] != "leak" for e in own)
    finished = [e for e in own if e["type"] == "check.attempt_finished"]
    leaked = any(e.get("leaked") for e in finished) and planned.leaks == "fail"
    bad = any(e.get("unkillable") or e.get("error") or e["end"] != "exited" for e in finished)
    judged = [e for e in own if e["type"] == "check.extracted"]
    refuted = planned.assertion and any(e.get("assertion_result") is not True for e in judged)
    cut_short = planned.assertion and not judged
    flooded = outcome.kernel.wrote.get(f"{check}.{number}", 0) > planned.output_limit_bytes
    unread = planned.results and not any(e["type"] == "check.results" for e in own)
    settled = [e for e in outcome.events if e["type"] == "check.settled" and e["check"] == check]
    cut = {"changed files", "results"}  # where nobody could look at what was there before, too
    untold = any(e.get("reason") in cut for e in settled) and outcome.cut_ns
    if unread or untold or objection(outcome, planned, number):
        return True
    return bool(
        ended or leaked or bad or refuted or cut_short or (flooded and not _is_let_go(planned))
    )


def _is_let_go(planned: PlannedCheck) -> bool:
    """Whether what the check leaves behind may go on writing, which nobody counts."""
    return planned.leaks == "ignore"


def green_is_earned(outcome: Outcome, log: list[Facts]) -> Findings:
    """Exit 0 only if every error-severity check passed, by what its processes did."""
    if outcome.exit_code != 0:
        return
    waived = {e["check"] for e in log if e["type"] == "check.settled" and e.get("waived")}
    for check in outcome.history.plan.checks:
        if check.severity == "error" and check.id not in waived and not _is_well(outcome, check):
            yield f"{check.id} did not pass, and the run did"
    for event in log:
        is_pass = event["type"] == "check.settled" and event["outcome"] == "passed"
        if is_pass and not _passed(outcome, event["check"]):
            yield f"{event['check']} is said to have passed"


def a_calm_run_is_foretold(outcome: Outcome, log: list[Facts]) -> Findings:
    """Where nothing comes from outside, nothing but checks decides: no cancel, no failure."""
    if not outcome.history.is_calm or outcome.history.plan.settings.run_timeout_ns is not None:
        return
    if outcome.exit_code not in {0, 1}:
        yield f"a run with which nothing interfered ended with {outcome.exit_code}"
    for event in log:
        if event["type"] == "run.cancel_requested" and event["reason"] != "fail_fast":
            yield f"it was cancelled: {event['reason']}"
        crowded = outcome.kernel.reached["no number for a command"]  # of so few
        if event["type"] == "run.weakened" or (event["type"] == "run.degraded" and not crowded):
            yield f"{event['type']}: {event}"


def only_plain_passes_stand(outcome: Outcome, _: list[Facts]) -> Findings:
    """A pass that was reused was one at the first attempt, of what lay there while it ran."""
    first = outcome.first
    if first is None:
        return
    log = first.events
    for event in outcome.events:
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


ORACLES = (
    codes_agree,
    green_is_earned,
    a_calm_run_is_foretold,
    only_plain_passes_stand,
)
