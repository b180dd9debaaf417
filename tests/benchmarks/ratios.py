"""One table of all ratios: what we take beside a peer in the same round, and the machine's noise.

    python -m tests.benchmarks.ratios [--rounds N] [AREA ...]

A round measures the peer, us, the peer again: the ratio is ours to the mean of the two, and how
much the two differ is the noise of the machine. The middle of the rounds counts, with the least and
the most beside it. A ratio means something where the noise is small against its distance to the budget.
Nothing here is a verdict; docs/performance.md shows a table with its date and machine.
"""

import argparse
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio
import yaml
from msgspec import Struct

from tests.benchmarks import (
    bench_async,
    bench_config,
    bench_log,
    bench_pool,
    bench_reuse,
    bench_spawn,
    bench_staged,
    bench_watch,
)
from tests.benchmarks.bench_run import BARE, FLOOR, VIBEGUARD, no_ops, seconds, until_first_check
from tests.helpers.command import git
from vibeguard.core.config.load import load_config
from vibeguard.system.journal.reader import open_state

ROUNDS = 10
IMPORTS = "import of trio, msgspec, yaml, cyclopts"
Measure = Callable[[], float]


class Pair(Struct, frozen=True):
    """One row: what is measured, beside what, and the ratio that is allowed (0: none is said)."""

    name: str
    ours: Measure
    peer: str
    theirs: Measure
    budget: float = 0
    rounds: int = ROUNDS


def timed(work: Callable[[], object]) -> Measure:
    """Seconds that some work in this process takes."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def start_up(folder: Path) -> Iterator[Pair]:
    """Whole processes beside the import of what they are made of."""
    one = no_ops(folder / "one", 1)
    seconds((*VIBEGUARD, "run"), one)
    many = no_ops(folder / "many", 10_000)

    def command(name: str, budget: float = 0, where: Path = one, rounds: int = ROUNDS) -> Pair:
        words = (*VIBEGUARD, *name.split())
        return Pair(name, lambda: seconds(words, where), IMPORTS, floor, budget, rounds)

    def floor() -> float:
        return seconds(FLOOR, one)

    version = (*VIBEGUARD, "--version")
    bare = partial(seconds, BARE, one)
    yield Pair("--version", partial(seconds, version, one), "python -c pass", bare, 2.0)
    yield command("validate", 0.5)
    yield command("report", 0.45)
    yield command("status", 0.45)
    yield command("hook failures")
    yield command("run", 0.8)
    yield command("run --detach")
    validate = (*VIBEGUARD, "validate")
    name = "validate, 10,000 checks"
    yield Pair(name, lambda: seconds(validate, many), IMPORTS, floor, rounds=5)
    failing = no_ops(folder / "failing", 10_000, "false")
    name = "run, 10,000 checks: to the first one's start"
    yield Pair(name, lambda: until_first_check(failing), IMPORTS, floor, rounds=5)


def no_op_checks(folder: Path) -> Iterator[Pair]:
    """Checks that run `true`, start-up and seal included."""
    if shutil.which("ninja") is None:
        return
    for count, rounds in ((1000, ROUNDS), (5000, 5)):
        many = no_ops(folder / str(count), count)
        yield Pair(
            f"{count:,} no-op checks, run -p2",
            lambda many=many: seconds((*VIBEGUARD, "run", "-p2"), many),
            "ninja -j2",
            lambda many=many: seconds(("ninja", "-j2"), many),
            1.7,
            rounds,
        )


def processes(folder: Path) -> Iterator[Pair]:
    """A thousand commands through the executor, without a run around them."""
    yield Pair(
        "1,000 commands, the executor alone",
        timed(lambda: trio.run(bench_spawn.executor_loop, str(folder))),
        "posix_spawn and pidfd under Trio",
        timed(lambda: trio.run(bench_spawn.bare_loop)),
        1.3,
    )


def reuse(folder: Path) -> Iterator[Pair]:
    """Everything reused, of one check and over 10,000 files."""
    one = folder / "reused"
    one.mkdir()
    check = "{id: a, run: 'true', reuse: true, inputs: [vibeguard.yaml], tools: []}"
    (one / "vibeguard.yaml").write_text(f"checks: [{check}]\n")
    git("init", "-q", cwd=one)
    git("add", "-A", cwd=one)
    git(*bench_async.IDENTITY, "commit", "-qm", "x", cwd=one)
    words = (*VIBEGUARD, "run", "--reuse")
    seconds(words, one)
    floor = partial(seconds, FLOOR, one)
    yield Pair("run --reuse, one check reused", partial(seconds, words, one), IMPORTS, floor, 0.6)
    large = bench_reuse.repository(folder / "large", 10_000)
    seconds((*VIBEGUARD, "run"), large)

    def bound() -> float:
        return 1.5 * seconds(("git", "status"), large) + seconds(FLOOR, large)

    name = "run --reuse, all reused over 10,000 files"
    yield Pair(name, lambda: seconds(words, large), "1.5 git status + imports", bound, 1.0, 5)
    many = bench_reuse.repository(folder / "many", 10_000, bench_reuse.many_checks())
    seconds((*VIBEGUARD, "run"), many)
    (many / ".git" / "slow").touch()

    def with_check() -> float:
        return bound() + seconds(("sleep", str(bench_reuse.LASTS_S)), many)

    name = f"run --reuse, 1 of {bench_reuse.MANY} checks touched"
    yield Pair(
        name, lambda: bench_reuse.one_touched(many), "that, and the check", with_check, 1.0, 5
    )


def config(_: Path) -> Iterator[Pair]:
    """Reading a large config."""
    data = bench_config.config(10_000)
    yield Pair(
        "load a config of 10,000 checks",
        timed(lambda: load_config(data, "f")),
        "PyYAML's SafeLoader, data alone",
        timed(lambda: yaml.load(data, yaml.SafeLoader)),
        0.1,
        3,
    )


def log(folder: Path) -> Iterator[Pair]:
    """A million events, read, held against their digest, decoded and folded."""
    path = str(folder / "events.jsonl")
    bench_log.write_stamped(path, bench_log.events_of(attempts=250))

    ours = timed(lambda: open_state(path))
    yield Pair(
        "replay of a million events",
        ours,
        "decoding them",
        timed(partial(bench_log.by_chunk, path)),
        2.5,
        5,
    )


def staged(folder: Path) -> Iterator[Pair]:
    """5,000 files laid out as they are staged."""
    repository = str(folder / "repository")
    os.mkdir(repository)
    bench_staged.make_repository(repository, 5_000)
    places = iter(range(1_000))

    def checkout() -> float:
        prefix = f"--prefix={folder}/out{next(places)}/"
        return bench_staged.timed("checkout-index", "-a", prefix, cwd=repository)

    def lay_out() -> float:
        return bench_staged.in_child(lambda: bench_staged.lay_out(repository))[0]

    yield Pair("lay out what is staged, 5,000 files", lay_out, "checkout-index -a", checkout, 2, 5)


def watch(folder: Path) -> Iterator[Pair]:
    """From a save to the first red, beside the check alone."""
    git("init", "-q", cwd=folder)
    (folder / "vibeguard.yaml").write_text(bench_watch.CONFIG)
    (folder / "code").write_text("good")
    watched = bench_watch.Watched(folder)
    watched.until(bench_watch.GREEN)

    def red() -> float:
        time.sleep(0.3)  # at rest, as it is when somebody has thought about what to save
        began = time.perf_counter()
        (folder / "code").write_text("bad")
        taken = watched.until(bench_watch.RED) - began
        watched.until(b"1 failed")
        (folder / "code").write_text("good")
        watched.until(bench_watch.GREEN)
        return taken

    alone = ("sh", "-c", bench_watch.CHECK)
    name = "watch: from a save to the first red"
    yield Pair(name, red, "the check alone", lambda: seconds(alone, folder))
    watched.process.terminate()
    watched.process.wait()


def wake(folder: Path) -> Iterator[Pair]:
    """From a background failure to an agent that is awake, start-up of the hook apart."""
    os.mkfifo(folder / "fifo")
    numbers = iter(range(1_000_000))
    yield Pair(
        "wait --notify: from a failure to exit 2",
        lambda: bench_async.woken_s(folder, next(numbers), []),
        "a parent waits for the same shell",
        lambda: bench_async.noticed_s(folder),
        rounds=5,
    )


def pool(folder: Path) -> Iterator[Pair]:
    """The same checks on a worker on this machine and here."""
    if shutil.which("redis-server") is None and shutil.which("valkey-server") is None:
        return
    with bench_pool.warm(folder) as bench:
        for count, rounds in ((1, 5), (200, 3)):
            where = bench.clone(bench_pool.no_op_checks(count), more="  parallel: 8")
            yield Pair(
                f"{count} no-op check{'s' * (count > 1)} on a worker",
                lambda where=where: bench.run(where),
                "run --local",
                lambda where=where: bench.run(where, "--local"),
                rounds=rounds,
            )


AREAS: dict[str, Callable[[Path], Iterator[Pair]]] = {
    "start-up": start_up,
    "no-ops": no_op_checks,
    "processes": processes,
    "reuse": reuse,
    "config": config,
    "log": log,
    "staged": staged,
    "watch": watch,
    "wake": wake,
    "pool": pool,
}


def row(pair: Pair, rounds: int | None) -> str:
    """Measure a pair; a line of the table."""
    pair.theirs(), pair.ours()  # once for the caches
    taken = []
    for _ in range(rounds or pair.rounds):
        before, ours, after = pair.theirs(), pair.ours(), pair.theirs()
        taken.append((ours, (before + after) / 2, abs(before - after) / (before + after) * 2))
    ratios = [ours / theirs for ours, theirs, _ in taken]
    ours, theirs, noise = (statistics.median(column) for column in zip(*taken, strict=True))
    cells = (
        pair.name,
        f"{ours * 1000:.0f}",
        pair.peer,
        f"{theirs * 1000:.0f}",
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"{noise:.0%}",
        f"{pair.budget:g}" if pair.budget else "",
    )
    return "| " + " | ".join(cells) + " |"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


def main() -> None:
    """Print the table, a row when it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument("--rounds", type=int, help="of each row")
    asked = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, ",
        end="",
    )
    print(f"Linux {platform.release()}, Python {platform.python_version()}\n")
    print("| what | ms | beside | ms | ratio | least to most | noise | budget |")
    print("|---|---:|---|---:|---:|---|---:|---:|")
    for name in asked.areas or AREAS:
        with scratch() as folder:
            for pair in AREAS[name](folder):
                print(row(pair, asked.rounds), flush=True)


if __name__ == "__main__":
    main()
