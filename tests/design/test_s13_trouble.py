"""DESIGN section 13: what goes wrong with checks on other machines, and the one end that it has.

Each test is a row of the table in docs/workers.md.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.brokers import KEY, Eavesdropper, broker, memory_of, monitored
from tests.helpers.pools import Pool, WorkerProcess, git, project, report, run_cli
from tests.helpers.running import Running, running
from tests.helpers.waiting import is_gone, wait_until
from vibeguard.core.model.events import CheckStarted, RunPaused
from vibeguard.core.pool.broker_names import PoolNames
from vibeguard.core.pool.messages import PROTOCOL, Job, Source, encode
from vibeguard.core.pool.sealing import seal

RUNS = "  - {{id: a, run: 'echo $$ > {marks}; exec sleep 1000', where: {{}}}}\n"


def pid_in(marks: Path) -> int:
    """The pid that a check has written there, once it is there."""
    wait_until(lambda: marks.exists() and marks.read_text().endswith("\n"), "it does not run")
    return int(marks.read_text())


@contextmanager
def under_way(
    pool: Pool, source: Path, folder: Path, *flags: str, checks: str = "", **settings: str
) -> Iterator[tuple[Running, int]]:
    """A run whose check `a` sleeps on a worker, and the pid of that check."""
    marks = folder / "pid"
    clone = project(pool, source, folder, RUNS.format(marks=marks) + checks, **settings)
    with running(clone, "run", *flags, **pool.variables) as run:
        yield run, pid_in(marks)


def waits_for(path: Path) -> str:
    """A check that passes once a file is there, and tells each of its starts."""
    return (
        f"  - {{id: a, where: {{}}, run: 'echo x >> {path}.starts; "
        f"while [ ! -e {path} ]; do sleep 0.05; done'}}"
    )


def test_fail_fast_ends_what_runs_on_workers(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    fails = f"  - {{id: b, run: 'while [ ! -s {tmp_path}/pid ]; do sleep 0.05; done; false'}}"
    with under_way(pool, source, tmp_path, "--fail-fast", checks=fails) as (run, pid):
        assert run.end()[0] == 1
        assert is_gone(pid)
    assert report(run.folder)["a"]["reason"] == "fail_fast"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_runs_on_workers(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path, number: int
) -> None:
    with under_way(pool, source, tmp_path) as (run, pid):
        os.kill(run.pid, number)
        assert run.end()[0] == 128 + number
        assert is_gone(pid)
    assert report(run.folder)["a"]["status"] == "cancelled"


def test_the_time_limit_of_a_run_ends_what_runs_on_workers(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    limit = "  run_timeout: 1500ms"
    folder = project(pool, source, tmp_path, RUNS.format(marks=tmp_path / "pid"), more=limit)
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 1, done.stderr
    assert report(folder)["a"]["reason"] == "run_timeout"
    if (tmp_path / "pid").exists():
        assert is_gone(pid_in(tmp_path / "pid"))


def test_a_front_that_is_killed_leaves_nothing_on_the_worker(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    with under_way(pool, source, tmp_path) as (run, pid):
        run.process.kill()
        wait_until(lambda: is_gone(pid), "it outlived its front")
        assert "cancelled" in run_cli(run.folder, "wait").stderr


def test_a_run_in_the_background_is_followed_from_elsewhere(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """By commands that know nothing of the pool."""
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go))
    assert run_cli(folder, "run", "--detach", **pool.variables).returncode == 0
    here = ("--state-dir", str(folder / ".vibeguard"))
    wait_until(Path(f"{go}.starts").exists, "it does not run")
    assert "on w1" in run_cli(tmp_path, "status", *here).stdout
    go.touch()
    assert run_cli(tmp_path, "wait", *here).returncode == 0
    shown = json.loads(run_cli(tmp_path, "report", "--json", *here).stdout)
    assert (shown["checks"][0]["status"], shown["checks"][0]["worker"]) == ("passed", "w1")


def test_a_guardian_that_is_stopped_changes_nothing(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go))
    with (
        pool.worker(source, name="guarded") as guarded,
        running(folder, "run", **pool.variables) as run,
    ):
        run.wait_for(CheckStarted)
        guarded.tell(signal.SIGSTOP)
        go.touch()
        code, _, err = run.end()
    assert code == 0, err


def test_messages_that_are_repeated_altered_or_unsigned_change_nothing(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go), lease="5s")  # it is said twice a second
    listener = Eavesdropper(pool.server, pool.name)
    try:
        with running(folder, "run", **pool.variables) as run:
            run.wait_for(CheckStarted)
            heard = len(listener.heard)
            wait_until(lambda: len(listener.heard) > heard + 20, "nothing is said")
            go.touch()
            code, _, err = run.end()
    finally:
        listener.end()
    assert code == 0, err
    assert Path(f"{go}.starts").read_text() == "x\n"


def test_a_job_that_is_not_sealed_with_the_key_never_runs(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    names, token = PoolNames(pool.name), "f" * 32
    head = git(source, "rev-parse", "HEAD").strip()
    tree = git(source, "rev-parse", "HEAD^{tree}").strip()
    forged = Job(
        protocol=PROTOCOL,
        token=token,
        client="nobody",
        run_id="run",
        check="a",
        attempt=1,
        command=f"touch {tmp_path}/ran",
        output_limit_bytes=1000,
        source=Source(head, tree),
        lease_ns=10**10,
    )
    for place, key in ((names.job(token), b"x" * 44), ("elsewhere", KEY)):
        pool.server.command("SET", names.job(token), seal(key, place, encode(forged)))
        pool.server.command("RPUSH", names.queue(""), token)
        pool.server.command("SADD", names.queues, "")
        folder = tmp_path / place[:4]
        folder.mkdir()
        own = project(pool, source, folder, "  - {id: b, run: 'true', where: {}}")
        assert run_cli(own, "run", **pool.variables).returncode == 0
        assert pool.server.command("EXISTS", names.job(token)) == b":0\r\n"
    assert not (tmp_path / "ran").exists()


def test_a_broker_that_is_full_is_an_error_in_its_words(source: Path, tmp_path: Path) -> None:
    checks = "  - {id: a, run: 'true', where: {}}"
    with broker("--maxmemory", "6mb", "--maxmemory-policy", "noeviction") as server:
        own = Pool(server, tmp_path)
        folder = project(own, source, tmp_path, checks)
        (folder / "large").write_bytes(os.urandom(8 << 20))
        with own.worker(source):
            done = run_cli(folder, "run", **own.variables)
    assert done.returncode == 1
    assert "the broker refused it: OOM" in done.stderr


def test_workers_of_another_protocol_are_refused_before_anything_ran(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {}}")
    program = (
        "import vibeguard.core.pool.messages as m\n"
        "m.PROTOCOL += 1\n"
        "from vibeguard.cli import command\n"
        "command()\n"
    )
    with running(folder, "run", program=program, fresh=True, **pool.variables) as run:
        code, _, err = run.end()
    assert code == 2
    assert "the workers of the pool speak another protocol: w1" in err
    assert not list((folder / ".vibeguard").glob("runs/*"))


def test_no_secret_of_the_caller_is_ever_with_the_broker_or_a_worker(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """Not in what is said, nor in their memory: environment, ignored files, the broker's key."""
    canary = b"tweety-bird-4711"
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go))
    (folder / ".gitignore").write_text("secret\n")
    (folder / "secret").write_bytes(canary)
    with (
        monitored(pool.server) as said,
        running(folder, "run", **pool.variables, CANARY=canary.decode()) as run,
    ):
        run.wait_for(CheckStarted)
        memory = memory_of(pool.server.pid)
        there = memory_of(worker.worker) + memory_of(worker.guardian)
        go.touch()
        assert run.end()[0] == 0
    passed_by = bytes(said)
    assert b"sleep 0.05; done" in passed_by  # what does go there is seen
    assert pool.name.encode() in memory
    assert b"sleep 0.05; done" in there
    assert canary not in there
    for secret in (canary, KEY):
        assert secret not in passed_by
        assert secret not in memory


@pytest.mark.slow
def test_a_pause_longer_than_the_lease_loses_nothing(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """Five and a half seconds, for a lease of four."""
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go), lease="4s")
    with running(folder, "run", **pool.variables) as run:
        run.wait_for(CheckStarted)
        os.kill(run.pid, signal.SIGTSTP)
        run.wait_for(RunPaused)
        until = time.monotonic() + 5.5
        wait_until(lambda: time.monotonic() >= until)
        go.touch()
        os.kill(run.pid, signal.SIGCONT)
        code, _, err = run.end()
    assert code == 0, err
    assert Path(f"{go}.starts").read_text() == "x\n"
