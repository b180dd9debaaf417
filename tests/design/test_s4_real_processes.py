"""The mission's seed list with real processes: what virtual time has shown, shown again."""

from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from tests.helpers.running import running
from vibeguard.core.model.events import CheckSettled, CheckStarted, RunForegroundSettled
from vibeguard.core.model.state import State
from vibeguard.system.journal.reader import open_state, read_log
from vibeguard.system.vouching.known import find_run


def run(folder: Path, config: str, *argv: str) -> tuple[int, State, list[str]]:
    """Exit code, State, and a word for each start, settlement and milestone, in order."""
    project(folder, config)
    result = vibeguard("run", *argv, cwd=folder)
    path = find_run(str(folder / ".vibeguard"))
    words: list[str] = []

    def visit(event) -> None:
        if isinstance(event, CheckStarted):
            words.append(f"+{event.check}")
        elif isinstance(event, CheckSettled):
            words.append(f"-{event.check}")
        elif isinstance(event, RunForegroundSettled):
            words.append("foreground")

    reading = read_log(path, visit)
    assert reading.status == "complete", result.stderr
    state, _ = open_state(path)
    assert vibeguard("report", cwd=folder).returncode == result.returncode
    assert vibeguard("tail", cwd=folder).returncode == result.returncode
    return result.returncode, state, words


def outcomes(state: State) -> dict[str, str]:
    return {check: record.outcome.value for check, record in state.checks.items()}


def test_a_run_waits_for_what_is_pending_and_a_failure_in_the_background_alone_exits_1(tmp_path):
    code, state, words = run(
        tmp_path,
        """
        checks:
          - {id: quick, run: 'true'}
          - id: bg
            # The log holds this command too, with its quotes escaped.
            run: |
              until grep -qs '"type":"run.foreground_settled"' .vibeguard/runs/*/events.jsonl
              do sleep 0.05; done
              exit 7
            async: true
        """,
    )
    assert code == 1
    assert outcomes(state) == {"quick": "passed", "bg": "failed"}
    assert words.index("foreground") < words.index("-bg")


def test_a_dependent_of_an_async_check_waits_for_it_and_for_nothing_else(tmp_path):
    """`other` ends only after `after` has run, so `after` cannot have waited for it."""
    code, _, words = run(
        tmp_path,
        """
        checks:
          - {id: bg, run: ':', timeout: 5m}
          - {id: other, run: 'until test -e after.done; do sleep 0.05; done'}
          - {id: after, run: 'touch after.done', requires: [bg]}
        """,
    )
    assert code == 0
    assert words.index("-bg") < words.index("+after") < words.index("-other")


def test_there_is_no_barrier(tmp_path):
    code, _, words = run(
        tmp_path,
        """
        checks:
          - {id: first, run: ':'}
          - {id: slow, run: 'until test -e second.done; do sleep 0.05; done'}
          - {id: second, run: 'touch second.done', requires: [first]}
        """,
    )
    assert code == 0
    assert words.index("+second") < words.index("-slow")


def test_fail_fast_cancels_async_checks_queued_and_running(tmp_path):
    code, state, _ = run(
        tmp_path,
        """
        settings: {async_parallel: 1}
        checks:
          - {id: running, run: 'touch running.on; sleep 600', async: true}
          - {id: queued, run: 'sleep 600', async: true}
          - {id: fails, run: 'until test -e running.on; do sleep 0.05; done; exit 1'}
        """,
        "--fail-fast",
    )
    assert code == 1
    assert outcomes(state) == {"running": "cancelled", "queued": "cancelled", "fails": "failed"}


def test_an_async_check_times_out(tmp_path):
    code, state, _ = run(
        tmp_path, "checks: [{id: bg, run: 'sleep 600', async: true, timeout: 300ms}]"
    )
    assert code == 1
    assert outcomes(state) == {"bg": "timeout"}


@pytest.mark.parametrize(
    ("choice", "exit_code", "expected"),
    [
        ("wait", 0, "passed"),
        ("wait", 1, "skipped"),
        ("skip", 0, "skipped"),
        ("skip", 1, "skipped"),
        ("proceed", 0, "passed"),
        ("proceed", 1, "passed"),
    ],
)
def test_while_pending(tmp_path, choice, exit_code, expected):
    """The dependency ends only once the dependent's turn has come (or never needs to)."""
    released = "true" if choice == "wait" else "test -e turn"
    code, state, _ = run(
        tmp_path,
        f"""
        checks:
          - id: dep
            run: 'until {released}; do sleep 0.05; done; exit {exit_code}'
            async: true
          - {{id: a, run: 'touch turn', requires: [{{check: dep, while_pending: {choice}}}]}}
          - {{id: releases, run: 'sleep 0.5; touch turn', async: true}}
        """,
    )
    assert outcomes(state)["a"] == expected
    assert code == exit_code


def test_a_group_holds_across_runs(tmp_path):
    """Two runs at once: each appends its start and its end; the pairs must not interleave."""
    project(
        tmp_path,
        "checks: [{id: a, group: db, run: 'echo start >> order; sleep 0.3; echo end >> order'}]",
    )
    with running(tmp_path, "run") as one, running(tmp_path, "run") as two:
        assert one.end()[0] == 0
        assert two.end()[0] == 0
    assert (tmp_path / "order").read_text().split() == ["start", "end"] * 2


def test_a_retry_that_passes_is_flaky(tmp_path):
    code, state, _ = run(
        tmp_path, "checks: [{id: a, retries: 1, run: 'test -e once || { touch once; exit 1; }'}]"
    )
    assert code == 0
    assert state.checks["a"].settled.flaky
    assert "flaky" in vibeguard("report", cwd=tmp_path).stderr


def test_only_what_runs_counts_as_run(tmp_path):
    code, state, _ = run(tmp_path, "checks: [{id: a, severity: warning, run: 'true', cwd: gone}]")
    assert code == 1
    assert outcomes(state) == {"a": "error"}
    assert state.finished.reason == "nothing ran"
