"""Runs as the page of their history has them."""

from collections.abc import Iterable, Sequence
from posixpath import basename

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.pages.history import History, HistoryCheck, HistoryRun
from vibeguard.core.report.reasons import shown_status
from vibeguard.core.report.tally import settled_in_words
from vibeguard.core.report.times import duration_ns
from vibeguard.core.report.unstable import unstable_checks


def history_of(runs: Iterable[tuple[State, str]]) -> History:
    """Of runs, the oldest first, each with its verdict or the state of its log."""
    listed: list[HistoryRun] = []
    checks: dict[str, list[HistoryCheck | None]] = {}
    kept: list[State] = []
    for place, (state, word) in enumerate(runs):
        listed.append(_run(state, word))
        kept.append(state)
        for check, record in state.checks.items():
            points = checks.setdefault(check, [])
            points.extend([None] * (place - len(points)))
            points.append(_check(state, record))
    for points in checks.values():
        points.extend([None] * (len(listed) - len(points)))
    return History(_project(kept), listed, checks, _unstable(kept))


def _run(state: State, word: str) -> HistoryRun:
    started, vcs = state.started, state.vcs
    return HistoryRun(
        run_id=state.run_id,
        word=word,
        ns=state.elapsed_ns,
        started=started.wall_time if started else "",
        counts=settled_in_words(state),
        branch=vcs.branch if vcs else "",
        commit=vcs.head if vcs else "",
    )


def _check(state: State, record: CheckRecord) -> HistoryCheck:
    flaky = record.outcome is Outcome.PASSED and record.flaky
    ran = record.first_started_t is not None
    took = duration_ns(state, record) if ran else 0
    return HistoryCheck(shown_status(record), took, flaky)


def _unstable(states: Sequence[State]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in unstable_checks(reversed(states)):
        found.setdefault(
            one.check, f"on the same tree {one.tree[:12]}: {one.passed} passed, {one.failed} failed"
        )
    return found


def _project(states: Sequence[State]) -> str:
    started = next((state.started for state in reversed(states) if state.started), None)
    return basename(started.cwd.rstrip("/")) if started else ""
