"""A thousand attempts on workers of which some are killed at every moment, and their broker too.

Whatever happens: no wrong outcome, no attempt twice, no hang, nothing left (docs/workers.md).
`CHAOS_ATTEMPTS` says how many, `CHAOS_SEED` repeats the moments of an earlier run.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.brokers import Server, broker
from tests.helpers.command import environment
from tests.helpers.pools import Pool, project, repository, worker_of
from tests.helpers.waiting import wait_until

ATTEMPTS = int(os.environ.get("CHAOS_ATTEMPTS", "1000"))
A_RUN = 100
NAMES = ("w1", "w2", "w3")


class Chaos:
    """Workers that are killed and started again, and a broker that comes back empty."""

    def __init__(self, pool: Pool, server: Server, source: Path, dice: random.Random) -> None:
        self.kills: dict[str, int] = {}
        self._pool = pool
        self._server = server
        self._source = source
        self._dice = dice
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def end(self) -> None:
        """No more kills; a last worker of each name sweeps what the others left."""
        self._over.set()
        self._thread.join()
        wait_until(self._are_all_there, "a worker does not come back")
        for process in self._workers.values():
            process.terminate()
        for process in self._workers.values():
            process.wait(60)

    def _are_all_there(self) -> bool:
        """Start who is gone, too: one that was killed last may take a moment to end."""
        for name in NAMES:
            self._start(name)
        return {one.name for one in self._pool.present()} >= set(NAMES)

    def _start(self, name: str) -> None:
        known = self._workers.get(name)
        if known is None or known.poll() is not None:
            self._workers[name] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "vibeguard", "worker", "--pool", self._pool.name),
                    *("--repository", str(self._source), "--name", name, "--slots", "4"),
                ],
                env=environment(**self._pool.variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def _go_on(self) -> None:
        while not self._over.is_set():
            for name in NAMES:
                self._start(name)
            self._over.wait(self._dice.uniform(0.5, 3.0))
            deed = self._dice.choice(("worker", "guardian", "both", "stopped", "broker"))
            self.kills[deed] = self.kills.get(deed, 0) + 1
            with suppress(ProcessLookupError, FileNotFoundError, IndexError):
                self._do(deed)

    def _do(self, deed: str) -> None:
        if deed == "broker":
            self._server.restart()
            return
        process = self._workers[self._dice.choice(NAMES)]
        guardian, worker = process.pid, worker_of(process.pid)
        victims = {"worker": [worker], "guardian": [guardian], "both": [guardian, worker]}
        if deed == "stopped":
            os.kill(worker, signal.SIGSTOP)
            self._over.wait(self._dice.uniform(0.1, 4.0))
            os.kill(worker, signal.SIGCONT)
        for pid in victims.get(deed, ()):
            os.kill(pid, signal.SIGKILL)


def carry(mark: str) -> list[int]:
    """The processes that have this text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.mark.nightly
def test_a_thousand_attempts_under_random_kills(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", str(random.randrange(10**6))))
    dice = random.Random(seed)
    mark = f"chaos-{os.urandom(6).hex()}"
    attempts = runs = 0
    with broker() as server:
        pool = Pool(server, tmp_path)
        source = repository(tmp_path / "source")
        chaos = Chaos(pool, server, source, dice)
        try:
            while attempts < ATTEMPTS:
                place = tmp_path / f"run{runs}"
                place.mkdir()
                runs += 1
                attempts += one_run(pool, source, place, dice, mark)
        finally:
            chaos.end()
        wait_until(lambda: not carry(mark), f"left over (seed {seed})")
    print(f"{attempts} attempts, seed {seed}, kills {chaos.kills}")


def one_run(pool: Pool, source: Path, place: Path, dice: random.Random, mark: str) -> int:
    """A run of checks whose exit codes are known; how many attempts it made."""
    codes = {f"c{n}": dice.choice((0, 0, 0, 1, 3)) for n in range(min(A_RUN, ATTEMPTS))}
    checks = "".join(
        f"  - {{id: {name}, where: {{}}, retry_lost: 2, env: {{MARK: {mark}}}, "
        f"run: 'echo $VIBEGUARD_ATTEMPT >> {place}/{name}; sleep {dice.random() / 2:.2f}; "
        f"exit {code}'}}\n"
        for name, code in codes.items()
    )
    folder = project(pool, source, place, checks, patience="5m", lease="2s")
    done = subprocess.run(
        [sys.executable, "-m", "vibeguard", "run", "--format", "json"],
        cwd=folder,
        env=environment(**pool.variables),
        capture_output=True,
        timeout=900,  # only a hang takes as long
        check=False,
    )
    report = json.loads(done.stdout)
    if done.returncode == 2:  # the broker was away when it began: nothing has run
        assert not list(place.glob("c[0-9]*")), report
        return 0
    attempts = 0
    for check in report["checks"]:
        name, code = check["id"], codes[check["id"]]
        starts = (place / name).read_text().split() if (place / name).exists() else []
        attempts += check["attempts"]
        assert len(starts) == len(set(starts)), f"{name} ran twice: {starts}"
        if check["status"] == "error":
            assert check["reason"] in ("lost", "not_startable"), check
        else:
            assert check["status"] == ("passed" if code == 0 else "failed"), check
            assert check["exit_code"] == code, check
            assert starts, f"{name} has an outcome and never ran"
    return attempts
