"""What a process costs, each figure beside peers measured in the same round.

    python tests/benchmarks/bench_spawn.py [spawn|flood|kill] ...

spawn    `sh -c true` a thousand times on two slots: ninja, a bare posix_spawn and pidfd loop under
         Trio, the local executor (with output file, digest and proof that nothing is left), the same
         with a task for each pipe and each pidfd, and trio.run_process
flood    256 MiB of output through the pipe into a file, hashed, against `cat` into a file
kill     a tree of 200 processes until proof of its death

Rounds alternate, and the middle one counts; the CPU time of children is part of `cpu`.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import trio

from tests.helpers.executor_contract import Observer
from tests.helpers.executor_worlds import make_spec
from vibeguard.core.names import LeakPolicy
from vibeguard.system.executors.base import AttemptResult
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.process.reactor import Opening, TaskReactor, open_reactor
from vibeguard.system.process.spawn import RESET_SIGNALS

COMMANDS = 1000
SLOTS = 2
ROUNDS = 5
FLOOD_BYTES = 256 << 20
ENVIRONMENT = dict(os.environb)
PROGRAMS = Path(__file__).parents[1] / "hostile" / "programs.py"


async def on_slots(one: Callable[[], Awaitable[None]]) -> None:
    """Run a thousand of them, two at a time."""
    slots = trio.Semaphore(SLOTS)

    async def with_slot() -> None:
        async with slots:
            await one()

    async with trio.open_nursery() as nursery:
        for _ in range(COMMANDS):
            nursery.start_soon(with_slot)


async def bare_loop() -> None:
    async def one() -> None:
        pid = os.posix_spawn(  # noqa: ASYNC221 - it is what is measured
            "/bin/sh",
            ["sh", "-c", "true"],
            ENVIRONMENT,
            setsid=True,
            setsigdef=RESET_SIGNALS,
            setsigmask=(),
        )
        descriptor = os.pidfd_open(pid)
        await trio.lowlevel.wait_readable(descriptor)
        os.close(descriptor)
        os.wait4(pid, os.WNOHANG)  # noqa: ASYNC222 - it has ended

    await on_slots(one)


async def trio_loop() -> None:
    async def one() -> None:
        await trio.run_process(["sh", "-c", "true"], stdin=subprocess.DEVNULL)

    await on_slots(one)


async def executor_loop(scratch: str, reactor: Opening = open_reactor) -> None:
    """Outputs stay in `scratch`: the next file costs ext4 more where some were removed just now."""
    folder = tempfile.mkdtemp(dir=scratch)
    async with open_local_executor(reactor=reactor) as executor:
        template = make_spec("true", folder, leaks=LeakPolicy.WARN)
        numbers = iter(range(COMMANDS))
        seen = Observer()

        async def one() -> None:
            spec = msgspec.structs.replace(template, output_path=f"{folder}/{next(numbers)}")
            attempt = await executor.start(spec, seen.callbacks)
            await attempt.wait()

        await on_slots(one)


def ninja() -> None:
    with tempfile.TemporaryDirectory() as folder:
        builds = "".join(f"build o{number}: t\n" for number in range(COMMANDS))
        Path(folder, "build.ninja").write_text(f"rule t\n command = true\n{builds}")
        subprocess.run(["ninja", f"-j{SLOTS}", "-C", folder], stdout=subprocess.DEVNULL, check=True)


def cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), cpu_s()
    work()
    return time.perf_counter() - wall, cpu_s() - cpu


def spawn() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _spawn(scratch)


def _spawn(scratch: str) -> None:
    contestants: dict[str, Callable[[], None]] = {
        "bare posix_spawn + pidfd": lambda: trio.run(bare_loop),
        "local executor": lambda: trio.run(executor_loop, scratch),
        "the same, a task a descriptor": lambda: trio.run(executor_loop, scratch, TaskReactor),
        "trio.run_process": lambda: trio.run(trio_loop),
    }
    if shutil.which("ninja"):
        contestants["ninja"] = ninja
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            rounds[name].append(measure(work))
    walls = {name: statistics.median(wall for wall, _ in taken) for name, taken in rounds.items()}
    cpus = {name: statistics.median(cpu for _, cpu in taken) for name, taken in rounds.items()}
    bare_wall, bare_cpu = walls["bare posix_spawn + pidfd"], cpus["bare posix_spawn + pidfd"]
    print(f"{COMMANDS} times `sh -c true` on {SLOTS} slots, median of {ROUNDS}")
    print(f"{'':28}{'wall each':>12}{'x bare':>8}{'cpu each':>12}{'x bare':>8}")
    for name in contestants:
        wall, cpu = walls[name], cpus[name]
        print(
            f"{name:32}{wall / COMMANDS * 1e6:9.0f} us{wall / bare_wall:8.2f}"
            f"{cpu / COMMANDS * 1e6:9.0f} us{cpu / bare_cpu:8.2f}"
        )


async def run_command(command: str, folder: str) -> AttemptResult:
    async with open_local_executor() as executor:
        seen = Observer()
        spec = make_spec(command, f"{folder}/log", leaks=LeakPolicy.WARN)
        attempt = await executor.start(
            msgspec.structs.replace(spec, output_limit_bytes=1 << 40), seen.callbacks
        )
        return await attempt.wait()


def flood() -> None:
    command = f"head -c {FLOOD_BYTES} /dev/zero"
    print(f"{FLOOD_BYTES >> 20} MiB of output into a file")
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            ours, _ = measure(lambda: trio.run(run_command, command, folder))
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            theirs, _ = measure(
                lambda: subprocess.run(f"{command} | cat >{folder}/cat", shell=True, check=True)
            )
        print(f"executor {ours:6.2f} s   cat {theirs:6.2f} s   peak memory grew by {grown} KiB")


async def kill_bomb(folder: str) -> tuple[float, int]:
    async with open_local_executor() as executor:
        seen = Observer()
        command = f"exec {sys.executable} {PROGRAMS} bomb_of_200 1000"
        attempt = await executor.start(
            make_spec(command, f"{folder}/log", leaks=LeakPolicy.WARN), seen.callbacks
        )
        while not attempt.output_bytes:  # noqa: ASYNC110 - the bomb tells nobody else
            await trio.sleep(0.005)
        started = time.perf_counter()
        result = await attempt.terminate(0)
        took = time.perf_counter() - started
        return took, result.swept


def kill() -> None:
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            took, swept = trio.run(kill_bomb, folder)
        print(f"{swept} processes ended, reaped and proved gone in {took * 1e3:.0f} ms")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ["spawn"]:
        {"spawn": spawn, "flood": flood, "kill": kill}[chosen]()
