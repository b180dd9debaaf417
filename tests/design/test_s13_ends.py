"""DESIGN section 13: what is stopped, away or handed out too often, and the one end that it has.

Each test is a row of the table in docs/workers.md.
"""

import os
import signal
from pathlib import Path

import pytest

from tests.helpers.brokers import broker
from tests.helpers.pools import Pool, WorkerProcess, project, report
from tests.helpers.running import running
from tests.helpers.waiting import PATIENCE_S, is_gone, wait_until
from vibeguard.core.model.events import CheckStarted, CheckSubmitted, RunFinished
from vibeguard.core.pool.broker_names import PoolNames


def waits_for(path: Path, labels: str = "") -> str:
    """A check that passes once a file is there, and tells each of its starts and its pid."""
    return (
        f"  - {{id: a, where: {{labels: [{labels}]}}, run: 'echo x >> {path}.starts; "
        f"echo $$ > {path}.pid; while [ ! -e {path} ]; do sleep 0.05; done'}}\n"
    )


def pid_of(path: Path) -> int:
    told = Path(f"{path}.pid")
    wait_until(lambda: told.exists() and told.read_text().endswith("\n"), "it does not run")
    return int(told.read_text())


def tell(number: int, *pids: int) -> None:
    for pid in pids:
        os.kill(pid, number)


@pytest.mark.parametrize("victim", ["worker", "both"])
def test_a_worker_that_is_stopped_for_less_than_its_lease_loses_nothing(
    pool: Pool, source: Path, tmp_path: Path, victim: str
) -> None:
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go, "halts"))
    with (
        pool.worker(source, "--label", "halts", name=f"halts-{victim}") as halts,
        running(folder, "run", **pool.variables) as run,
    ):
        pid_of(go)
        pids = [halts.worker, halts.guardian][: 1 if victim == "worker" else 2]
        tell(signal.SIGSTOP, *pids)
        go.touch()
        tell(signal.SIGCONT, *pids)
        code, _, err = run.end()
    assert code == 0, err


@pytest.mark.slow
def test_a_machine_that_stands_still_is_lost_and_ends_its_tree_when_it_goes_on(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """Five seconds: a lease of two, and three more. Worker and guardian are stopped both."""
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go, "still"), lease="2s")
    with (
        pool.worker(source, "--label", "still", name="still") as still,
        running(folder, "run", **pool.variables) as run,
    ):
        pid = pid_of(go)
        pids = [still.worker, still.guardian]
        tell(signal.SIGSTOP, *pids)
        code, _, err = run.end()
        assert not is_gone(pid)
        tell(signal.SIGCONT, *pids)
        wait_until(lambda: is_gone(pid), "it outlived its lease")
    assert code == 1
    assert "it may still be running there" in err
    assert report(folder)["a"]["reason"] == "lost"


def test_a_broker_that_stands_still_for_less_than_the_lease_loses_nothing(
    source: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    with broker() as server:
        own = Pool(server, tmp_path)
        folder = project(own, source, tmp_path, waits_for(go))
        with own.worker(source), running(folder, "run", **own.variables) as run:
            pid_of(go)
            server.stop()
            go.touch()
            server.go_on()
            code, _, err = run.end()
    assert code == 0, err


@pytest.mark.slow
def test_a_broker_that_is_killed_for_good_hangs_nobody(source: Path, tmp_path: Path) -> None:
    """Five seconds: a lease of two, and three more."""
    go = tmp_path / "go"
    with broker() as server:
        own = Pool(server, tmp_path)
        folder = project(own, source, tmp_path, waits_for(go), lease="2s")
        with own.worker(source), running(folder, "run", **own.variables) as run:
            pid = pid_of(go)
            server.process.kill()
            code, _, err = run.end()
            assert is_gone(pid)
    assert code == 1
    assert "was not heard of" in err


def test_a_broker_that_comes_back_empty_is_told_again_what_waits(
    source: Path, tmp_path: Path
) -> None:
    with broker() as server:
        own = Pool(server, tmp_path)
        checks = "  - {id: a, run: 'true', where: {labels: [late]}}"
        folder = project(own, source, tmp_path, checks)
        with running(folder, "run", **own.variables) as run:
            run.wait_for(CheckSubmitted)
            server.restart()
            with own.worker(source, "--label", "late"):
                code, _, err = run.end()
    assert code == 0, err


def test_a_worker_that_came_once_stays_for_a_run_that_a_new_broker_has_not_heard_of(
    source: Path, tmp_path: Path
) -> None:
    with broker() as server:
        own = Pool(server, tmp_path)
        checks = waits_for(tmp_path / "go") + "  - {id: b, run: 'true', requires: [a], where: {}}"
        folder = project(own, source, tmp_path, checks, patience="10s")
        with own.worker(source, "--once") as once, running(folder, "run", **own.variables) as run:
            run.wait_until_running()
            server.restart()
            wait_until(lambda: bool(own.present()), "it does not come back")
            (tmp_path / "go").touch()
            assert run.end()[0] == 0
            assert once.process.wait(PATIENCE_S) == 0


def test_a_job_that_is_queued_three_times_and_handed_out_again_runs_once(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """By somebody who can reach the broker: its body and seal are those of the run."""
    go, names = tmp_path / "go", PoolNames(pool.name)
    folder = project(pool, source, tmp_path, waits_for(go, "thrice"))
    ask = pool.server.command
    with running(folder, "run", **pool.variables) as run:
        submitted = run.wait_for(CheckSubmitted)
        assert isinstance(submitted, CheckSubmitted)
        job, queue = names.job(submitted.token), names.queue("thrice")
        wait_until(lambda: ask("EXISTS", job) == b":1\r\n", "it was not submitted")
        head, _, rest = ask("GET", job).partition(b"\r\n")
        body = rest[: int(head[1:])]
        for _ in range(2):
            ask("RPUSH", queue, submitted.token)
        with pool.worker(source, "--label", "thrice", name="thrice"):
            pid_of(go)
            ask("SET", job, body)
            ask("RPUSH", queue, submitted.token)
            ask("SADD", names.queues, "thrice")
            with pool.worker(source, "--label", "thrice", name="again"):
                wait_until(lambda: ask("EXISTS", job) == b":0\r\n", "nobody took it")
                go.touch()
                code, _, err = run.end()
    assert code == 0, err
    assert Path(f"{go}.starts").read_text() == "x\n"


def test_a_front_that_is_stopped_holds_nothing_up(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go))
    with running(folder, "run", **pool.variables) as run:
        run.wait_for(CheckStarted)
        tell(signal.SIGSTOP, run.pid)
        go.touch()
        run.wait_for(RunFinished)
        tell(signal.SIGCONT, run.pid)
        code, _, err = run.end()
    assert code == 0, err


@pytest.mark.parametrize("lease", ["30s", pytest.param("2s", marks=pytest.mark.slow)])
def test_a_supervisor_that_is_stopped_loses_what_outlives_its_lease(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path, lease: str
) -> None:
    go = tmp_path / "go"
    folder = project(pool, source, tmp_path, waits_for(go), lease=lease)
    with running(folder, "run", **pool.variables) as run:
        pid, supervisor = pid_of(go), run.supervisor()
        tell(signal.SIGSTOP, supervisor)
        if lease == "2s":
            wait_until(lambda: is_gone(pid), "it outlived its lease")
        go.touch()
        tell(signal.SIGCONT, supervisor)
        code, _, err = run.end()
    if lease == "30s":
        assert code == 0, err
    else:
        assert code == 1
        assert report(folder)["a"]["reason"] == "lost"
