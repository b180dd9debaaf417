"""What the system refuses is found out by trying, and replaced by something that works, said once.

Every row of the capability table of docs/processes.md is a run of the real command in a world that
refuses something: a seccomp filter, a namespace without its own /proc, a file system that cannot.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.helpers.census import with_token
from tests.helpers.command import ROOT, environment, git, project, vibeguard
from tests.helpers.refusing import can_refuse, refusing
from tests.helpers.staging import repository
from tests.helpers.worlds import WORLDS, World, table

CONFIG = """\
version: "1"
checks:
  - {{id: quick, run: "echo done"}}
  - {{id: hang, run: "sleep {sleep} & setsid sleep {sleep} & wait", timeout: 300ms, severity: warning}}
"""


def run_in(world: World, folder: Path, *argv: str) -> "subprocess.CompletedProcess[str]":
    """The command in that world, in `folder`."""
    if world.before:
        return vibeguard(*argv, cwd=folder, before=world.before)
    command = (sys.executable, "-m", "vibeguard", *argv)
    return in_world(world, 'cd "$0" && exec "$@"', folder, *command)


def in_world(
    world: World, script: str, folder: Path, *words: str
) -> "subprocess.CompletedProcess[str]":
    """A script for sh in that world: `$0` is the folder, the words follow."""
    return subprocess.run(
        [*world.prefix, "sh", "-c", script, str(folder), *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def weaker_here(err: str) -> str:
    """What the run said that it cannot promise."""
    return "".join(re.findall("^weaker here: (.*)$", err, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_timeout_ends_everything_and_what_is_weaker_is_said_once(
    world: World, tmp_path: Path
) -> None:
    if world.why_not():
        pytest.skip(f"NOT TRIED HERE: {world.name}: {world.why_not()}")
    sleep = f"300.{uuid4().int % 10**9:09}"
    folder = project(tmp_path, CONFIG.format(sleep=sleep))
    done = run_in(world, folder, "run")
    assert done.returncode == 0, done.stderr
    assert "1 warned (hang)" in done.stderr
    assert weaker_here(done.stderr) == world.says
    assert with_token(sleep) == []
    assert weaker_here(run_in(world, folder, "report").stderr) == world.says


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS[1::3], ids=lambda world: world.name)
def test_a_detached_run_really_runs_and_can_be_cancelled(world: World, tmp_path: Path) -> None:
    if world.why_not():
        pytest.skip(f"NOT TRIED HERE: {world.name}: {world.why_not()}")
    sleep = f"300.{uuid4().int % 10**9:09}"
    folder = project(
        tmp_path,
        f"checks: [{{id: long, timeout: 9m, run: 'sleep {sleep} & setsid sleep {sleep} & wait'}}]",
    )
    if world.before:
        assert run_in(world, folder, "run", "--detach").returncode == 0
        assert run_in(world, folder, "cancel").returncode == 0
        done = run_in(world, folder, "wait")
    else:  # a world of its own for each command has no processes of another
        command = "python -m vibeguard"
        script = f'cd "$0" && {command} run --detach && {command} cancel && {command} wait'
        done = in_world(world, script, folder)
    assert done.returncode == 143, done.stderr
    assert "CANCELLED on request" in done.stderr
    assert with_token(sleep) == []


EXFAT = next(world for world in WORLDS if world.name.startswith("exFAT"))


@pytest.mark.slow
def test_where_times_and_case_tell_nothing_no_pass_is_reused_and_no_output_replaced(
    tmp_path: Path,
) -> None:
    """An edit that no time tells of; two checks whose ids are one name there."""
    if EXFAT.why_not():
        pytest.skip(f"NOT TRIED HERE: {EXFAT.name}: {EXFAT.why_not()}")
    reusable = "inputs: [s], tools: ['true'], reuse: true"
    folder = project(
        tmp_path / "r",
        f"checks: [{{id: a, run: grep good s, {reusable}}}, {{id: A, run: echo other}}]",
    )
    run = "python -m vibeguard run --reuse"
    script = f"""
        cd "$0" && git init -q . && echo good > s && touch -d '1 minute ago' s && touch -r s time
        {run} && cat .vibeguard/runs/*/output/* && echo baad > s && touch -r time s && {run}
    """
    done = in_world(EXFAT, script, folder)
    assert done.returncode == 1, done.stderr
    assert sorted(done.stdout.split()) == ["good", "other"]
    assert "passed: 2 checks" in done.stderr
    assert "1 failed (a), 1 passed" in done.stderr


NO_MODES = next(world for world in WORLDS if world.name == "bindfs that refuses chmod")


@pytest.mark.slow
def test_on_a_mount_that_refuses_chmod_a_hook_says_so_and_what_is_staged_is_checked(
    tmp_path: Path,
) -> None:
    if NO_MODES.why_not():
        pytest.skip(f"NOT TRIED HERE: {NO_MODES.name}: {NO_MODES.why_not()}")
    folder = repository(
        tmp_path / "r",
        **{"a": "1\n", "vibeguard.yaml": "checks: [{id: a, run: 'grep 2 a', inputs: [a]}]"},
    )
    (folder / "a").write_text("2\n")
    git("add", "a", cwd=folder)
    script = (
        'cd "$0" && python -m vibeguard run --staged -v && python -m vibeguard hook git --write'
    )
    done = in_world(NO_MODES, script, folder)
    assert "of what is staged, " in done.stderr
    assert "makes no file executable: use a folder of another file system" in done.stderr


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("socketpair=EPERM", "socketpair("),
        ("setsockopt=ENOSYS", "setsockopt(socket.SOL_SOCKET"),
        ("ioctl=EPERM", ""),
        ("recvfrom=EPERM", "theirs.recv(1)"),
        ("sendto=ENOSYS", "ours.send("),
        ("rt_sigaction=EPERM", "signal("),
        ("uname=EPERM", "os.uname()"),
        ("getcwd=ENOSYS", "os.getcwd()"),
        ("wait4=EPERM", "os.wait4("),
    ],
)
def test_what_nothing_can_take_the_place_of_is_told_and_is_no_defect(
    call: str, line: str, tmp_path: Path
) -> None:
    """What Trio wakes itself with; what the interpreter asks of a descriptor; start-up itself."""
    folder = project(tmp_path, "checks: [{id: a, run: touch ran}]")
    name, _, number = call.partition("=")
    done = in_world(
        World("", tuple(refusing(**{name: number})), ""),
        'cd "$0" && exec python -m vibeguard run',
        folder,
    )
    assert done.returncode == 3
    assert "the system refuses what VibeGuard cannot do without: " in done.stderr
    assert line in done.stderr
    assert "let the sandbox allow it" in done.stderr
    assert "defect" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "ran").exists()


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_nor_is_a_traceback_printed_that_cannot_be_kept(tmp_path: Path) -> None:
    folder = project(tmp_path, "checks: [{id: a, run: ':'}]")
    refused = ("tests.helpers.refusing", "ioctl=EPERM")
    done = vibeguard("audit", "a", cwd=folder, before=refused)
    assert done.returncode == 3
    assert "the system refuses what VibeGuard cannot do without: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_a_tool_answers_where_it_cannot_have_a_session_of_its_own(tmp_path: Path) -> None:
    folder = project(
        tmp_path, "checks: [{id: a, run: ':', inputs: [s], tools: ['true'], reuse: true}]"
    )
    (folder / "s").write_text("1")
    os.utime(folder / "s", (1, 1))
    refused = ("tests.helpers.refusing", "setsid=EPERM")
    for said in ("passed: 1 check in", "all of them in run"):
        done = vibeguard("run", "--reuse", cwd=folder, before=refused)
        assert said in done.stderr


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_git_answers_where_it_cannot_have_a_session_of_its_own(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r", a="1\n", **{"vibeguard.yaml": "checks: [{id: a, run: ':'}]"}
    )
    (folder / "a").write_text("2\n")
    done = vibeguard(
        "run", "--changed", cwd=folder, before=("tests.helpers.refusing", "setsid=EPERM")
    )
    assert done.returncode == 0, done.stderr
    assert "1 check" in done.stderr
    assert "git" not in done.stderr


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_a_run_of_which_no_lock_tells_can_be_cancelled(tmp_path: Path) -> None:
    folder = project(tmp_path, "checks: [{id: a, run: sleep 300, timeout: 9m}]")
    assert vibeguard("run", "--detach", cwd=folder).returncode == 0
    asked = vibeguard("cancel", cwd=folder, before=("tests.helpers.refusing", "fcntl=EPERM"))
    assert "asked to cancel run" in asked.stderr
    assert vibeguard("wait", cwd=folder).returncode == 143


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_whoever_looks_at_a_run_in_the_background_is_told_what_was_refused_as_well(
    tmp_path: Path,
) -> None:
    folder = project(tmp_path, "checks: [{id: a, run: ':'}]")
    refused = ("tests.helpers.refusing", "epoll_create1=EPERM")
    assert vibeguard("run", "--detach", cwd=folder, before=refused).returncode == 0
    done = vibeguard("wait", cwd=folder)
    assert done.returncode == 3
    assert "the system refuses what VibeGuard cannot do without: " in done.stderr
    assert "select.epoll()" in done.stderr
    assert "defect" not in done.stderr


def test_the_page_on_processes_holds_the_table_of_what_was_tried() -> None:
    """After a change: put what `python -m tests.helpers.worlds` prints in its place."""
    assert table() in (ROOT / "docs" / "processes.md").read_text()
