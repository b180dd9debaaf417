"""Where the time of checks that do nothing goes, layer by layer, each beside ninja in the same round.

    python -m tests.benchmarks.bench_floor [COUNT]

COUNT commands (5,000) on two slots. Each layer does what the one above it does, and more:

spawn             posix_spawn, pidfd, poll and wait in a plain loop: what Python and the kernel cost
under Trio        the same with a task a command: the floor for whatever is built on Trio
executor          with an output file, its digest and the proof that nothing is left
run               the whole command: scheduler, fold, log, limits, judging, front

Each runs in a process of its own; the middle of the rounds counts. `CPU` is that of all processes,
the commands' too: on two slots of two cores, half of it is the least that the wall can be. Beneath
stands what single parts of a run cost each check, each taken alone.
"""

import glob
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import trio

from tests.benchmarks import bench_spawn
from tests.benchmarks.bench_run import VIBEGUARD, no_ops
from tests.helpers.command import environment
from tests.helpers.virtual import check, plan_of, run_virtually
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import make_view
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import read_log
from vibeguard.system.journal.writer import Journal
from vibeguard.system.process.spawn import RESET_SIGNALS
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.supervisor.recorder import Recorder

ROUNDS = 3
SLOTS = bench_spawn.SLOTS


def plain_loop(commands: int) -> None:
    """Two at a time, without Trio."""
    poller, running, left = select.poll(), {}, commands
    while left or running:
        while left and len(running) < SLOTS:
            left -= 1
            pid = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", "true"],
                os.environ,
                setsid=True,
                setsigdef=RESET_SIGNALS,
                setsigmask=(),
            )
            descriptor = os.pidfd_open(pid)
            running[descriptor] = pid
            poller.register(descriptor, select.POLLIN)
        for descriptor, _ in poller.poll():
            poller.unregister(descriptor)
            os.close(descriptor)
            os.wait4(running.pop(descriptor), 0)


def whole_run(folder: Path) -> None:
    command = (*VIBEGUARD, "run", "-p2")
    subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)


def ninja(folder: Path) -> None:
    subprocess.run(("ninja", f"-j{SLOTS}"), cwd=folder, stdout=subprocess.DEVNULL, check=True)


def in_a_child(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall time, and of processor time with that of all that the child started."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        before, began = bench_spawn.cpu_s(), time.perf_counter()
        work()
        wall = time.perf_counter() - began
        os.write(write_end, f"{wall} {bench_spawn.cpu_s() - before}".encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    with open(read_end, "rb") as answers:
        wall, cpu = map(float, answers.read().split())
    return wall, cpu


def layers(folder: Path, commands: int) -> None:
    """The table of layers."""
    bench_spawn.COMMANDS = commands
    contestants: dict[str, Callable[[], object]] = {
        "ninja -j2": partial(ninja, folder),
        "spawn": partial(plain_loop, commands),
        "under Trio": lambda: trio.run(bench_spawn.bare_loop),
        "executor": lambda: trio.run(bench_spawn.executor_loop, str(folder)),
        "run": partial(whole_run, folder),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            taken[name].append(in_a_child(work))
    peer = statistics.median(wall for wall, _ in taken["ninja -j2"])
    walls = [wall for wall, _ in taken["ninja -j2"]]
    print(
        f"{commands} times `sh -c true` on {SLOTS} slots, noise {max(walls) / min(walls) - 1:.0%}"
    )
    print("| layer | wall, us each | beside ninja | CPU, us each |")
    print("|---|---:|---:|---:|")
    for name, pairs in taken.items():
        wall = statistics.median(wall for wall, _ in pairs)
        cpu = statistics.median(cpu for _, cpu in pairs)
        each = 1e6 / commands
        print(f"| {name} | {wall * each:.0f} | {wall / peer:.2f} | {cpu * each:.0f} |")


def cpu_us(work: Callable[[], object], checks: int) -> str:
    """Processor time of the quickest of three, for each check."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return f"{min(found) / checks * 1e6:.0f}"


def record_all(state_dir: str, events: list[Event]) -> None:
    """Stamp, fold, encode, write and hash."""
    seconds = count()
    clock: Callable[[], int] = lambda: next(seconds) * 10**9  # noqa: E731 - no run was as slow
    journal = Journal(state_dir, now_ns=time.time_ns(), clock=clock)
    recorder = Recorder(journal, clock)
    for event in events:
        recorder.record(event)
    journal.close()


def show_all(run: str) -> None:
    """What a front does with a log, in pieces as small as it sees them."""
    view = make_view("text", format_options(run_folder=run), Output(may_be_lost=True), live=False)
    follower = Follower(run, at_once=0)
    while view.read(follower):
        pass
    follower.close()


def files(folder: Path, checks: int) -> None:
    """An output file for each check, as the executor makes it."""
    made = tempfile.mkdtemp(dir=folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for number in range(checks):
        os.close(os.open(f"{made}/c{number}.1.log", flags, 0o600))


def parts(folder: Path, commands: int) -> None:
    """What is measured alone."""
    run = max(glob.glob(f"{folder}/.vibeguard/runs/2*"))
    events: list[Event] = []
    read_log(run, events.append)
    unsealed = [event for event in events if not isinstance(event, LogSealed)]
    checks = [check(f"c{number}") for number in range(commands)]
    plan = plan_of(checks)
    state_dir = state_folder(f"{tempfile.mkdtemp(dir=folder)}/.vibeguard", create=True)
    rows: dict[str, Callable[[], object]] = {
        "scheduler, tasks of Trio and fold, on virtual time": lambda: run_virtually(
            checks, {}, plan=plan, audited=False
        ),
        "its events: stamp, fold, write, hash": lambda: record_all(state_dir, unsealed),
        "an output file": lambda: files(folder, commands),
        "front: read, fold, show": lambda: show_all(run),
    }
    print("\n| part | CPU, us each check |")
    print("|---|---:|")
    for name, work in rows.items():
        print(f"| {name} | {cpu_us(work, commands)} |", flush=True)


def main() -> None:
    """Print both tables."""
    commands = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = no_ops(Path(temporary) / "checks", commands)
        layers(folder, commands)
        parts(folder, commands)


if __name__ == "__main__":
    main()
