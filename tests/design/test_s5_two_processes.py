"""DESIGN section 5: front and supervisor, and what is left when one of them dies: nothing."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind, with_token
from tests.helpers.command import environment, project, vibeguard
from tests.helpers.running import running
from tests.helpers.waiting import is_gone, wait_until
from vibeguard.core.model.events import RunCancelRequested, RunPlanned
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import open_state

# The grace is one that the checks which end at once never reach, and the deaf one has to.
TREE = """
settings: {{grace: 500ms}}
checks:
  - {{id: plain, run: "sleep {token}"}}
  - {{id: detached, run: "setsid sleep {token} & sleep {token}"}}
  - {{id: deaf, run: "trap '' TERM; sleep {token}; sleep {token}"}}
  - {{id: long, run: "sleep {token}", async: true}}
"""


NOBODY_WAKES_IT = (
    "from vibeguard.cli import command; from vibeguard.system.front import link;"
    "link.SupervisorLink.wake = lambda self: None; command()"
)

SIGNALLED_WHILE_IT_COMPARES = """
import os, sys
from vibeguard.cli import command
from vibeguard.system.journal.writer import Journal

number, really_verify = int(sys.argv.pop(1)), Journal.verify

def verify(self):
    os.kill(os.getpid(), number)
    return really_verify(self)

Journal.verify = verify
command()
"""


@pytest.fixture
def token(request) -> str:
    """A number of seconds that nobody else sleeps."""
    return f"8{os.getpid()}.{abs(hash(request.node.name)) % 10**6:06d}1"


@pytest.fixture
def tree(tmp_path, token) -> Path:
    """Four checks that would run for days, some of them hard to find or to end."""
    return project(tmp_path, TREE.format(token=token))


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_the_first_signal_cancels_seals_and_exits_with_its_code(tree, token, number, code):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        run.process.send_signal(number)
        exit_code, _, err = run.end()
        assert exit_code == code
        assert "CANCELLED" in err
        state, reading = open_state(str(run.run_folder()))
        assert reading.status == "complete"
        assert state.counts == {"cancelled": 4}
    assert vibeguard("report", cwd=tree).returncode == code


def test_a_second_signal_kills_at_once_and_still_seals(tmp_path, token):
    deaf = f"checks:\n  - {{id: deaf, run: \"trap '' TERM; sleep {token}; sleep {token}\"}}\n"
    project(tmp_path, deaf + "settings: {grace: 10m}\n")
    with nothing_left_behind(token=token, reap_adopted=True), running(tmp_path, "run") as run:
        run.wait_until_running()
        run.process.send_signal(signal.SIGTERM)
        event = run.wait_for(RunCancelRequested)
        assert event.by == "SIGTERM"
        _at_least_250_ms_later(run, signal.SIGTERM)
        exit_code, _, _ = run.end()
        assert exit_code == 143
        _, reading = open_state(str(run.run_folder()))
        assert reading.status == "complete"


def _at_least_250_ms_later(run, number) -> None:
    """Repeat the signal until the command ends: those within 250 ms count as the first."""
    while run.process.poll() is None:
        run.process.send_signal(number)
        try:
            run.process.wait(0.1)
        except Exception:
            continue


def test_a_signal_wakes_a_supervisor_that_somebody_has_stopped(tree, token):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        os.kill(run.supervisor(), signal.SIGSTOP)
        run.process.send_signal(signal.SIGINT)
        exit_code, _, err = run.end()
        assert exit_code == 130
        assert "CANCELLED" in err


@pytest.mark.slow
def test_a_supervisor_that_does_not_answer_to_a_signal_is_ended_with_all_its_checks(
    tmp_path, token
):
    """It is stopped by something that no SIGCONT ends, as a debugger can."""
    project(tmp_path, f"settings: {{grace: 100ms}}\nchecks: [{{id: a, run: sleep {token}}}]\n")
    with (
        nothing_left_behind(token=token, reap_adopted=True),
        running(tmp_path, "run", program=NOBODY_WAKES_IT) as run,
    ):
        run.wait_until_running()
        os.kill(run.supervisor(), signal.SIGSTOP)
        run.process.send_signal(signal.SIGINT)
        exit_code, _, err = run.end()
        assert exit_code == 3
        assert "INCOMPLETE" in err


def test_when_the_front_is_killed_the_checks_are_gone_and_the_log_is_sealed(tree, token):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        os.kill(run.pid, signal.SIGKILL)
        run.end()
    report = vibeguard("report", cwd=tree)
    assert report.returncode == 143
    state, _ = open_state(str(run.run_folder()))
    assert state.cancel.reason == "front_lost"


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (signal.SIGKILL, "the supervisor was ended by SIGKILL before"),
        (signal.SIGXCPU, "by SIGXCPU (sent at a limit of CPU time: ulimit -t) before"),
    ],
)
def test_when_the_supervisor_is_killed_the_front_ends_every_check_and_exits_3(
    tree, token, number, told
):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        os.kill(run.supervisor(), number)
        exit_code, _, err = run.end()
        assert exit_code == 3
        assert "INCOMPLETE" in err
        assert told in err
    assert vibeguard("report", cwd=tree).returncode == 3


def test_when_the_front_of_a_stopped_supervisor_is_killed_the_checks_are_gone_too(tree, token):
    """A check may have stopped it. The kernel wakes it when its parent dies."""
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        os.kill(run.supervisor(), signal.SIGSTOP)
        os.kill(run.pid, signal.SIGKILL)
        run.end()
    assert vibeguard("report", cwd=tree).returncode == 143


def kill_all_at_once(run) -> None:
    """Neither front nor supervisor notices that the other one has gone."""
    supervisor = run.supervisor()
    os.kill(run.pid, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    os.kill(run.pid, signal.SIGKILL)
    run.end()
    wait_until(lambda: is_gone(supervisor))


def test_what_is_left_when_both_are_killed_is_swept_by_the_next_command(tree, token):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        kill_all_at_once(run)
        assert with_token(token)
        report = vibeguard("report", cwd=tree)
        assert report.returncode == 3
        assert "swept" in report.stderr
        assert "swept" not in vibeguard("report", cwd=tree).stderr


@pytest.mark.parametrize(
    "words", [("run", "quick"), ("run", "quick", "--detach"), ("runs",), ("prune",), ("status",)]
)
def test_every_command_about_runs_is_such_a_next_command(tree, token, words):
    """After a killed job the next command is `run`, which must not work beside the old checks."""
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        kill_all_at_once(run)
        project(tree, "checks: [{id: quick, run: 'true'}]\n")
        assert "swept" in vibeguard(*words, cwd=tree).stderr
        assert with_token(token) == []
        vibeguard("wait", cwd=tree)


def test_who_sees_a_run_die_ends_what_it_leaves(tree, token):
    with nothing_left_behind(token=token, reap_adopted=True), running(tree, "run") as run:
        run.wait_until_running(4)
        with running(tree, "tail", "--format", "jsonl") as following:
            assert "run.started" in following.process.stdout.readline()
            kill_all_at_once(run)
            exit_code, _, err = following.end()
        assert exit_code == 3
        assert "swept" in err
        assert with_token(token) == []


@pytest.mark.parametrize("limit", [32, 34, 35])
def test_short_of_descriptors_every_check_is_still_ended(tmp_path, token, limit):
    """Looking for processes and ending them takes descriptors too: some are always left for that."""
    checks = "".join(f"  - {{id: c{n}, run: sleep {token}, timeout: 300ms}}\n" for n in range(6))
    project(tmp_path, f"settings: {{parallel: 6, grace: 100ms}}\nchecks:\n{checks}")
    command = f"ulimit -n {limit}; exec {sys.executable} -m vibeguard run"
    with nothing_left_behind(token=token, reap_adopted=True):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert "6 timed out" in done.stderr


def test_signals_that_were_ignored_at_the_start_stay_ignored(tmp_path):
    project(tmp_path, "checks:\n  - {id: a, run: 'read line < fifo'}\n")
    os.mkfifo(tmp_path / "fifo")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running(tmp_path, "run", fresh=True) as run:
            run.wait_until_running()
            run.process.send_signal(signal.SIGHUP)
            (tmp_path / "fifo").write_text("go on\n")
            exit_code, _, _ = run.end()
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert exit_code == 0


def test_a_reader_that_is_gone_changes_nothing(tmp_path):
    project(tmp_path, "checks:\n  - {id: a, run: 'read line < fifo'}\n")
    os.mkfifo(tmp_path / "fifo")
    with running(tmp_path, "run", "--stream") as run:
        run.wait_for(RunPlanned)
        run.process.stdout.close()
        run.wait_until_running()
        (tmp_path / "fifo").write_text("go on\n")
        run.process.wait(60)
        assert run.process.returncode == 0
    assert vibeguard("report", cwd=tmp_path).returncode == 0


def test_a_reader_that_does_not_read_never_holds_up_the_run(tmp_path):
    """Four hundred checks are a quarter of a megabyte of events; a pipe takes 64 KiB of it."""
    checks = "".join(f"  - {{id: c{i}, run: ':'}}\n" for i in range(400))
    project(tmp_path, f"checks:\n{checks}")
    with running(tmp_path, "run", "--stream") as run:
        folder = run.run_folder()
        _wait_sealed(folder)
        state, reading = open_state(str(folder))
        assert reading.status == "complete"
        assert state.counts == {"passed": 400}
        exit_code, out, _ = run.end()
        assert exit_code == 0
        assert out.splitlines()[-1].startswith('{"type":"log.sealed"')


def _wait_sealed(folder: Path) -> None:
    follower = Follower(str(folder))
    while not follower.finished:
        if not follower.read():
            follower.wait(60)
    follower.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_comes_before_a_run_as_well(tmp_path, number):
    """A config that comes slowly, a git that does not answer: nobody has to sit that out."""
    os.mkfifo(tmp_path / "config")
    with (
        running(tmp_path, "run", "-c", "config") as run,
        open(tmp_path / "config", "wb"),  # it is read from now on
    ):
        run.process.send_signal(number)
        assert run.end() == (128 + number, "", "")
    report = vibeguard("report", cwd=tmp_path)
    assert (report.returncode, number.name in report.stderr) == (2, True)


def test_a_config_error_leaves_no_process_and_no_run(tmp_path):
    project(tmp_path, "checks:\n  - {id: a, run: ':', nope: 1}\n")
    with nothing_left_behind(reap_adopted=True):
        result = vibeguard("run", cwd=tmp_path)
    assert result.returncode == 2
    assert "nope" in result.stderr
    assert list((tmp_path / ".vibeguard" / "runs").iterdir()) == []
    report = vibeguard("report", cwd=tmp_path)
    assert report.returncode == 2
    assert "nope" in report.stderr


def test_a_check_that_destroys_our_own_modules_cannot_change_the_verdict(tmp_path):
    """A copy of the package, so that the check has something to destroy."""
    package = tmp_path / "site"
    root = Path(__file__).parents[2]
    shutil.copytree(root / "vibeguard", package / "vibeguard")
    destroy = f"find {package} -name '*.py' -exec sh -c 'echo boom > \\\"$1\\\"' _ {{}} +"
    project(
        tmp_path / "repo",
        "checks:\n"
        f'  - {{id: destroy, run: "{destroy}"}}\n'
        "  - {id: fails, run: 'echo n=1; exit 3', requires: [destroy], grok: 'n=%{INT:n}',"
        " suggestion: 'n is {{.n}}', fix: 'make {{.n}}'}\n"
        "  - {id: judged, run: 'echo n=1', requires: [destroy], grok: 'n=%{INT:n}',"
        " assert: 'n == 1'}\n",
    )
    with running(tmp_path / "repo", "run", PYTHONPATH=str(package)) as run:
        exit_code, _, err = run.end()
    assert exit_code == 1, err
    assert "n is 1" in err
    assert "1 passed" in err or "2 passed" in err
    assert (package / "vibeguard" / "cli.py").read_text() == "boom\n"


def test_nothing_but_three_descriptors_reaches_a_check(tmp_path):
    listing = "ls -l /proc/self/fd"
    project(tmp_path, f"checks:\n  - {{id: a, run: '{listing}'}}\n")
    extra = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(extra, True)
    try:
        assert vibeguard("run", cwd=tmp_path).returncode == 0
    finally:
        os.close(extra)
    output = next((tmp_path / ".vibeguard/runs").glob("*/output/a.1.log")).read_text()
    numbers = {line.split(" -> ")[0].split()[-1] for line in output.splitlines() if " -> " in line}
    assert numbers <= {"0", "1", "2", "3"}  # 3 is ls reading the folder
    assert "events.jsonl" not in output


def test_the_environment_is_the_callers_as_it_was(tmp_path):
    project(tmp_path, "checks:\n  - {id: a, run: 'env'}\n")
    env = {"LC_ALL": "C", "MINE": "yes"}
    result = vibeguard("run", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    output = next((tmp_path / ".vibeguard/runs").glob("*/output/a.1.log")).read_text()
    names = {line.partition("=")[0] for line in output.splitlines()}
    assert "LC_CTYPE" not in names or "LC_CTYPE" in os.environ
    assert {"VIBEGUARD_RUN", "VIBEGUARD_CHECK", "VIBEGUARD_ATTEMPT", "MINE"} <= names
    assert sys.platform != "linux" or "VIBEGUARD_CONFIG" not in names


def test_a_fork_hands_on_the_environment_that_a_fresh_interpreter_would(tmp_path):
    """What most tests of this suite rely on: `tests.helpers.forking`."""
    project(tmp_path, "checks: [{id: a, run: env}]\n")
    seen = []
    for fresh in (True, False):
        env = {"MINE": "yes", "HOME": "/nowhere", "VIBEGUARD_PARALLEL": "2"}
        assert vibeguard("run", cwd=tmp_path, env=env, fresh=fresh).returncode == 0
        lines = (tmp_path / ".vibeguard/latest/output/a.1.log").read_text().splitlines()
        seen.append(sorted(line for line in lines if not line.startswith("VIBEGUARD_RUN=")))
    assert seen[0] == seen[1]
    assert "MINE=yes" in seen[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_last_check_has_settled_costs_no_seal(tmp_path, number):
    """Whoever ends all processes of a job reaches the supervisor while it compares, too."""
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    argv = (str(int(number)), "run")
    with running(tmp_path, *argv, program=SIGNALLED_WHILE_IT_COMPARES) as run:
        code, _, said = run.end()
    assert code == 0, said
    assert open_state(str(run.run_folder()))[1].status == "complete"


@pytest.mark.parametrize("argv", [["run"], ["run", "--max-wait", "1m"]])
def test_what_was_ignored_at_the_start_is_ignored_by_every_process_of_a_run(tmp_path, argv):
    """Under nohup a hang-up of supervisor or guardian is none either."""
    project(
        tmp_path, "checks: [{id: a, run: 'kill -HUP $PPID `cut -d\" \" -f4 /proc/$PPID/stat`'}]"
    )
    result = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-m", "vibeguard", *argv],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_a_second_signal_to_the_supervisor_itself_kills_at_once(tmp_path):
    """The first ones are one for 250 ms; without a kill this one would go on for ten minutes."""
    deaf = "trap '' TERM; sleep 600; sleep 600"
    project(tmp_path, f'settings: {{grace: 10m}}\nchecks:\n  - {{id: deaf, run: "{deaf}"}}\n')
    with running(tmp_path, "run") as run:
        run.wait_until_running()
        supervisor = run.supervisor()
        with suppress(ProcessLookupError):
            while run.process.poll() is None:
                os.kill(supervisor, signal.SIGTERM)
                run.wait_for(RunCancelRequested)
        assert run.end()[0] == 143
        assert open_state(str(run.run_folder()))[1].status == "complete"
