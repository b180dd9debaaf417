"""What a check on a worker costs, beside the same check here in the same round.

    python -m tests.benchmarks.bench_pool [no-ops|serial|output|latency|one|end|tree|paper] ...

no-ops   200 checks that run `true` on 8 slots; and without the folder that each attempt gets
serial   one after the other: from queued to settled, the middle one
output   100 MB of output, and what worker and broker hold in memory at most
latency  how long a written line takes to be in the run's folder
one      a whole run of one check
end      Ctrl-C: until the tree is gone. A stopped worker, lease 2 s: until gone, until told
tree     5,000 files, 27 of them changed: capturing them, and the first start
paper    what the broker is asked by an attempt, an idle worker and a busy one, and so by 1,000 workers

One real broker, real workers, all on this machine. The middle of the rounds counts.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.bench_run import alternate
from tests.helpers.brokers import Server, broker
from tests.helpers.command import environment
from tests.helpers.pools import Pool, WorkerProcess, git, project, repository
from tests.helpers.running import running
from tests.helpers.waiting import is_gone, wait_until
from vibeguard.core.model.events import CheckQueued, CheckSettled, CheckStarted, CheckSubmitted
from vibeguard.system.journal.reader import read_log
from vibeguard.system.pool.shipment import begin_capture
from vibeguard.system.rundir.ids import run_folder, run_ids

ROUNDS = 3
# A worker whose attempts share nothing but get an empty folder, for the cost of the real one.
WITHOUT_FOLDERS = """
import os
from vibeguard.system.worker.folders import Folders
async def arrive(folders, source): pass
async def make(folders, source, path): os.mkdir(path)
Folders.arrive, Folders.make = arrive, make
from vibeguard.cli import command
command()
"""


def say(name: str, here: float, there: float, unit: str = "ms") -> None:
    """One row: here, on a worker, the ratio."""
    print(f"  {name:<44} {here:9.1f} {unit}  {there:9.1f} {unit}  {there / here:6.2f} x")


class Bench:
    """A pool with one worker of eight slots, and one whose attempts have no folders."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.pool = Pool(server, folder)
        self.source = repository(folder / "source")
        self._made = 0

    def clone(self, checks: str, **settings: str) -> Path:
        self._made += 1
        place = self.folder / f"project{self._made}"
        place.mkdir()
        return project(self.pool, self.source, place, checks, **{"lease": "10s", **settings})

    def run(self, folder: Path, *flags: str) -> float:
        """A whole run; seconds."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "vibeguard", "run", *flags],
            cwd=folder,
            env=environment(**self.pool.variables),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            crashes = [path.read_text() for path in folder.glob(".vibeguard/runs/*/*traceback*")]
            raise AssertionError("\n".join([done.stderr.decode(), *crashes]))
        return time.perf_counter() - began

    def pair(
        self, folder: Path, measure: Callable[..., float] | None = None
    ) -> tuple[float, float]:
        """The middle of some rounds here and on the worker, in milliseconds."""
        measure = measure or self.run
        found = alternate(
            {"here": lambda: measure(folder, "--local"), "there": lambda: measure(folder)}, ROUNDS
        )
        return found["here"] * 1000, found["there"] * 1000

    def in_run(self, folder: Path, *flags: str) -> float:
        """Seconds from the first start to the last settlement, so without start-up and seal."""
        self.run(folder, *flags)
        times = [e.t for e in events(folder) if isinstance(e, CheckQueued | CheckSettled)]
        return (max(times) - min(times)) / 1e9


def events(folder: Path) -> list:
    """The events of the newest run."""
    state = str(folder / ".vibeguard")
    found: list = []
    read_log(run_folder(state, run_ids(state)[-1]), found.append)
    return found


def no_op_checks(count: int, labels: str = "") -> str:
    where = f"where: {{labels: [{labels}]}}"
    return "".join(f"  - {{id: c{n}, run: 'true', {where}}}\n" for n in range(count))


def no_ops(bench: Bench) -> None:
    more = "  parallel: 8"
    here, there = bench.pair(bench.clone(no_op_checks(200), more=more), bench.in_run)
    say("200 no-ops on 8 slots", here, there)
    with bench.pool.worker(
        bench.source, "--label", "bare", name="bare", slots=8, program=WITHOUT_FOLDERS
    ):
        folder = bench.clone(no_op_checks(200, "bare"), more=more)
        here, there = bench.pair(folder, bench.in_run)
        say("  without the folder of each attempt", here, there)


def serial(bench: Bench) -> None:
    def measure(folder: Path, *flags: str) -> float:
        bench.run(folder, *flags)
        queued: dict[str, int] = {}
        took = []
        previous = 0
        for event in events(folder):
            if isinstance(event, CheckQueued):
                queued[event.check] = event.t
            elif isinstance(event, CheckSettled):
                took.append(event.t - max(queued[event.check], previous))
                previous = event.t
        return statistics.median(took) / 1e9

    for labels, name in (("", "serial, a check"), ("bare", "  without its folder")):
        checks = no_op_checks(30, labels)
        folder = bench.clone(checks, more="  parallel: 1")
        config = (
            (folder / "vibeguard.yaml").read_text().replace("insecure: ", "slots: 1, insecure: ")
        )
        (folder / "vibeguard.yaml").write_text(config)
        if labels:
            with bench.pool.worker(
                bench.source, "--label", labels, name="bare", program=WITHOUT_FOLDERS
            ):
                say(name, *bench.pair(folder, measure))
        else:
            say(name, *bench.pair(folder, measure))


def output(bench: Bench) -> None:
    check = "  - {{id: a, run: 'head -c 100000000 /dev/zero', where: {{labels: [{}]}}}}"
    with bench.pool.worker(bench.source, "--label", "fat", name="fat") as fat:
        before = most_memory(fat.worker)
        say("100 MB of output", *bench.pair(bench.clone(check.format("fat")), bench.in_run))
        after = most_memory(fat.worker)
    with bench.pool.worker(bench.source, "--label", "bare", name="bare", program=WITHOUT_FOLDERS):
        say("  without its folder", *bench.pair(bench.clone(check.format("bare")), bench.in_run))
    print(f"  {'worker, most memory before and after':<44} {before:9.1f} MiB {after:9.1f} MiB")
    peak = bench.server.command("INFO", "memory").decode().partition("used_memory_peak:")[2]
    print(f"  {'broker, most memory':<44} {int(peak.split()[0]) / 2**20:9.1f} MiB")


def most_memory(pid: int) -> float:
    """The most memory that a process has had, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def latency(bench: Bench) -> None:
    loop = "for i in $(seq 40); do date +%s%N; sleep 0.05; done"

    def measure(*flags: str) -> float:
        folder = bench.clone(f"  - {{id: a, run: '{loop}', where: {{}}}}")  # its only run
        took: list[float] = []
        with running(folder, "run", *flags, **bench.pool.variables) as run:
            run.wait_for(CheckStarted)
            path = run.run_folder() / "output" / "a.1.log"
            while len(took) < 40:
                lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
                now = time.time_ns()
                whole = [line for line in lines if line.endswith(b"\n")]
                took += [(now - int(line)) / 1e6 for line in whole[len(took) :]]
                time.sleep(0.001)
            run.end()
        return statistics.median(took)

    say("a line of output until it is here", measure("--local"), measure())


def one(bench: Bench) -> None:
    say("a whole run of one no-op", *bench.pair(bench.clone(no_op_checks(1))))


def end(bench: Bench) -> None:
    def started(folder: Path) -> Iterator[int]:
        wait_until(lambda: (folder / "pid").exists() and bool((folder / "pid").read_text()))
        yield int((folder / "pid").read_text())

    def gone_after(folder: Path, *flags: str) -> float:
        mark = folder.parent / "pid"
        mark.unlink(missing_ok=True)
        with running(folder, "run", *flags, **bench.pool.variables) as run:
            pid = next(started(folder.parent))
            began = time.perf_counter()
            os.kill(run.pid, signal.SIGINT)
            wait_until(lambda: is_gone(pid))
            took = time.perf_counter() - began
            run.end()
        return took

    folder = bench.clone("", lease="2s")
    check = f"echo $$ > {folder.parent}/pid; exec sleep 1000"
    text = (folder / "vibeguard.yaml").read_text()
    (folder / "vibeguard.yaml").write_text(
        f"{text}  - {{id: a, run: '{check}', where: {{labels: [end]}}}}\n"
    )
    with bench.pool.worker(bench.source, "--label", "end", name="end") as ends:
        say("Ctrl-C until the tree is gone", *bench.pair(folder, gone_after))
        (folder.parent / "pid").unlink()
        with running(folder, "run", **bench.pool.variables) as run:
            pid = next(started(folder.parent))
            began = time.perf_counter()
            ends.tell(signal.SIGSTOP, to_guardian=False)
            wait_until(lambda: is_gone(pid))
            gone = time.perf_counter() - began
            run.end()
            told = time.perf_counter() - began
    print(f"  {'stopped worker, lease 2 s: gone, told':<44} {gone:9.2f} s   {told:9.2f} s")


def tree(bench: Bench) -> None:
    folder = bench.clone(no_op_checks(1))
    for number in range(5000):
        path = folder / f"d{number % 50}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n" * 20)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "many")
    git(folder, "push", "-q", "origin", "HEAD:refs/heads/many")
    took, starts = [], []
    for turn in range(ROUNDS):
        for number in range(27):
            (folder / "d1" / f"f{1 + 50 * number}").write_text(f"changed {turn}\n")
        began = time.perf_counter()
        shipment = begin_capture(str(folder), os.environb).result()
        took.append(time.perf_counter() - began)
        bench.run(folder)
        [submitted] = [e for e in events(folder) if isinstance(e, CheckSubmitted)]
        [begun] = [e for e in events(folder) if isinstance(e, CheckStarted)]
        starts.append((begun.t - submitted.t) / 1e9)
    sent = len(shipment.pack or b"") / 1024
    print(
        f"  {'5,000 files, 27 changed: captured, sent':<44} {statistics.median(took) * 1000:9.1f} ms  {sent:9.1f} KiB"
    )
    print(f"  {'  first start on a worker of this machine':<44} {statistics.median(starts):9.2f} s")


def paper(bench: Bench) -> None:
    def asked() -> int:
        stats = bench.server.command("INFO", "stats").decode()
        return int(stats.partition("total_commands_processed:")[2].split()[0])

    before = asked()
    time.sleep(5)  # what an idle worker asks in five seconds is the figure
    idle = (asked() - before - 1) / 5
    folder = bench.clone(no_op_checks(200), more="  parallel: 8")
    began, before = time.perf_counter(), asked()
    bench.run(folder)
    took, after = time.perf_counter() - began, asked()
    each = (after - before - idle * took) / 200
    asks = []
    for lasts in (1, 5):
        folder = bench.clone(f"  - {{id: a, run: 'exec sleep {lasts}', where: {{}}}}")
        before = asked()
        bench.run(folder)
        asks.append(asked() - before)
    busy = (asks[1] - asks[0]) / 4
    print(f"  {'commands of an attempt':<44} {each:9.1f}")
    print(f"  {'commands of an idle worker in a second':<44} {idle:9.1f}")
    print(f"  {'commands of a busy one and its run in a second':<44} {busy:9.1f}")
    for every in (10, 60):
        total = 1000 * (busy + each / every)
        name = f"1,000 workers, an attempt each in {every} s"
        print(f"  {name:<44} {total:9.0f} commands a second")


CASES = {
    "no-ops": no_ops,
    "serial": serial,
    "output": output,
    "latency": latency,
    "one": one,
    "end": end,
    "tree": tree,
    "paper": paper,
}


@contextmanager
def warm(folder: Path) -> Iterator[Bench]:
    with broker() as server:
        bench = Bench(folder, server)
        with bench.pool.worker(bench.source, slots=8) as worker:
            assert isinstance(worker, WorkerProcess)
            yield bench


def main(names: list[str]) -> None:
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} CPUs; here, on a worker, ratio")
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as folder, warm(Path(folder)) as bench:
            CASES[name](bench)


if __name__ == "__main__":
    main(sys.argv[1:])
