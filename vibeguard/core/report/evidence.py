"""What earlier runs prove of the present tree: per check the newest outcome on it (section 12)."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from vibeguard.core.model.config import CheckKeys
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, Outcome
from vibeguard.core.reuse.checked import has_checked
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural, some


class Evidence(Struct, frozen=True):
    """`evidence --json`: the checks of the config, by what is known of them on the present tree.

    `runs` are those that the answer rests on, newest first; `reused` are the passed checks for
    which one of these took an earlier pass, under an equal key; `changed` are files that were
    written since the newest run, where nothing is known of the tree.
    """

    verified: bool
    exit_code: int
    tree: str
    config_sha256: str
    total: int
    passed: tuple[str, ...]
    not_passed: tuple[str, ...]
    unknown: tuple[str, ...]
    runs: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reason: str = ""


class Proven(Struct, frozen=True):
    """The newest outcome of each check, the runs that gave one, and which passes are earlier ones.

    A reused pass rests on a run whose inputs of that check were the same.
    """

    outcomes: dict[str, Outcome]
    runs: tuple[str, ...]
    reused: frozenset[str]


def proven(runs: Iterable[State]) -> Proven:
    """What these runs prove together; `runs` come newest first.

    A check that was cancelled or skipped there was not judged: an older run may know. A pass on
    some of its files says nothing of the others.
    """
    outcomes: dict[str, Outcome] = {}
    reused = set()
    used = []
    for state in runs:
        gave = False
        # What ran a reused check again says more than the pass that it confirms.
        for name, record in sorted(state.checks.items(), key=lambda i: not i[1].planned.confirms):
            check = record.planned.confirms or name
            judged = record.outcome not in (None, Outcome.CANCELLED, Outcome.SKIPPED)
            if record.planned.partial and record.outcome is Outcome.PASSED:
                judged = False
            if judged and record.outcome is not None and check not in outcomes:
                outcomes[check] = record.outcome
                gave = True
                if record.reused is not None:
                    reused.add(check)
        if gave and state.started is not None:
            used.append(state.started.run_id)
    return Proven(outcomes, tuple(used), frozenset(reused))


def is_of(
    state: State, config_sha256: str, checks: Iterable[CheckKeys], now: VersionControl
) -> bool:
    """Whether a run checked this config on this tree, and nothing of it was written meanwhile."""
    return has_planned(state, config_sha256, checks) and has_checked(state, now)


def has_planned(state: State, config_sha256: str, checks: Iterable[CheckKeys]) -> bool:
    """Whether a run went by this config, whose checks these are, and by the files that it names.

    Files of problem matchers may be none of the tree.
    """
    planned = state.planned
    if planned is None or planned.config_sha256 != config_sha256:
        return False
    results = {check.id: check.results for check in planned.checks}
    return all(results.get(check.id, check.results) == check.results for check in checks)


def evidence_line(evidence: Evidence) -> str:
    """The one line that a person or an agent ends with."""
    checks = plural(evidence.total, "check")
    if evidence.verified:
        alone = evidence.total == 1
        reused = "reused" if alone else f"{len(evidence.reused)} of them reused"
        earlier = f", {reused}" if evidence.reused else ""
        runs = ", ".join(evidence.runs)
        who = "the one check" if alone else f"all {checks}"
        return f"verified: {who} passed on this tree{earlier} (run {runs})"
    if not evidence.passed and not evidence.not_passed:
        return f"not verified: {sanitise(evidence.reason)}"
    parts = [f"partly: {len(evidence.passed)} of {checks} passed on this tree"]
    if evidence.not_passed:
        parts.append(f"did not pass: {_listed(evidence.not_passed)}")
    if evidence.unknown:
        parts.append(f"not run on it: {_listed(evidence.unknown)}")
    return "; ".join(parts)


def exit_code_for(passed: Sequence[str], not_passed: Sequence[str], total: int) -> int:
    """0 verified, 1 partly, 3 where nothing is known of this tree."""
    if len(passed) == total:
        return ExitCode.PASSED
    return ExitCode.FAILED if passed or not_passed else ExitCode.INCOMPLETE


def _listed(checks: Sequence[str]) -> str:
    return sanitise(some(checks, 5))
