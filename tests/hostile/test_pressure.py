"""A machine that has too little of something: checks wait for it, are errors, and no run breaks."""

import resource
import subprocess
import sys

import pytest

from tests.helpers.command import environment, project
from tests.helpers.control_groups import limited
from tests.helpers.running import PATIENCE_S, running
from vibeguard.core.model.events import RunDegraded
from vibeguard.core.model.state import State
from vibeguard.system.journal.reader import open_state
from vibeguard.system.vouching.known import find_run


def run_with_descriptors(limit: int, folder) -> tuple[int, State, str]:
    """Run with this limit of descriptors; exit code, State and what was said."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))  # what a child inherits
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "vibeguard", "run"],
            cwd=folder,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with process:
        _, said = process.communicate(timeout=PATIENCE_S)
    state, _ = open_state(find_run(str(folder / ".vibeguard")))
    return process.returncode, state, said


def test_a_control_group_without_processes_left_is_waited_for_and_named(tmp_path):
    """A check takes the last ones in the middle of the run, and somebody gives more."""
    with limited("pids", "100") as (within, limit):
        project(
            tmp_path,
            f"""
            checks:
              - {{id: takes, run: 'echo 1 > {limit}'}}
              - {{id: waits, run: 'echo here', requires: [takes]}}
            """,
        )
        with running(tmp_path, "run", within=within) as run:
            degraded = run.wait_for(RunDegraded)
            limit.write_text("max")
            code, _, said = run.end()
    assert code == 0, said
    assert isinstance(degraded, RunDegraded)
    assert "pids.max of the control group" in degraded.reason
    assert "passed: 2 checks" in said


def test_a_control_group_without_any_process_is_no_verdict_and_named(tmp_path):
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    with limited("pids", "1") as (within, _), running(tmp_path, "run", within=within) as run:
        code, _, said = run.end()
    assert code == 3
    assert "the supervisor cannot be started: Resource temporarily unavailable" in said
    assert "pids.max of the control group" in said


def test_a_check_beyond_the_memory_of_the_control_group_fails_and_the_run_has_a_verdict(tmp_path):
    takes = "x = bytearray(1 << 28)"
    project(
        tmp_path,
        f"checks: [{{id: takes, run: '{sys.executable} -c \"{takes}\"'}}, {{id: other, run: ':'}}]",
    )
    limit = str(100 << 20)
    with limited("memory", limit) as (within, _), running(tmp_path, "run", within=within) as run:
        code, _, said = run.end()
    assert code == 1
    assert "1 failed (takes), 1 passed" in said


@pytest.mark.parametrize("limit", [40, 64])
def test_locks_of_groups_leave_descriptors_for_the_checks_that_hold_them(tmp_path, limit):
    """A hundred groups at once on few descriptors: every check passes, if not all at once."""
    checks = "\n".join(f"- {{id: c{i}, run: ':', group: g{i}}}" for i in range(100))
    project(tmp_path, f"settings: {{parallel: 100}}\nchecks:\n{checks}\n")
    code, state, said = run_with_descriptors(limit, tmp_path)
    assert (code, state.counts) == (0, {"passed": 100}), said


def test_a_group_whose_lock_cannot_be_had_is_the_trouble_of_its_checks_alone(tmp_path):
    project(
        tmp_path,
        """
        checks:
          - {id: spoils, run: 'mkdir -p .vibeguard; rm -rf .vibeguard/groups; : > .vibeguard/groups'}
          - {id: grouped, run: ':', group: db, requires: [spoils]}
          - {id: other, run: ':', requires: [spoils]}
        """,
    )
    code, state, said = run_with_descriptors(256, tmp_path)
    assert code == 1, said
    assert state.checks["grouped"].settled.outcome == "error"
    assert "lock of group db cannot be had: Not a directory" in said
    assert state.checks["other"].settled.outcome == "passed"


# The first argument is where the limit strikes: a second process, or a second thread.
REFUSING = """
import os, sys, threading
from vibeguard.cli import command

def no_process():
    raise BlockingIOError(11, "Resource temporarily unavailable")

def no_thread(self):
    raise RuntimeError("can't start new thread")

if sys.argv.pop(1) == "fork":
    os.fork = no_process
else:
    threading.Thread.start = no_thread
command()
"""


def test_no_second_process_is_no_verdict_and_no_defect(tmp_path):
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    with running(tmp_path, "fork", "run", program=REFUSING) as run:
        code, _, said = run.end()
    assert code == 3
    assert "the supervisor cannot be started: Resource temporarily unavailable" in said
    assert "Traceback" not in said


def test_without_a_thread_to_judge_in_checks_are_judged_all_the_same(tmp_path):
    """A check may have taken every process that the user may have."""
    project(
        tmp_path,
        """
        checks:
          - {id: fails, run: 'echo why; exit 3'}
          - {id: reads, run: 'echo cov 9', grok: 'cov %{INT:cov}', assert: 'cov > 5'}
        """,
    )
    with running(tmp_path, "thread", "run", program=REFUSING) as run:
        code, _, said = run.end()
    assert code == 1
    assert "exit code 3" in said
    assert "why" in said
    assert "1 failed (fails), 1 passed" in said
