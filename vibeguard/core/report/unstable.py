"""Checks that came to both outcomes on one and the same tree and config: unstable, as a fact."""

from collections.abc import Iterable

from msgspec import Struct

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.results import is_bad, results_of
from vibeguard.core.reuse.checked import held_still

_UNPASSED = (Outcome.FAILED, Outcome.TIMEOUT)
MOST_NAMED = 20


class Unstable(Struct, frozen=True):
    """One check on one tree: how often it passed there and how often not, in how many runs.

    `tests` are those that failed in one of these runs, at most 20. `tree` digests the files as they
    lay on the disk; `last_run` is the newest of the runs.
    """

    check: str
    passed: int
    failed: int
    tests: tuple[str, ...]
    tree: str
    config_sha256: str
    last_run: str


def unstable_checks(runs: Iterable[State]) -> tuple[Unstable, ...]:
    """What the runs, newest first, tell of checks that passed and failed on one tree.

    A run whose tree is not known, or was written to meanwhile, tells nothing; a pass on a retry
    counts as both. What could not be judged, was skipped or cancelled does not count.
    """
    found: dict[tuple[str, str, str], list[tuple[str, CheckRecord]]] = {}
    for state in runs:
        tree = _still_tree(state)
        if not tree or state.planned is None or state.started is None:
            continue
        for check, record in state.checks.items():
            key = (check, tree, state.planned.config_sha256)
            found.setdefault(key, []).append((state.started.run_id, record))
    told = (_told(*key, records) for key, records in found.items())
    return tuple(one for one in told if one.passed and one.failed)


def _told(check: str, tree: str, config: str, records: list[tuple[str, CheckRecord]]) -> Unstable:
    """What these runs of one check on one tree, newest first, amount to."""
    passed = [record for _, record in records if record.outcome is Outcome.PASSED]
    failed = [record for _, record in records if record.outcome in _UNPASSED]
    flaky = sum(record.flaky for record in passed)
    tests = {
        result.name: None
        for record in failed
        for result in results_of(record)
        if is_bad(result) and result.name
    }
    return Unstable(
        check=check,
        passed=len(passed),
        failed=len(failed) + flaky,
        tests=tuple(tests)[:MOST_NAMED],
        tree=tree,
        config_sha256=config,
        last_run=records[0][0],
    )


def _still_tree(state: State) -> str:
    """The digest of the tree that a run saw from start to end; empty where it is not known."""
    began = state.vcs
    return began.content + began.beside if began is not None and held_still(state) else ""
