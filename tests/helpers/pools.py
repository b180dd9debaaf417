"""Real workers of a real pool, and the pool's executor as the contract sees it."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import trio

from tests.helpers.brokers import KEY, Server, key_file
from tests.helpers.command import environment, vibeguard
from tests.helpers.executor_worlds import COUNTER, LocalWorld, for_a_worker, make_spec
from tests.helpers.running import Process, start
from tests.helpers.scripted_executor import ScriptedExecutor
from tests.helpers.waiting import PATIENCE_S, wait_until
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import LeakPolicy
from vibeguard.core.pool.address import parse_address
from vibeguard.core.pool.messages import Presence
from vibeguard.system.executors.base import AttemptSpec, Executor
from vibeguard.system.executors.pool import PoolExecutor
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.listing import list_workers
from vibeguard.system.pool.shipment import begin_capture
from vibeguard.system.supervisor.host import sleep_outside


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(), check=True, capture_output=True
    )
    return done.stdout.decode()


def repository(folder: Path, config: str = "") -> Path:
    """A git repository with one commit: a file `tracked`, and the config if there is one."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q")
    (folder / "tracked").write_text("one\n")
    if config:
        (folder / "vibeguard.yaml").write_text(config)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder


CONFIG = """
version: "1"
settings:
  pool: {{name: {pool}, lease: {lease}, queue_timeout: {patience}, insecure: {insecure}}}
{more}
checks:
{checks}
"""


def config_of(pool: str, checks: str, **settings: str) -> str:
    """A config with these checks; `patience`, `lease`, `insecure` and `more` lines of settings.

    The usual lease is one that no busy machine breaks: a test of what is lost gives its own.
    """
    usual = {"patience": "10m", "lease": "30s", "insecure": "false", "more": ""}
    return CONFIG.format(pool=pool, checks=checks, **{**usual, **settings})


def project(pool: "Pool", source: Path, folder: Path, checks: str, **settings: str) -> Path:
    """A clone of the workers' repository with a config that is not committed."""
    git(source, "clone", "-q", str(source), str(folder / "clone"))
    clone = folder / "clone"
    (clone / "vibeguard.yaml").write_text(config_of(pool.name, checks, **settings))
    return clone


def run_cli(folder: Path, *argv: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return vibeguard(*argv, cwd=folder, env=env)


def report(folder: Path) -> dict[str, dict[str, object]]:
    """The checks of the newest run's report document, by id."""
    done = run_cli(folder, "report", "--json")
    return {check["id"]: check for check in json.loads(done.stdout)["checks"]}


class Pool:
    """A pool on a server: its name, its key, its workers' folder."""

    def __init__(self, server: Server, folder: Path, *, name: str = "") -> None:
        self.server = server
        self.folder = folder
        self.name = name or f"pool{os.urandom(4).hex()}"
        self.key = key_file(folder)

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of a run or a worker needs."""
        return {
            "VIBEGUARD_POOL_URL": self.server.url,
            "VIBEGUARD_POOL_KEY_FILE": str(self.key),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def access(self) -> Access:
        return Access(parse_address(self.server.url, insecure=False), self.name, KEY)

    def present(self) -> list[Presence]:
        return list_workers(self.access())

    @contextmanager
    def worker(
        self,
        repository: Path,
        *flags: str,
        name: str = "w1",
        slots: int = 4,
        within: tuple[str, ...] = (),
        program: str = "",
        **env: str,
    ) -> Iterator["WorkerProcess"]:
        """A worker that is there for the block, and ready.

        `within` is what runs its command, `program` Python text that is it in another way.
        """
        process = start(
            self.folder,
            *("worker", "--pool", self.name),
            *("--repository", str(repository), "--name", name, "--slots", str(slots)),
            *flags,
            program=program,
            within=within,
            env={**self.variables, **env},
        )
        started = WorkerProcess(process)
        try:
            wait_until(
                lambda: any(one.name == name for one in self.present()) or started.is_over(),
                "the worker is not there",
            )
            yield started
        finally:
            started.end()


def worker_of(guardian: int) -> int:
    """The pid of the process that works for this guardian: its only child."""
    return int(Path(f"/proc/{guardian}/task/{guardian}/children").read_text().split()[0])


class WorkerProcess:
    """A guardian and its worker."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @property
    def guardian(self) -> int:
        return self.process.pid

    @property
    def worker(self) -> int:
        """The pid of the process that works, which is the guardian's child."""
        return worker_of(self.guardian)

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def tell(self, number: int, *, to_guardian: bool = True) -> None:
        os.kill(self.guardian if to_guardian else self.worker, number)

    def end(self) -> int:
        """SIGTERM twice, so that it does not wait for what runs; its exit code."""
        if not self.is_over():
            with suppress(ProcessLookupError):  # it may be about to end by itself
                for number in (signal.SIGCONT, signal.SIGTERM):
                    self.tell(number)
            try:
                self.process.wait(1.0)
            except subprocess.TimeoutExpired:
                self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


class PoolWorld:
    """Real workers, a real broker, and the executor of one run after the other."""

    def __init__(
        self,
        pool: Pool,
        repository: Path,
        make: type[PoolExecutor] = PoolExecutor,
        *,
        settings: PoolSettings | None = None,
    ) -> None:
        self.pool = pool
        self.settings = settings or PoolSettings(name=pool.name, queue_timeout_ns=60 * 10**9)
        self.shipment = begin_capture(str(repository), os.environb).result()
        self._make = make
        self._folder = tempfile.mkdtemp(prefix="contract-", dir=pool.folder)

    def clock(self) -> None:
        return None

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[Executor]:
        async with trio.open_nursery() as nursery:
            yield self._make(
                self.pool.access(),
                self.settings,
                self.shipment,
                nursery,
                local=ScriptedExecutor({}),
                sleep_outside=sleep_outside,
            ).open()
            nursery.cancel_scope.cancel()

    def spec(
        self,
        behaviour: str,
        *,
        leaks: LeakPolicy = LeakPolicy.WARN,
        command: str = "",
        labels: tuple[str, ...] = (),
    ) -> AttemptSpec:
        number = next(COUNTER)
        spec = make_spec(
            command or LocalWorld.COMMANDS[behaviour], f"{self._folder}/{number}.log", leaks=leaks
        )
        return for_a_worker(
            spec,
            token=os.urandom(16).hex(),
            engine=self.pool.name,
            source=self.shipment.source,
            lease_ns=self.settings.lease_ns,
            labels=labels,
            returned_folder=f"{self._folder}/{number}.d",
        )

    def end(self, left: tuple[ProcessReport, ...]) -> None:
        """Nothing is left there."""
