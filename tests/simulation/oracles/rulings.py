"""What reports, `file:` and the tree make of a command that has ended (DESIGN 2, 3, 10 and 11).

A model of its own: it knows what processes wrote, and nothing of readers and judges.
"""

import os
from typing import Any

from tests.simulation.drawn_judging import FOLDER
from tests.simulation.facts import Facts, Findings
from tests.simulation.history import HANDED
from tests.simulation.outcome import Outcome
from tests.simulation.processes import SECOND_NS
from vibeguard.core.model.plan import PlannedCheck

TRIED_AGAIN = ("assertion", "results contradict exit code", "expectation", "leak")
_BAD = ("failed", "error")


def objection(outcome: Outcome, check: PlannedCheck, number: int) -> str:
    """The reason for which a command that ended with 0 is no pass; empty if it is one."""
    return (
        _by_file(outcome, check, number)
        or _by_report(outcome, check, number)
        or ("leak" if _leaks(outcome, check, number) else "")
        or ("changed files" if _has_changed(outcome, check, number) else "")
    )


def is_borne(outcome: Outcome, check: PlannedCheck, number: int) -> bool:
    """Whether a quarantine holds for a command that ended with 1 by itself, by what was read of it."""
    known, tests = check.quarantine, _report(outcome, check, number)
    if known is None or not isinstance(tests, list) or _unmet(check, tests):
        return False
    own = [e for e in outcome.events if e.get("check") == check.id]
    finished = _of_attempt(outcome, check.id, number, "check.attempt_finished")
    if not all(_ended_by_itself(own, event) for event in finished):
        return False
    if _leaks(outcome, check, number) or _has_changed(outcome, check, number):
        return False
    if outcome.kernel.leaders[check.id, number].status != 1 << 8 or known.until == "2000-01-01":
        return False
    failed = {f"t{n}" for n, each in enumerate(tests) if each in {*_BAD, "rerun"}}
    told = _of_attempt(outcome, check.id, number, "check.results")
    # Where nobody could look at what was there before, nobody knows of which attempt it is.
    is_known = bool(told) and not (outcome.cut_ns and told[0].get("quarantine") == "untold")
    return is_known and failed <= set(known.results) and not set(_BAD).isdisjoint(tests)


def _of_attempt(outcome: Outcome, check: str, number: int, kind: str) -> list[Facts]:
    return [
        e
        for e in outcome.events
        if e["type"] == kind and e["check"] == check and e["attempt"] == number
    ]


def _leaks(outcome: Outcome, check: PlannedCheck, number: int) -> bool:
    finished = _of_attempt(outcome, check.id, number, "check.attempt_finished")
    return check.leaks == "fail" and any(event.get("leaked") for event in finished)


def _has_changed(outcome: Outcome, check: PlannedCheck, number: int) -> bool:
    """Whether it changed the tree, which it must not: it is not tried again then."""
    edited = "the tree" in outcome.kernel.leaders[check.id, number].put
    return edited and check.on_change == "fail"


def _lies(outcome: Outcome, check: PlannedCheck, name: str, number: int) -> Any:
    """What is in the place when the attempt is over: of it, of one before it, or of long ago."""
    for attempt in range(number, 0, -1):
        leader = outcome.kernel.leaders.get((check.id, attempt))
        if leader is not None and name in leader.put:
            return leader.put[name]
    return outcome.history.lying.get(name)


def _by_file(outcome: Outcome, check: PlannedCheck, number: int) -> str:
    if not check.file:
        return ""
    text = _lies(outcome, check, check.file, number)
    if text is None:
        return "file"
    return "" if int(text.split()[1]) >= 4 else "assertion"


def _report(outcome: Outcome, check: PlannedCheck, number: int) -> Any:
    """The tests of the report; None for one that is missing, stale or no report."""
    name = f"{FOLDER}/{check.id}.xml"
    is_new = name in outcome.kernel.leaders[check.id, number].put or check.stale == "allow"
    tests = _lies(outcome, check, name, number) if is_new else None
    return tests if isinstance(tests, list) else None


def _by_report(outcome: Outcome, check: PlannedCheck, number: int) -> str:
    tests = _report(outcome, check, number) if check.results else []
    if tests is None:
        return "results"
    if not set(_BAD).isdisjoint(tests):
        return "results contradict exit code"
    return "expectation" if _unmet(check, tests) else ""


def _unmet(check: PlannedCheck, tests: list[str]) -> bool:
    if check.expect is None:
        return False
    skipped = tests.count("skipped")
    ran = len(tests) - skipped + tests.count("rerun")
    too_many = check.expect.max_skipped is not None and skipped > check.expect.max_skipped
    return ran < (check.expect.min or 0) or too_many


def exits_are_ruled(outcome: Outcome, log: list[Facts]) -> Findings:
    """Who exits with 0 has passed, or has not for the right reason, or is tried again for it."""
    cancels = [e["t"] for e in log if e["type"] == "run.cancel_requested"]
    cancels += [at_ns for at_ns, happening in outcome.delivered if happening.what == "cancel check"]
    for check in outcome.history.plan.checks:
        if check.grok and not check.file:
            continue  # `verdicts` looks at what the log says of that
        own = [e for e in log if e.get("check") == check.id]
        for place, event in enumerate(own):
            if event["type"] != "check.attempt_finished" or not _ended_by_itself(own, event):
                continue
            number = event["attempt"]
            then = [
                e for e in own[place:] if e["type"] in {"check.settled", "check.retry_scheduled"}
            ]
            queued = _of_attempt(outcome, check.id, number, "check.queued")[-1]["t"]
            if not then or _was_cut(outcome, queued, then[0]["t"]):
                continue
            [end, *_] = then
            code, why = event["exit_code"], objection(outcome, check, number)
            if (end.get("quarantined", False)) != is_borne(outcome, check, number) and not _again(
                end
            ):
                yield f"whether {check.id} is in quarantine is not told right"
            if code == 0 and not _again(end) and end.get("reason", "") != why:
                yield f"{check.id} settled for {end.get('reason')!r} and not {why!r}"
            if code == 0 and _again(end) and why not in TRIED_AGAIN:
                yield f"{check.id} is tried again in spite of {why!r}"
            left = number <= check.retries and not any(t <= end["t"] for t in cancels)
            left = left and not _has_changed(outcome, check, number)
            if left and not _again(end) and (code or why in TRIED_AGAIN):
                yield f"{check.id} is not tried again after {code}, {why!r}"


def _again(event: Facts) -> bool:
    return bool(event["type"] == "check.retry_scheduled")


def _ended_by_itself(own: list[Facts], event: Facts) -> bool:
    struck = any(
        e["type"] == "check.termination_requested"
        and e["attempt"] == event["attempt"]
        and e["reason"] != "leak"
        for e in own
    )
    spoilt = any(event.get(key) for key in ("error", "output_error", "unkillable"))
    return event["end"] == "exited" and "exit_code" in event and not (struck or spoilt)


def _was_cut(outcome: Outcome, from_ns: int, until_ns: int) -> bool:
    """Whether somebody who looked or judged meanwhile took too long, or was cancelled."""
    slack_ns = SECOND_NS // 1000
    return any(from_ns - slack_ns <= at <= until_ns + slack_ns for at in outcome.cut_ns)


def cut_short_is_no_pass(outcome: Outcome, log: list[Facts]) -> Findings:
    """Judging is called too long only where it was, or was cancelled."""
    for event in log:
        is_called_so = event.get("reason") == "judging took too long"
        if is_called_so and not _was_cut(outcome, event["t"], event["t"]):
            yield f"{event['check']} was judged in time, and is called otherwise"


def files_are_handed(outcome: Outcome, _: list[Facts]) -> Findings:
    """As words, and in a list that a variable names."""
    asked = {c.id: c.pass_files for c in outcome.history.plan.checks}
    for (check, number), leader in outcome.kernel.leaders.items():
        if leader.remote:
            continue
        wanted, listed = HANDED if asked[check] else b"", b""
        path = leader.environment.get(b"VIBEGUARD_FILES")
        if path is not None and os.path.exists(path):
            with open(path, "rb") as file:
                listed = file.read()
        if leader.files != wanted.split(b"\0")[:-1] or listed != wanted:
            yield f"attempt {number} of {check} was handed {leader.files} and {listed!r}"


ORACLES = (exits_are_ruled, cut_short_is_no_pass, files_are_handed)
