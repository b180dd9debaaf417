"""What results do to an outcome: from green to red, never from red to green (DESIGN section 10)."""

import re

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import Expectation, Findings, Quarantine
from vibeguard.core.names import (
    FAILED_RESULTS,
    Level,
    Outcome,
    QuarantineState,
    Reason,
    ResultOutcome,
)
from vibeguard.core.results.collecting import Gathered
from vibeguard.core.wording.units import plural, some

# By what exit code a tool says that tests failed, and nothing else is wrong. Others: 1.
_TESTS_FAILED = (("cargo nextest", 100), ("cargo test", 101), ("ctest", 8))


class Evidence(Struct, frozen=True):
    """What was read after an attempt.

    `problems` name the reports that are missing, stale or unreadable, and why. `today` is the day
    by the clock of this machine, as 2026-12-31.
    """

    gathered: Gathered
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    today: str = ""


class Objection(Struct, frozen=True):
    """Why a check whose command exited with 0 does not pass."""

    outcome: Outcome
    reason: Reason
    detail: str


def objection(check: PlannedCheck, evidence: Evidence) -> Objection | None:
    """Why an exit code of 0 is not a pass here; None if it is one."""
    if evidence.problems:
        return Objection(Outcome.ERROR, Reason.RESULTS, "; ".join(evidence.problems))
    count = failing(evidence.gathered)
    if count:
        known = evidence.gathered.failed or frozenset()
        names = some(sorted(known - evidence.gathered.recovered), 3)
        detail = f"{plural(count, 'test')} failed beside exit code 0: {names}".rstrip(": ")
        return Objection(Outcome.FAILED, Reason.RESULTS_CONTRADICT, detail)
    unmet = _unmet(check.expect, evidence.gathered)
    return Objection(Outcome.FAILED, Reason.EXPECTATION, unmet) if unmet else None


def findings(
    check: PlannedCheck, evidence: Evidence, *, failed_with: int | None, red: bool
) -> Findings:
    """What is recorded. `failed_with` is the exit code of a command that failed by it alone.

    Beside a failure (`red`) what is wrong with the reports is only a note.
    """
    gathered = evidence.gathered
    state = QuarantineState.NONE
    if check.quarantine is not None and failed_with is not None:
        state = _quarantine(check, check.quarantine, evidence, failed_with)
    notes = [*evidence.notes, *(evidence.problems if red else ())]
    if state not in (QuarantineState.NONE, QuarantineState.APPLIES) and check.quarantine:
        notes.append(_WHY_NOT[state].format(until=check.quarantine.until))
    return Findings(
        tests=gathered.tests,
        diagnostics=gathered.diagnostics,
        failing=failing(gathered),
        results=gathered.results,
        left_out=gathered.left_out,
        notes=tuple(notes),
        quarantine=state,
    )


def unexcused(found: Findings, why: str) -> Findings:
    """The same where something else than its tests speaks against the check, too."""
    if found.quarantine is not QuarantineState.APPLIES:
        return found
    notes = (*found.notes, f"no quarantine: {why}")
    return replace(found, quarantine=QuarantineState.NONE, notes=notes)


def failing(gathered: Gathered) -> int:
    """How many tests failed, and did not pass when they were run again."""
    if gathered.failed is None:  # too many to tell which of them recovered
        return sum(gathered.tests.get(outcome.value, 0) for outcome in FAILED_RESULTS)
    return len(gathered.failed - gathered.recovered)


_WHY_NOT = {
    QuarantineState.EXPIRED: "the quarantine expired on {until}: it has no effect",
    QuarantineState.UNLISTED: "no quarantine: what failed is more than the tests that are listed",
    QuarantineState.EXIT_CODE: "no quarantine: the exit code does not say that tests failed",
    QuarantineState.UNTOLD: "no quarantine: the reports are not whole, or not as expected",
}


def _quarantine(
    check: PlannedCheck, quarantine: Quarantine, evidence: Evidence, exit_code: int
) -> QuarantineState:
    gathered = evidence.gathered
    if quarantine.until and evidence.today > quarantine.until:
        return QuarantineState.EXPIRED
    if evidence.problems or _unmet(check.expect, gathered):
        return QuarantineState.UNTOLD
    expected = next(
        (c for word, c in _TESTS_FAILED if re.search(rf"(?<!\w){word}(?!\w)", check.run)), 1
    )
    if exit_code != expected:
        return QuarantineState.EXIT_CODE
    listed = gathered.failed is not None and gathered.failed <= set(quarantine.results)
    # Where each of them passed when run again, something else has failed.
    return QuarantineState.APPLIES if listed and failing(gathered) else QuarantineState.UNLISTED


def _unmet(expect: Expectation | None, gathered: Gathered) -> str:
    """Which expectation does not hold; empty if all do."""
    if expect is None:
        return ""
    skipped = gathered.tests.get(ResultOutcome.SKIPPED.value, 0)
    ran = sum(gathered.tests.values()) - skipped
    errors = gathered.diagnostics.get(Level.ERROR.value, 0)
    if expect.min is not None and ran < expect.min:
        return f"{plural(ran, 'test')} ran, at least {expect.min} are expected"
    if expect.max_skipped is not None and skipped > expect.max_skipped:
        return f"{plural(skipped, 'test')} skipped, at most {expect.max_skipped} expected"
    if expect.max_errors is not None and errors > expect.max_errors:
        return f"{plural(errors, 'error')} reported, at most {expect.max_errors} expected"
    return ""
