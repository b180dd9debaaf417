"""DESIGN section 13: the commands `worker` and `workers`: how a worker ends, what it refuses."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path

import pytest

from tests.helpers.brokers import broker, key_file
from tests.helpers.command import vibeguard
from tests.helpers.pools import (
    Pool,
    WorkerProcess,
    config_of,
    project,
    report,
    repository,
    run_cli,
)
from tests.helpers.processes import descendants
from tests.helpers.refusing import can_refuse, refusing
from tests.helpers.running import running
from tests.helpers.waiting import PATIENCE_S, wait_until
from vibeguard.core.model.events import CheckSettled, CheckStarted
from vibeguard.system.pool.access import KEY_VARIABLE
from vibeguard.version import __version__

IMPATIENT = """
from vibeguard.system.worker import service
service.BROKER_LOST_S = 0.2
from vibeguard.cli import command
command()
"""


def test_a_worker_that_is_told_to_stop_ends_what_it_can_and_takes_nothing_new(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    checks = (
        f"  - {{id: a, where: {{labels: [ends]}}, run: 'while [ ! -e {go} ]; do sleep 0.05; done'}}\n"
        "  - {id: b, where: {labels: [ends]}, requires: [a], run: 'true'}"
    )
    folder = project(pool, source, tmp_path, checks)
    with pool.worker(source, "--label", "ends", "--drain", "1m", name="ends") as ends:
        with running(folder, "run", **pool.variables) as run:
            run.wait_for(CheckStarted)
            ends.tell(signal.SIGTERM)
            wait_until(lambda: any(one.draining for one in pool.present()))
            listed = run_cli(tmp_path, "workers", "--pool", pool.name, **pool.variables).stdout
            assert re.search(r"^ends +ends +draining ", listed, re.MULTILINE)
            go.touch()
            assert ends.process.wait(PATIENCE_S) == 0
            with pool.worker(source, "--label", "ends", name="next"):
                code, _, err = run.end()
        assert code == 0, err
    checks_of_run = report(folder)
    assert (checks_of_run["a"]["worker"], checks_of_run["b"]["worker"]) == ("ends", "next")


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_a_worker_that_may_have_no_session_of_its_own_takes_checks(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    checks = "  - {id: a, where: {labels: [apart]}, run: 'true'}"
    folder = project(pool, source, tmp_path, checks)
    within = tuple(refusing(setsid="EPERM"))
    with pool.worker(source, "--label", "apart", name="apart", within=within):
        done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(bool(can_refuse()), reason=can_refuse())
def test_nobody_waits_for_a_pool_where_nothing_wakes_who_waits(pool: Pool, tmp_path: Path) -> None:
    before = ("tests.helpers.refusing", "recvfrom=EPERM")
    done = vibeguard(
        "workers", "--pool", pool.name, cwd=tmp_path, env=pool.variables, before=before
    )
    assert done.returncode == 3
    assert "theirs.recv(1)" in done.stderr


def test_what_does_not_end_in_time_is_lost_never_failed(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    checks = "  - {id: a, run: 'exec sleep 1000', where: {labels: [short]}}"
    folder = project(pool, source, tmp_path, checks)
    with pool.worker(source, "--label", "short", "--drain", "100ms", name="short") as short:
        with running(folder, "run", **pool.variables) as run:
            run.wait_for(CheckStarted)
            short.tell(signal.SIGTERM)
            assert run.end()[0] == 1
        assert short.process.wait(PATIENCE_S) == 0
    lost = report(folder)["a"]
    assert (lost["status"], lost["reason"]) == ("error", "lost")
    assert "told to stop" in str(lost["message"])


@pytest.mark.parametrize("first", ["checks", "worker"])
def test_what_a_stop_of_everything_ends_is_lost_never_failed(
    pool: Pool, source: Path, tmp_path: Path, first: str
) -> None:
    """A service manager and `scancel` signal the checks, too, in any order."""
    checks = "\n".join(
        f"  - {{id: {name}, run: '{script}', where: {{labels: [all]}}}}"
        for name, script in {"a": "sleep 1000", "b": "exec sleep 1000", "c": "exit 143"}.items()
    )
    folder = project(pool, source, tmp_path, checks)
    with pool.worker(source, "--label", "all", "--drain", "5m", name="all") as stopped:
        with running(folder, "run", **pool.variables) as run:
            run.wait_for(CheckStarted, count=3)
            run.wait_for(CheckSettled)  # c ends as by the signal, and nobody is stopped
            whole = [stopped.guardian, *descendants(stopped.guardian)]
            for pid in whole if first == "worker" else reversed(whole):
                with suppress(ProcessLookupError):  # it ended with its child
                    os.kill(pid, signal.SIGTERM)
            assert run.end()[0] == 1
        assert stopped.process.wait(PATIENCE_S) == 0
    ends = {name: (check["status"], check["reason"]) for name, check in report(folder).items()}
    lost = ("error", "lost")
    assert ends == {"a": lost, "b": lost, "c": ("failed", "exit_code")}


# Nothing but a wake-up makes a worker look for jobs, or a run submit one again.
ONLY_WAKE_UPS = """
from vibeguard.core.pool import client
from vibeguard.system.worker import showing, taking
client.RESUBMIT_S = taking.CLAIM_S = 1000.0
showing.SHOW_S = 0.1
from vibeguard.cli import command
command()
"""


def test_a_worker_that_takes_nothing_more_has_another_one_woken(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """The broker prefers the one with fewer labels, which waits for a second job and drains."""
    first, go = tmp_path / "first", tmp_path / "go"
    first.mkdir()
    loop = f"while [ ! -e {go} ]; do sleep 0.05; done"
    runs = project(pool, source, first, f"  - {{id: a, where: {{labels: [rare]}}, run: '{loop}'}}")
    next_run = project(pool, source, tmp_path, "  - {id: b, where: {labels: [rare]}, run: 'true'}")
    flags = ("--label", "rare", "--drain", "5m")
    only = {"program": ONLY_WAKE_UPS}
    with (
        pool.worker(source, *flags, name="drains", **only) as drains,
        running(runs, "run", **only, **pool.variables) as run,
    ):
        run.wait_for(CheckStarted)
        drains.tell(signal.SIGTERM)
        wait_until(lambda: any(one.draining for one in pool.present()))
        with (
            pool.worker(source, "--label", "rare,more", name="other", **only),
            running(next_run, "run", **only, **pool.variables) as woken,
        ):
            code, _, err = woken.end()
        go.touch()
        assert run.end()[0] == 0
    assert code == 0, err
    assert report(next_run)["b"]["worker"] == "other"


def test_a_worker_whose_broker_is_lost_exits_3(source: Path, tmp_path: Path) -> None:
    with broker() as server:
        own = Pool(server, tmp_path)
        with own.worker(source, program=IMPATIENT) as worker:
            server.process.kill()
            _, stderr = worker.process.communicate(timeout=PATIENCE_S)
            assert worker.process.returncode == 3
            assert "is a worker no longer: the broker could not be reached for" in stderr


def test_a_worker_whose_broker_takes_nothing_any_more_exits_3(source: Path, tmp_path: Path) -> None:
    """After a failover it may be a replica, from which nobody gets a job: said, not waited out."""
    with broker() as server:
        own = Pool(server, tmp_path)
        with own.worker(source, program=IMPATIENT) as worker:
            server.command("REPLICAOF", "127.0.0.1", "1")
            _, stderr = worker.process.communicate(timeout=PATIENCE_S)
            assert worker.process.returncode == 3
            assert "the broker has refused it for 0 s: READONLY" in stderr


def test_a_worker_that_is_killed_by_what_it_runs_says_so(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """Its guardian does: who reads what the worker has said must learn why there is none."""
    with Pool(pool.server, tmp_path).worker(source) as worker:
        worker.tell(signal.SIGKILL, to_guardian=False)
        _, stderr = worker.process.communicate(timeout=PATIENCE_S)
    assert worker.process.returncode == 3
    assert "w1 is a worker no longer: its process was ended by SIGKILL." in stderr


def test_workers_names_labels_slots_and_version(
    pool: Pool, worker: WorkerProcess, tmp_path: Path
) -> None:
    done = run_cli(tmp_path, "workers", "--pool", pool.name, **pool.variables)
    assert re.search(
        rf"^w1 +linux +0 of 4 slots used +{re.escape(__version__)}$", done.stdout, re.MULTILINE
    )
    nobody = run_cli(tmp_path, "workers", "--pool", "nobody", **pool.variables)
    assert (nobody.returncode, nobody.stdout) == (0, "")
    assert "There are no workers in the pool nobody." in nobody.stderr


def test_workers_with_another_key_are_said_before_anything_ran(
    pool: Pool, worker: WorkerProcess, source: Path, tmp_path: Path
) -> None:
    """Nobody would ever take the checks, and nothing would say why."""
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {}}")
    other = tmp_path / "other.key"
    other.write_text("another key of more than thirty-two bytes")
    other.chmod(0o600)
    for words in (("run",), ("workers",)):
        done = run_cli(folder, *words, **{**pool.variables, KEY_VARIABLE: str(other)})
        assert done.returncode == 2
        assert "the workers of the pool have another key" in done.stderr
    assert not list((folder / ".vibeguard").glob("runs/*"))


@pytest.mark.parametrize(
    ("flags", "variables", "told"),
    [
        ([], {}, "no pool is named: name one: --pool NAME"),
        (["--pool", "a b"], {}, "the pool is called 'a b'"),
        (["--pool", "p", "--label", "a b"], {}, "the label 'a b' cannot be used"),
        (["--pool", "p", "--label", ""], {}, "the label '' cannot be used"),
        (["--pool", "p", "--label", "gpu,"], {}, "the label '' cannot be used"),
        (["--pool", "p", "--label", "x" * 65], {}, "at most 64 letters"),
        (["--pool", "p", "--label=-x"], {}, "a letter or digit first"),
        (["--pool", "p", "--slots", "0"], {}, "--slots is 0"),
        (["--pool", "p", "--name", ""], {}, "--name is ''"),
        (["--pool", "p", "--name", " "], {}, "--name is ' '"),
        (["--pool", "p", "--name", "a\nb"], {}, r"--name is 'a\nb'"),
        (
            ["--pool", "p", "--repository", "/nowhere"],
            {},
            "/nowhere cannot be used: '/nowhere' does not appear to be a git repository",
        ),
        (["--pool", "p"], {"VIBEGUARD_POOL_URL": ""}, "VIBEGUARD_POOL_URL is not set"),
        (["--pool", "p"], {"VIBEGUARD_POOL_URL": "unix:///nowhere"}, "cannot be reached"),
        (["--pool", "p"], {"VIBEGUARD_POOL_KEY_FILE": ""}, "VIBEGUARD_POOL_KEY_FILE is not set"),
    ],
)
def test_a_worker_that_cannot_begin_says_why(
    pool: Pool, tmp_path: Path, flags: list[str], variables: dict[str, str], told: str
) -> None:
    done = run_cli(tmp_path, "worker", *flags, **{**pool.variables, **variables})
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "is a worker of" not in done.stderr


def test_rights_that_are_too_narrow_or_a_wrong_password_are_said_before_anything_ran(
    source: Path, tmp_path: Path
) -> None:
    """By `run` and by `worker`, in the broker's words, naming the variable and no password."""
    users = tmp_path / "users.acl"
    users.write_text(
        "user default off\n"
        "user ci on >PASSWORD resetkeys ~vibeguard:{p}:* resetchannels &vibeguard:{p}:* "
        "-@all +hello +auth +ping\n"
    )
    folder = tmp_path / "run"
    folder.mkdir()
    with broker("--aclfile", str(users)) as server:
        own = Pool(server, tmp_path, name="p")
        checks = "  - {id: here, run: 'touch ran'}\n  - {id: a, run: 'true', where: {}}"
        clone = project(own, source, folder, checks)
        for password, told in (("PASSWORD", "no permissions"), ("guessed", "WRONGPASS")):
            url = f"unix://ci:{password}@{server.socket}"
            variables = {**own.variables, "VIBEGUARD_POOL_URL": url}
            for command in (["run"], ["worker", "--pool", "p", "--repository", str(source)]):
                done = run_cli(clone, *command, **variables)
                assert done.returncode == 2, done.stderr
                assert "VIBEGUARD_POOL_URL" in done.stderr
                assert told.lower() in done.stderr.lower()
                assert password not in done.stderr.replace("WRONGPASS", "")
        assert not (clone / "ran").exists()


PATIENT = """
from vibeguard.system.pool import connection
connection.CONNECT_S = 1000.0
from vibeguard.cli import command
command()
"""


@contextmanager
def mute_broker(folder: Path, kind: str) -> Iterator[tuple[socket.socket, str]]:
    """A socket where one can connect and nobody says anything, and its address."""
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family) as mute:
        mute.bind(str(folder / "mute") if kind == "unix" else ("127.0.0.1", 0))
        mute.listen()
        place = mute.getsockname()
        yield mute, f"unix://{place}" if kind == "unix" else f"rediss://127.0.0.1:{place[1]}"


@pytest.mark.parametrize("kind", ["unix", "tls"])
@pytest.mark.parametrize("command", ["workers", "worker", "run"])
def test_ctrl_c_ends_at_once_what_waits_for_a_mute_broker(
    tmp_path: Path, command: str, kind: str
) -> None:
    """For the greeting, or in the middle of a handshake; without its bound, which is no end."""
    folder = repository(tmp_path / "project", config_of("p", "  - {id: a, run: 'true', where: {}}"))
    with mute_broker(tmp_path, kind) as (mute, url):
        variables = {
            "VIBEGUARD_POOL_URL": url,
            "VIBEGUARD_POOL_KEY_FILE": str(key_file(tmp_path)),
        }
        flags = [] if command == "run" else ["--pool", "p"]
        with running(folder, command, *flags, program=PATIENT, **variables) as asking:
            asked, _ = mute.accept()
            with asked:
                assert asked.recv(5)  # by now it waits for the answer
                os.kill(asking.pid, signal.SIGINT)
                code, _, err = asking.end()
    assert code == 130
    assert "defect" not in err
    if command == "run":
        assert report(folder)["a"]["status"] == "cancelled"


def test_silence_and_too_much_output_end_a_check_on_a_worker(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    checks = (
        "  - {id: idle, run: 'exec sleep 1000', idle_timeout: 100ms, where: {}}\n"
        "  - {id: loud, run: 'yes', where: {}}"
    )
    folder = project(pool, source, tmp_path, checks, more="  output_limit: 64KiB")
    assert run_cli(folder, "run", **pool.variables).returncode == 1
    found = report(folder)
    assert (found["idle"]["status"], found["idle"]["reason"]) == ("timeout", "idle")
    assert found["loud"]["reason"] == "output_limit"
    assert found["loud"]["output_bytes"] == 64 << 10


# A worker that keeps two trees for later runs.
FORGETFUL = """
from vibeguard.system.worker import trees
trees.MOST_TREES = 2
from vibeguard.cli import command
command()
"""


def test_a_worker_keeps_few_of_the_trees_that_runs_have_sent(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """Else its disk fills within weeks; one that an attempt has stays whole, however old."""
    go, where = tmp_path / "go", "where: {labels: [weeks]}"
    (tmp_path / "long").mkdir()
    has_all = "git cat-file -e $(git hash-object new)"
    long = f"  - {{id: a, {where}, run: 'while [ ! -e {go} ]; do sleep 0.05; done; {has_all}'}}"
    long_folder = project(pool, source, tmp_path / "long", long)
    (long_folder / "new").write_text("as long as it runs\n")
    folder = project(pool, source, tmp_path, f"  - {{id: a, {where}, run: '{has_all}'}}")
    cache = tmp_path / "cache"
    with (
        pool.worker(
            *(source, "--label", "weeks"), program=FORGETFUL, slots=2, XDG_CACHE_HOME=str(cache)
        ),
        running(long_folder, "run", **pool.variables) as run,
    ):
        run.wait_for(CheckStarted)
        for number in range(7):
            (folder / "new").write_text(f"{number}\n")
            done = run_cli(folder, "run", **pool.variables)
            assert done.returncode == 0, done.stderr
        # Two, or those of which there are folders: one runs, two lie ready, one was wanted.
        packs = f"{cache}/vibeguard/workers/*/*/packs/*"  # by `**` what is just removed is entered
        wait_until(lambda: 0 < len(glob(packs)) <= 4)
        go.touch()
        code, _, err = run.end()
        assert code == 0, err
