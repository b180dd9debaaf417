"""DESIGN section 1: nobody waits longer than asked, whoever joins, leaves, cancels or is killed."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import ROOT, environment, git, project, vibeguard
from tests.helpers.held import release
from tests.helpers.running import running
from tests.helpers.waiting import is_gone, wait_until
from vibeguard.core.model.events import CheckSettled, CheckStarted, RunForegroundSettled
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.live_runs import live_runs
from vibeguard.system.journal.reader import open_state
from vibeguard.system.process import proc

# A check that goes on until its test opens the FIFO for writing: no duration decides anything.
HELD = "read line < fifo"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A quick check, and one in the background that the test holds."""
    os.mkfifo(tmp_path / "fifo")
    return project(
        tmp_path,
        "checks:\n"
        "  - {id: quick, run: ':'}\n"
        f"  - {{id: held, run: '{HELD}', async: true, timeout: 10m}}\n",
    )


@pytest.fixture
def repository(folder) -> Path:
    """The same in a git repository, committed."""
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / ".gitignore").write_text("fifo\n")
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


def detach(folder: Path, *flags: str) -> str:
    """Start a run and return its id."""
    done = vibeguard("run", "--detach", *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state_of(folder: Path, run: str):
    return open_state(str(folder / ".vibeguard" / "runs" / run))


def until(folder: Path, run: str, kind: type, count: int = 1) -> None:
    """Until the log of the run holds so many events of this kind."""
    follower = Follower(str(folder / ".vibeguard" / "runs" / run))
    with contextlib.closing(follower):
        seen = 0
        while seen < count:
            seen += sum(isinstance(event, kind) for event in follower.read())
            assert seen >= count or not follower.finished
            follower.wait(60)


# Detached.


def test_detach_prints_the_id_alone_and_the_run_goes_on(folder):
    with nothing_left_behind(reap_adopted=True):
        done = vibeguard("run", "--detach", cwd=folder)
        run = done.stdout.strip()
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{run}\n", "")
        assert live_runs(str(folder / ".vibeguard")) == [run]
        release(folder)
        assert vibeguard("wait", run, cwd=folder).returncode == 0


def test_a_detached_run_keeps_no_descriptor_of_its_caller(folder):
    """A reader of its output sees the end of file while the run goes on."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m vibeguard run --detach 2>&1 | cat"],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    run = done.stdout.strip()
    state, reading = state_of(folder, run)
    assert reading.status is LogStatus.LIVE
    ours = {os.readlink(f"/proc/self/fd/{fd}") for fd in (1, 2)}
    theirs = {os.readlink(f"/proc/{state.started.pid}/fd/{fd}") for fd in (0, 1, 2)}
    assert theirs == {os.devnull}
    assert ours.isdisjoint(theirs) or ours == {os.devnull}
    release(folder)
    assert vibeguard("wait", run, cwd=folder).returncode == 0


def test_two_waiters_a_cancel_and_the_end_of_the_supervisor_at_once_have_a_defined_end(folder):
    """Whoever comes first, all of them say the same of the same log."""
    with nothing_left_behind(reap_adopted=True):
        run = detach(folder)
        until(folder, run, CheckStarted, 2)
        supervisor = state_of(folder, run)[0].started.pid
        with (
            running(folder, "wait", run) as one,
            running(folder, "wait", run, "--until", "check", "held") as two,
            running(folder, "cancel", run) as cancel,
        ):
            os.kill(supervisor, signal.SIGKILL)
            codes = {one.end()[0], two.end()[0]}
            assert cancel.end()[0] in (0, 3)
        assert codes in ({3}, {143})
        assert vibeguard("report", run, cwd=folder).returncode in codes


@pytest.mark.parametrize("victims", ["guardian", "supervisor", "both"])
def test_when_who_guards_a_detached_run_is_killed_its_checks_are_gone(folder, victims):
    with nothing_left_behind(reap_adopted=True):
        run = detach(folder)
        until(folder, run, CheckStarted, 2)
        supervisor = state_of(folder, run)[0].started.pid
        guardian = proc.stat_of(supervisor).parent
        if victims == "both":
            os.kill(supervisor, signal.SIGSTOP)  # it must not notice in between
        killed = [
            pid
            for name, pid in (("guardian", guardian), ("supervisor", supervisor))
            if victims in (name, "both")
        ]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        # What nobody is left to end is ended by the next command that finds its run dead.
        wait_until(lambda: all(map(is_gone, killed)))
        # Sealed as front_lost by a supervisor without its guardian; without a verdict otherwise.
        code = vibeguard("wait", run, cwd=folder).returncode
        assert code == (143 if victims == "guardian" else 3)


def test_a_supervisor_that_breaks_keeps_its_traceback_and_every_command_shows_it(tmp_path):
    """A copy of the package with a defect planted in the middle of the run."""

    package = tmp_path / "site" / "vibeguard"
    shutil.copytree(ROOT / "vibeguard", package)
    run_py = package / "system" / "supervisor" / "run.py"
    text = run_py.read_text()
    broken = text.replace(
        "    def _note_settled(",
        "    def _note_settled(self, *_):\n        1 / 0\n\n    def _never(",
        1,
    )
    assert broken != text
    run_py.write_text(broken)
    folder = project(tmp_path / "repo", "checks: [{id: a, run: ':'}]\n")
    env = {"PYTHONPATH": str(package.parent)}
    run = vibeguard("run", "--detach", cwd=folder, env=env).stdout.strip()
    wait = vibeguard("wait", run, cwd=folder)
    report = vibeguard("report", run, cwd=folder)
    status = vibeguard("status", run, cwd=folder)
    assert (wait.returncode, report.returncode, status.returncode) == (3, 3, 0)
    for said in (wait.stderr, report.stderr, status.stdout):
        assert "ZeroDivisionError" in said
        assert "supervisor-traceback.txt" in said
    kept = folder / ".vibeguard" / "runs" / run / "supervisor-traceback.txt"
    assert "Traceback" in kept.read_text()


# No pile-up.


def test_a_detached_run_of_the_same_checks_and_tree_joins_the_live_one(repository):
    run = detach(repository)
    second = vibeguard("run", "--detach", cwd=repository)
    assert second.stdout.strip() == run
    assert "joined" in second.stderr
    assert live_runs(str(repository / ".vibeguard")) == [run]
    release(repository)
    assert vibeguard("wait", cwd=repository).returncode == 0
    third = vibeguard("run", "--detach", cwd=repository).stdout.strip()
    assert third != run  # what is over is not joined
    release(repository)
    vibeguard("wait", cwd=repository)


# On a busy machine five starts can take longer than one of them is waited for.
PATIENT = (
    "from vibeguard.cli import command; from vibeguard.commands import run;"
    "run.GATE_PATIENCE_S = 60.0; command()"
)


def test_starts_at_the_same_time_are_one_run(repository):
    with ExitStack() as stack:
        commands = [
            stack.enter_context(running(repository, "run", "--detach", program=PATIENT))
            for _ in range(5)
        ]
        said = [command.end() for command in commands]
    assert len({out for _, out, _ in said}) == 1, said
    release(repository)
    assert vibeguard("wait", cwd=repository).returncode == 0


@pytest.mark.parametrize("other", ["selection", "tree", "config"])
def test_another_selection_tree_or_config_is_another_run(repository, other):
    run = detach(repository)
    if other == "tree":
        (repository / "new.txt").write_text("new\n")
    elif other == "config":
        with open(repository / "vibeguard.yaml", "a") as config:
            config.write("# another\n")
    flags = ["quick"] if other == "selection" else []
    second = vibeguard("run", "--detach", *flags, cwd=repository).stdout.strip()
    assert second != run
    for each in (run, second):
        vibeguard("cancel", each, cwd=repository)
        vibeguard("wait", each, cwd=repository)


def test_supersede_cancels_the_run_of_another_tree(repository):
    run = detach(repository)
    (repository / "new.txt").write_text("new\n")
    second = vibeguard("run", "--detach", "--supersede", cwd=repository)
    assert f"cancelling run {run}" in second.stderr
    assert vibeguard("wait", run, cwd=repository).returncode == 143
    release(repository)
    assert vibeguard("wait", second.stdout.strip(), cwd=repository).returncode == 0


def test_a_run_in_somebody_elses_terminal_is_neither_joined_nor_superseded(repository):
    with running(repository, "run") as watched:
        watched.wait_until_running(2)
        (repository / "new.txt").write_text("new\n")
        done = vibeguard("run", "quick", "--supersede", cwd=repository)
        assert done.returncode == 0
        whole = vibeguard("run", "--max-wait", "foreground", "--supersede", cwd=repository)
        assert whole.returncode == 5
        assert watched.process.poll() is None
        # Opened for both, a fifo blocks nobody, and keeps a line for each of the two readers.
        fifo = os.open(repository / "fifo", os.O_RDWR)
        os.write(fifo, b"go on\n" * 2)
        assert watched.end()[0] == 0
        os.close(fifo)


def test_supersede_starts_what_has_failed_anew(repository):
    """Who asks again after a failure wants to see it run again."""
    config = (repository / "vibeguard.yaml").read_text().replace("run: ':'", "run: 'exit 1'")
    (repository / "vibeguard.yaml").write_text(config)
    flags = ("--max-wait", "foreground", "--supersede")
    assert vibeguard("run", *flags, cwd=repository).returncode == 1
    again = vibeguard("run", *flags, cwd=repository)
    assert again.returncode == 1
    assert "has failed already" in again.stderr
    vibeguard("cancel", cwd=repository)
    assert vibeguard("wait", cwd=repository).returncode == 143


def test_outside_of_git_the_files_tell_folders_apart(folder):
    run = detach(folder)
    assert detach(folder) == run
    (folder / "new.txt").write_text("new\n")
    second = detach(folder, "--supersede")
    assert second != run
    release(folder)
    assert vibeguard("wait", second, cwd=folder).returncode == 0


# Bounded waits.


def test_max_wait_ends_with_5_says_what_is_pending_and_where_the_rest_is(folder):
    done = vibeguard("run", "--max-wait", "1ms", cwd=folder)
    run = live_runs(str(folder / ".vibeguard"))[0]
    assert done.returncode == 5
    assert "PENDING" in done.stderr
    assert f"vibeguard wait {run}" in done.stderr
    release(folder)
    rest = vibeguard("wait", run, cwd=folder)  # the same run: nothing has been started again
    assert rest.returncode == 0
    assert len(list((folder / ".vibeguard" / "runs").iterdir())) == 1


def test_max_wait_foreground_returns_when_only_the_background_is_left(folder):
    done = vibeguard("run", "--max-wait", "foreground", cwd=folder)
    assert done.returncode == 5
    state, _ = state_of(folder, live_runs(str(folder / ".vibeguard"))[0])
    assert state.foreground_settled.pending == ("held",)
    release(folder)
    assert vibeguard("wait", cwd=folder).returncode == 0


@pytest.mark.parametrize("code", [1, 5])
@pytest.mark.parametrize("max_wait", ["foreground", "10m"])
def test_a_failed_foreground_decides_the_verdict_before_the_time_is_over(folder, max_wait, code):
    """Whatever number a failure has, that of pending included; for the run and for who joins."""
    config = (folder / "vibeguard.yaml").read_text().replace("run: ':'", "run: 'exit 1'")
    (folder / "vibeguard.yaml").write_text(config)
    for _ in range(2):
        words = ("--max-wait", max_wait, "--error-exit-code", str(code))
        done = vibeguard("run", *words, cwd=folder)
        assert done.returncode == code
        assert "not the end" in done.stderr
    release(folder)
    assert vibeguard("wait", cwd=folder).returncode == code


def test_max_wait_is_kept_while_a_cancelled_run_takes_its_time(folder):
    stubborn = HELD.replace("read", 'trap "" TERM; read', 1)
    config = (folder / "vibeguard.yaml").read_text().replace(HELD, stubborn)
    (folder / "vibeguard.yaml").write_text("settings: {grace: 10m}\n" + config)
    for max_wait in ("3s", "20s"):
        with running(folder, "run", "--max-wait", max_wait) as run:
            run.wait_until_running(2)
            assert vibeguard("cancel", cwd=folder).returncode == 0
            code = run.end()[0]
        if code != 5:
            break  # else the machine was too slow: the wait was over before the cancel came
        release(folder)
        vibeguard("wait", cwd=folder)
    assert code == 143
    assert len(live_runs(str(folder / ".vibeguard"))) == 1
    release(folder)
    assert vibeguard("wait", cwd=folder).returncode == 143


def test_max_wait_ends_with_the_verdict_of_a_run_that_ends_in_the_meantime(folder):
    with running(folder, "run", "--max-wait", "10m") as run:
        run.wait_until_running(2)
        release(folder)
        assert run.end()[0] == 0
    wait_until(lambda: live_runs(str(folder / ".vibeguard")) == [])  # the supervisor tidies


def test_pending_says_how_long_the_run_has_been_going_on_and_not_when_something_happened(folder):
    run = detach(folder)
    there = time.monotonic()
    while time.monotonic() - there < 1.1:
        time.sleep(0.1)  # for time itself
    for words in (("wait", "--max-wait", "1ms"), ("run", "--max-wait", "1ms")):
        said = vibeguard(*words, cwd=folder).stderr
        seconds = re.search(r"PENDING after ([0-9.]+)s", said)
        assert seconds, said
        assert float(seconds[1]) >= 1
    release(folder)
    assert vibeguard("wait", run, cwd=folder).returncode == 0


def test_wait_until_a_check_a_foreground_or_a_time(folder):
    run = detach(folder)
    assert vibeguard("wait", run, "--until", "check", "quick", cwd=folder).returncode == 5
    assert vibeguard("wait", run, "--until", "foreground", cwd=folder).returncode == 5
    assert vibeguard("wait", run, "--max-wait", "1ms", cwd=folder).returncode == 5
    release(folder)
    assert vibeguard("wait", run, cwd=folder).returncode == 0


# Status.


def test_status_says_what_runs_what_waits_and_what_is_left(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    folder = project(
        tmp_path,
        "checks:\n"
        "  - {id: quick, run: ':'}\n"
        f"  - {{id: held, run: '{HELD}', async: true}}\n"
        "  - {id: after, run: ':', requires: [held]}\n",
    )
    run = detach(folder)
    until(folder, run, RunForegroundSettled)
    text = vibeguard("status", cwd=folder)
    assert text.returncode == 0
    assert "1 of 3 checks settled" in text.stdout
    assert "held: running for" in text.stdout
    assert "after (for held)" in text.stdout
    document = json.loads(vibeguard("status", run, "--json", cwd=folder).stdout)
    assert document["state"] == "live"
    assert [check["id"] for check in document["running"]] == ["held"]
    assert document["waiting"][0]["waits_for"] == ["held"]
    assert document["foreground_settled"] is True
    release(folder)
    vibeguard("wait", cwd=folder)
    over = vibeguard("status", cwd=folder)
    assert over.returncode == 0
    assert "passed in" in over.stdout
    assert "running" not in over.stdout


def test_estimates_come_from_earlier_runs_and_deleting_them_loses_nothing_else(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    folder = project(tmp_path, f"checks: [{{id: held, run: '{HELD}', async: true}}]\n")

    def once() -> dict[str, object]:
        run = detach(folder)
        until(folder, run, CheckStarted)
        document = json.loads(vibeguard("status", run, "--json", cwd=folder).stdout)
        release(folder)
        assert vibeguard("wait", run, cwd=folder).returncode == 0
        _gone(state_of(folder, run)[0].started.pid)
        return document

    assert once()["eta_ms"] is None
    second = once()
    assert second["eta_ms"] is not None
    assert second["running"][0]["expected_ms"] is not None
    (folder / ".vibeguard" / "history").write_bytes(b'{"check":"held"\x00\n\xff\n{}\n[]')
    assert once()["eta_ms"] is None
    assert once()["eta_ms"] is not None


def _gone(pid: int) -> None:
    """Until the supervisor has ended: it keeps the history after it has sealed the log."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)

        select.select([descriptor], [], [], 60)
        os.close(descriptor)


# For agents.


def test_tail_shows_an_agent_the_first_failure_while_the_run_goes_on(folder):
    """Seen before the rest of the run is allowed to go on, so no timing decides."""
    config = (folder / "vibeguard.yaml").read_text().replace("run: ':'", "run: 'echo why; exit 1'")
    (folder / "vibeguard.yaml").write_text(config)
    run = detach(folder)
    with running(folder, "tail", run, "--format", "agent") as tail:
        seen = ""
        while "full output" not in seen:
            line = tail.process.stdout.readline()
            assert line, "the tail ended before it showed the failure"
            seen += line
        assert seen.startswith("FAILED quick [exit_code]")
        assert "| why" in seen
        assert state_of(folder, run)[1].status is LogStatus.LIVE
        release(folder)
        code, rest, _ = tail.end()
        assert code == 1
        assert rest.count("FAILED quick") == 0
        assert "VERDICT failed" in rest


def test_a_second_look_of_an_agent_shows_only_what_is_new_within_its_budget(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    folder = project(
        tmp_path,
        "checks:\n"
        "  - {id: first, run: 'seq 500; exit 1'}\n"
        f"  - {{id: second, run: '{HELD}; seq 500; exit 2', async: true}}\n",
    )
    run = detach(folder)
    until(folder, run, CheckSettled)
    look = vibeguard("report", run, "--format", "agent", cwd=folder)
    assert look.returncode == 1
    assert look.stdout.startswith("FAILED first")
    since = look.stdout.rpartition("--since ")[2].split()[0]
    release(folder)
    vibeguard("wait", run, cwd=folder)
    for command in ("report", "tail"):
        flags = (run, "--format", "agent", "--since", since, "--budget", "300")
        news = vibeguard(command, *flags, cwd=folder)
        assert news.returncode == 1
        assert news.stdout.startswith("FAILED second")
        assert "FAILED first" not in news.stdout
        assert len(news.stdout.encode()) <= 300 * 3 + 200
        assert news.stdout == vibeguard(command, *flags, cwd=folder).stdout


# What the background saved.


def test_the_summary_says_what_ran_in_the_background_and_what_it_saved(tmp_path):
    """Level by level, the long check of the first level would have held up the second."""
    folder = project(
        tmp_path,
        "checks:\n"
        "  - {id: long, run: 'sleep 0.6', async: true}\n"
        "  - {id: a, run: ':'}\n"
        "  - {id: b, run: 'sleep 0.6', requires: [a]}\n",
    )
    done = vibeguard("run", cwd=folder)
    assert done.returncode == 0
    assert re.search(r"; background: long, \S+ saved", done.stderr)
    saved = json.loads(vibeguard("report", "--json", cwd=folder).stdout)["background"]["saved_ms"]
    state, _ = open_state(str(next((folder / ".vibeguard" / "runs").iterdir())))
    took = {check: r.finished.elapsed_ns for check, r in state.checks.items()}
    started = min(r.first_started_t for r in state.checks.values())
    ended = max(r.settled_t for r in state.checks.values())
    levels = max(took["long"], took["a"]) + took["b"]
    assert saved == int((levels - (ended - started)) / 1e6)


# Stopped from outside, and clocks that jump.


def test_a_run_that_is_stopped_as_a_whole_goes_on_and_no_limit_strikes_for_it(tmp_path):
    """Longer than its timeout, and every process of it: what counts is the time that it had."""
    folder = project(tmp_path, "checks: [{id: a, run: 'sleep 1', timeout: 2500ms}]\n")
    with running(folder, "run") as run:
        run.wait_until_running()
        event = run.wait_for(CheckStarted)
        stopped = [run.pid, run.supervisor(), event.pid, *_children(event.pid)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3)
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
        code, _, err = run.end()
        assert code == 0, err
        state, _ = open_state(str(run.run_folder()))
        finished = state.checks["a"].finished
        assert finished.elapsed_ns > 3_000_000_000
        assert finished.active_ns < 2_500_000_000


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


JUMPY = """
import random, time
_real = time.time
time.time = lambda: _real() + random.choice((-10**8, 0, 10**8))
time.time_ns = lambda: int(time.time() * 10**9)
"""


def test_a_wall_clock_that_jumps_at_each_look_neither_hangs_nor_times_out(tmp_path):
    """Years back and forth: deadlines know the monotonic clock only."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(JUMPY)
    folder = project(
        tmp_path / "repo",
        "checks:\n"
        "  - {id: a, run: 'sleep 0.3', timeout: 20s, idle_timeout: 20s}\n"
        "  - {id: b, run: 'sleep 60', timeout: 300ms, severity: warning}\n"
        "  - {id: c, run: 'test -e marker || { touch marker; exit 1; }', retries: 1}\n"
        "  - {id: d, run: 'sleep 0.3', async: true}\n",
    )
    env = {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    done = vibeguard("run", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    assert "1 warned (b)" in done.stderr
    run = vibeguard("run", "--max-wait", "10m", cwd=folder, env=env)
    assert run.returncode == 0, run.stderr
    assert vibeguard("wait", "--max-wait", "10m", cwd=folder, env=env).returncode == 0


def test_the_wall_clock_is_asked_for_names_dates_and_ages_only() -> None:
    """Nothing that waits or limits may call it."""
    allowed = {
        "system/supervisor/run_log.py",  # the run's id, its wall_time, the age of old runs
        "commands/failures.py",  # the stamp of a refused start
        "commands/launching.py",  # the same
        "system/vouching/refusing.py",  # the same
        "system/front/early.py",  # the same, and whether a run was recorded since
        "commands/caller_folders.py",  # whether a run is of a time that is still to come
        "commands/cancel.py",  # the order of requests
        "commands/joining.py",  # the same
        "commands/prune.py",  # the age of old runs
        "commands/audit.py",  # the id of an attempt that is no run's
        "commands/explain.py",  # the age of recorded passes
        "system/reuse/lookup.py",  # the same
        "system/supervisor/reusing.py",  # the same
        "commands/mcp.py",  # when a task was looked at
        "commands/watch.py",  # which files a run may have written: theirs are wall times
        "system/notifying/webhook.py",  # the time that a signature is made over
        "system/clock.py",
    }
    package = ROOT / "vibeguard"
    callers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if any(name in path.read_text() for name in ("wall_ns", "wall_time("))
    }
    assert callers <= allowed
    imports_time = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "\nimport time" in path.read_text() or "\nfrom time" in path.read_text()
    }
    assert imports_time <= {"system/clock.py", "system/front/early.py"}
