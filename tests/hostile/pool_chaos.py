"""Attempts on workers of which some are killed at every moment, and their broker too.

    python -m tests.hostile.pool_chaos [--attempts 1000] [--seconds 240] [--into chaos.jsonl]

Runs of a hundred attempts each, a line of the file for each, until there are as many attempts or
the time is up; started again it goes on. Prints how many outcomes were wrong, attempts ran twice,
runs hung, processes were left over, and what workers said that nobody caused. Exit code 0: all there and all clean; 1: not clean; 3: not
all there yet.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.json import decode, encode

from tests.helpers.brokers import Server, broker
from tests.helpers.command import environment
from tests.helpers.pools import Pool, project, repository, worker_of
from tests.helpers.waiting import wait_until

NAMES = ("w1", "w2", "w3")
# What a worker may say: it began, it was killed here, or the broker was away just then.
EXPECTED = re.compile(
    "w[0-9] is a worker (of|no longer: "
    "(its process was ended by SIGKILL|its worker's guardian died|it stood still))"
    "|vibeguard: the broker of "
)
A_RUN = 100
HANGS_S = 200.0  # a hundred attempts take less than a minute


class Slice(Struct, forbid_unknown_fields=True):
    """What came of one run: what was wrong is told, with the seed that repeats its moments."""

    seed: int
    attempts: int = 0
    kills: dict[str, int] = {}
    wrong: list[str] = []
    twice: list[str] = []
    hangs: int = 0
    left_over: int = 0
    said: list[str] = []

    @property
    def is_clean(self) -> bool:
        return not (self.wrong or self.twice or self.hangs or self.left_over or self.said)


class Chaos:
    """Workers that are killed and started again, and a broker that comes back empty."""

    def __init__(self, pool: Pool, server: Server, source: Path, dice: random.Random) -> None:
        self.kills: dict[str, int] = {}
        self._pool = pool
        self._server = server
        self._source = source
        self._errors = pool.folder / "errors"
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

    def unexpected(self) -> list[str]:
        """What workers said and nobody here caused."""
        lines = self._errors.read_text(errors="replace").splitlines()
        return [line for line in lines if not EXPECTED.match(line)]

    def _are_all_there(self) -> bool:
        """Start who is gone, too: one that was killed last may take a moment to end."""
        for name in NAMES:
            self._start(name)
        return {one.name for one in self._pool.present()} >= set(NAMES)

    def _start(self, name: str) -> None:
        known = self._workers.get(name)
        if known is None or known.poll() is not None:
            with self._errors.open("ab") as errors:
                self._workers[name] = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "vibeguard", "worker", "--pool", self._pool.name),
                        *("--repository", str(self._source), "--name", name, "--slots", "4"),
                    ],
                    env=environment(**self._pool.variables),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
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


def one_slice(folder: Path, seed: int, checks: int) -> Slice:
    """One run of so many checks, whose exit codes are known, with a pool of its own."""
    dice, found = random.Random(seed), Slice(seed)
    mark = f"chaos-{os.urandom(6).hex()}"
    with broker() as server:
        pool = Pool(server, folder)
        source = repository(folder / "source")
        chaos = Chaos(pool, server, source, dice)
        try:
            one_run(pool, source, folder, found, dice=dice, count=checks, mark=mark)
        except subprocess.TimeoutExpired:
            found.hangs = 1
        finally:
            chaos.end()
        found.kills = chaos.kills
        with suppress(AssertionError):
            wait_until(lambda: not carry(mark), patience_s=20.0)
        found.left_over = len(carry(mark))
        found.said = chaos.unexpected()
    return found


def one_run(
    pool: Pool,
    source: Path,
    place: Path,
    found: Slice,
    *,
    dice: random.Random,
    count: int,
    mark: str,
) -> None:
    codes = {f"c{n}": dice.choice((0, 0, 0, 1, 3)) for n in range(count)}
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
        timeout=HANGS_S,
        check=False,
    )
    report = json.loads(done.stdout)
    if done.returncode == 2:  # the broker was away when it began: nothing has run
        found.wrong += [f"{path.name} ran" for path in place.glob("c[0-9]*")]
        return
    for check in report["checks"]:
        path = place / check["id"]
        starts = path.read_text().split() if path.exists() else []
        found.attempts += check["attempts"]
        if len(starts) != len(set(starts)):
            found.twice.append(f"{check['id']}: {starts}")
        if not is_right(check, codes[check["id"]], started=bool(starts)):
            found.wrong.append(json.dumps(check))


def is_right(check: dict[str, object], code: int, *, started: bool) -> bool:
    """Whether this may be: lost is an error; an outcome is that of the check, which ran for it."""
    if check["status"] == "error":
        return check["reason"] in ("lost", "not_startable")
    passed = "passed" if code == 0 else "failed"
    return started and (check["status"], check["exit_code"]) == (passed, code)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.pool_chaos")
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--into", type=Path, default=Path("chaos.jsonl"))
    given = parser.parse_args(words)
    ends = time.monotonic() + given.seconds
    lines = given.into.read_bytes().splitlines() if given.into.exists() else []
    slices = [decode(line, type=Slice) for line in lines]
    longest_s = 0.0
    while (
        sum(one.attempts for one in slices) < given.attempts and time.monotonic() + longest_s < ends
    ):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            slices.append(one_slice(Path(folder), random.randrange(10**6), A_RUN))
        longest_s = max(longest_s, time.monotonic() - began)
        with given.into.open("ab") as file:
            file.write(encode(slices[-1]) + b"\n")
        print(encode(slices[-1]).decode(), flush=True)
    attempts = sum(one.attempts for one in slices)
    print(
        f"{attempts} of {given.attempts} attempts in {len(slices)} runs, "
        f"{sum(sum(one.kills.values()) for one in slices)} kills, stops and restarts: "
        f"{sum(len(one.wrong) for one in slices)} wrong, "
        f"{sum(len(one.twice) for one in slices)} twice, "
        f"{sum(one.hangs for one in slices)} hangs, "
        f"{sum(one.left_over for one in slices)} left over, "
        f"{sum(len(one.said) for one in slices)} lines of workers that nobody caused"
    )
    if not all(one.is_clean for one in slices):
        return 1
    return 0 if attempts >= given.attempts else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
