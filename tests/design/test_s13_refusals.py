"""DESIGN section 13: what cannot be had is refused, with the reason, before anything has run."""

import os
import re
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.brokers import key_file
from tests.helpers.pools import Pool, config_of, git, project, report, repository, run_cli
from tests.helpers.running import running, start
from tests.helpers.waiting import PATIENCE_S, is_gone, wait_until

CHECKS = "  - {id: here, run: 'touch ran'}\n  - {id: a, run: 'true', where: {}}"
NO_BOUND = """
from vibeguard.system.pool import shipment
shipment.CAPTURE_S = 1000.0
from vibeguard.cli import command
command()
"""
IMPATIENT = """
from vibeguard.system.pool import connection
connection.CONNECT_S = 0.1
from vibeguard.cli import command
command()
"""
AT_ONCE_AGAIN = """
from vibeguard.system.worker import taking
taking.UNFIT_PAUSE_S = 0
from vibeguard.cli import command
command()
"""


@contextmanager
def slow_capture(folder: Path) -> Iterator[tuple[Path, socket.socket, dict[str, str], Path]]:
    """A project whose files take for ever to be captured, and a broker that says nothing.

    The pid of what takes so long is in the file that comes last.
    """
    clone, pid = repository(folder / "project", config_of("p", CHECKS)), folder / "pid"
    (clone / ".gitattributes").write_text("*.slow filter=slow\n")
    (clone / "a.slow").write_text("new\n")
    git(clone, "config", "filter.slow.clean", f"echo $$ > {pid}; exec sleep 1000")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(folder / "mute"))
        mute.listen()
        variables = {
            "VIBEGUARD_POOL_URL": f"unix://{folder}/mute",
            "VIBEGUARD_POOL_KEY_FILE": str(key_file(folder)),
        }
        yield clone, mute, variables, pid


def is_written(path: Path) -> bool:
    return path.exists() and path.read_text().endswith("\n")


def test_what_the_broker_refuses_waits_for_no_files(tmp_path: Path) -> None:
    with slow_capture(tmp_path) as (folder, mute, variables, pid):
        with running(folder, "run", program=NO_BOUND, **variables) as run:
            asked, _ = mute.accept()
            wait_until(lambda: is_written(pid))
            with asked:
                asked.sendall(b"-WRONGPASS invalid username-password pair\r\n")
                code, _, err = run.end()
        assert is_gone(int(pid.read_text()))
    assert (code, "WRONGPASS" in err) == (2, True), err
    assert not (folder / "ran").exists()


def test_ctrl_c_while_the_files_are_captured_waits_for_none(tmp_path: Path) -> None:
    """The broker has answered by then, or has not: neither is waited for."""
    with slow_capture(tmp_path) as (folder, _, variables, pid):
        with running(folder, "run", program=NO_BOUND, **variables) as run:
            wait_until(lambda: is_written(pid))
            os.kill(run.pid, signal.SIGINT)
            code, _, err = run.end()
        assert is_gone(int(pid.read_text()))
    assert (code, "defect" in err) == (130, False), err


def test_a_broker_that_lets_nobody_in_is_given_up(pool: Pool, tmp_path: Path) -> None:
    """As where a firewall drops what comes: here, more wait already than are let in."""
    folder = repository(tmp_path / "project", config_of("p", CHECKS))
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"redis://127.0.0.1:{full.getsockname()[1]}"
        env = {**pool.variables, "VIBEGUARD_POOL_URL": url}
        asking = [
            start(folder, *command, program=IMPATIENT, env=env)
            for command in (["run"], ["workers"], ["worker"])
        ]
        for process in asking:
            _, err = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, "does not answer within 0.1 s" in err) == (2, True), err
    assert not (folder / "ran").exists()


def submodule(folder: Path) -> None:
    repository(folder / "sub")


def lfs(folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (folder / "large.bin").write_text("")


def lfs_further_down(folder: Path) -> None:
    (folder / "data").mkdir()
    lfs(folder / "data")


def filtered(folder: Path) -> None:
    """What lies here is not what git has: it may be secret."""
    (folder / ".gitattributes").write_text("*.key filter=crypt\n")
    (folder / "a.key").write_text("secret\n")
    git(folder, "config", "filter.crypt.clean", "tr a-y b-z")


def no_commit(folder: Path) -> None:
    git(folder, "update-ref", "-d", "HEAD")


def no_repository(folder: Path) -> None:
    shutil.rmtree(folder / ".git")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (submodule, "the submodule sub cannot go to a worker"),
        (lfs, "files of Git LFS (large.bin) cannot go to a worker"),
        (lfs_further_down, "files of Git LFS (data/large.bin) cannot go to a worker"),
        (filtered, "a.key, which git's filter crypt makes, cannot go to a worker"),
        (no_commit, "the repository has no commit yet"),
        (no_repository, "need a git repository, and this folder is in none"),
    ],
)
def test_files_that_cannot_be_shipped_are_refused(
    pool: Pool, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    folder = repository(tmp_path / "project", config_of(pool.name, CHECKS))
    spoil(folder)
    done = run_cli(folder, "run", **pool.variables)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert "--local" in done.stderr or "commit and push" in done.stderr
    assert not (folder / "ran").exists()


def test_a_shallow_clone_whose_commit_no_worker_has_is_an_error_that_says_so(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """Only workers know it: they fetch, and say what is not there."""
    clone = project(pool, source, tmp_path, CHECKS)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "not pushed")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{clone}", str(shallow))
    with pool.worker(source, program=AT_ONCE_AGAIN):
        assert run_cli(shallow, "run", **pool.variables).returncode == 1
    found = report(shallow)["a"]
    assert (found["status"], found["reason"]) == ("error", "not_startable")
    assert "lacks the commit" in str(found["message"])


def test_a_start_that_fails_on_the_worker_is_one_that_was_recorded_and_refused(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """Here the folder is there; git ignores it, so it is not there."""
    check = "  - {id: a, run: 'true', cwd: ignored, where: {}}"
    clone = project(pool, source, tmp_path, check)
    (clone / "ignored").mkdir()
    with pool.worker(source):
        assert run_cli(clone, "run", **pool.variables).returncode == 1
    found = report(clone)["a"]
    assert (found["status"], found["reason"], found["attempts"]) == ("error", "not_startable", 1)
    assert "the working folder" in str(found["message"])
    log = run_cli(clone, "report", "--format", "jsonl").stdout
    assert re.search(
        r"check\.started.*check\.attempt_finished[^\n]*\"end\":\"refused\"", log, re.DOTALL
    )
