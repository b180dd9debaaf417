"""What waiting costs: --detach, --max-wait, a failure seen by `tail` or by a hook, a large status.

    python -m tests.benchmarks.bench_async [rounds] [detach|max-wait|tail|wake|status ...]

Each figure stands beside peers that are measured in turns with it: the start of an interpreter, of
this command, of what `--detach` imports; a parent that waits for the same shell. In milliseconds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.processes import opened_by
from tests.helpers.waiting import PATIENCE_S, wait_until

COMMAND = [sys.executable, "-m", "vibeguard"]
INTERPRETER = [sys.executable, "-c", "pass"]
VERSION = [*COMMAND, "--version"]
IMPORTS = [sys.executable, "-c", "import trio, msgspec, yaml, cyclopts"]
IDENTITY = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@vibeguard.invalid")
ROUNDS = 30
FILES = 1000
MAX_WAIT_S = 1.0
# Budgets in seconds: a failure is seen, and a bounded wait is over, at most so much later.
SEEN_WITHIN_S = 0.3
OVERRUN_S = 0.1
# A check that waits until it is told to fail, and says when it did.
FAILING = "read line < fifo; date +%s.%N > t; exit 1"


def took_s(argv: list[str], folder: Path) -> float:
    """Wall time of one command, to the end of file of its output."""
    began = time.monotonic()
    subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, check=False)
    return time.monotonic() - began


def percentile(seconds: list[float], part: int) -> float:
    """The value that `part` percent of these do not exceed (nearest rank)."""
    ranked = sorted(seconds)
    return ranked[max(-(-len(ranked) * part // 100), 1) - 1]


def show(name: str, seconds: list[float], budget_s: float | None = None) -> None:
    """One row; with a budget, whether the 99th percentile keeps it."""
    figures = (statistics.median(seconds), percentile(seconds, 99), max(seconds))
    row = " ".join(f"{figure * 1000:8.1f}" for figure in figures)
    said = ""
    if budget_s is not None:
        kept = "kept" if figures[1] <= budget_s else "EXCEEDED"
        said = f"  budget {budget_s * 1000:.0f}: {kept}"
    print(f"{name:52} {row} {len(seconds):5}{said}", flush=True)


def head(title: str) -> None:
    """The heading of one table."""
    print(f"\n{title:52} {'p50':>8} {'p99':>8} {'worst':>8} {'n':>5}")


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """A folder whose runs are cancelled, and waited for, before it goes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            end_runs(folder)


def end_runs(folder: Path) -> None:
    """Cancel the latest run and wait for its end: the next measurement has the machine to itself."""
    vibeguard("cancel", cwd=folder)
    vibeguard("wait", cwd=folder)


def config_of(number: int) -> str:
    """A long check in the background; another number is another run, which joins no earlier one."""
    return f"checks: [{{id: a, run: 'sleep 60 # {number}', async: true}}]\n"


def in_turns(cases: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each case, measured in turns so that noise hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, measure in cases.items():
            found[name].append(measure(number))
    return found


def detach(rounds: int) -> None:
    """`run --detach` until it has returned: in a git repository with many files, and outside git."""
    with (
        folder_of_its_own() as empty,
        folder_of_its_own() as outside,
        folder_of_its_own() as inside,
    ):
        for folder in (outside, inside):
            fill(folder)
        git("init", "-q", cwd=inside)
        git("add", "-A", cwd=inside)
        git(*IDENTITY, "commit", "-q", "-m", "Start", cwd=inside)
        cases: dict[str, Callable[[int], float]] = {
            "python -c pass": lambda _: took_s(INTERPRETER, empty),
            "vibeguard --version": lambda _: took_s(VERSION, empty),
            "the imports of a run alone": lambda _: took_s(IMPORTS, empty),
            "run --detach, one file": lambda number: detached_s(empty, number),
            f"run --detach, {FILES} files, no git": lambda number: detached_s(outside, number),
            f"run --detach, {FILES} files in git": lambda number: detached_s(inside, number),
        }
        found = in_turns(cases, rounds)
    head("return of run --detach")
    for name, seconds in found.items():
        show(name, seconds)


def fill(folder: Path) -> None:
    """Files as a project has them: small, in a few folders."""
    for number in range(FILES):
        path = folder / f"part{number % 20}" / f"file{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 40)


def detached_s(folder: Path, number: int) -> float:
    """Seconds until `run --detach` has returned; the run is over when this returns."""
    project(folder, config_of(number))
    seconds = took_s([*COMMAND, "run", "--detach"], folder)
    end_runs(folder)
    return seconds


def max_wait(rounds: int) -> None:
    """How much later than asked `run --max-wait` returns, from the start of its process."""
    with folder_of_its_own() as folder:
        cases: dict[str, Callable[[int], float]] = {
            "python -c pass": lambda _: took_s(INTERPRETER, folder),
            "vibeguard --version": lambda _: took_s(VERSION, folder),
            "overrun": lambda number: overrun_s(folder, number),
        }
        found = in_turns(cases, rounds)
    head(f"run --max-wait {MAX_WAIT_S:.0f}s")
    overruns = found.pop("overrun")
    for name, seconds in found.items():
        show(name, seconds)
    show("overrun, from the start of the process", overruns, OVERRUN_S)
    for name, seconds in found.items():
        beyond = [over - start for over, start in zip(overruns, seconds, strict=True)]
        show(f"overrun beyond {name}", beyond)


def overrun_s(folder: Path, number: int) -> float:
    """Seconds beyond the time that was asked for; the run is over when this returns."""
    project(folder, config_of(number))
    waited = took_s([*COMMAND, "run", "--max-wait", f"{MAX_WAIT_S:.0f}s"], folder)
    end_runs(folder)
    return waited - MAX_WAIT_S


def tail(rounds: int) -> None:
    """From a check's failure to the line that names it, in another process that follows the run."""
    with folder_of_its_own() as folder:
        os.mkfifo(folder / "fifo")
        cases: dict[str, Callable[[int], float]] = {
            "a parent that waits for the same shell": lambda _: noticed_s(folder),
            "tail --format agent": lambda number: seen_s(folder, number),
        }
        found = in_turns(cases, rounds)
    head("from a failure to its being seen")
    show("a parent that waits for the same shell", found["a parent that waits for the same shell"])
    show("tail --format agent", found["tail --format agent"], SEEN_WITHIN_S)


def noticed_s(folder: Path) -> float:
    """The peer: what the end of the shell and the noticing of it take at least."""
    with subprocess.Popen(["sh", "-c", FAILING], cwd=folder) as shell:
        (folder / "fifo").write_text("fail\n")
        shell.wait(PATIENCE_S)
        return time.time() - float((folder / "t").read_text())


def seen_s(folder: Path, number: int) -> float:
    """Seconds from the failure of a detached run's check to its first line in a `tail`."""
    project(folder, f"checks: [{{id: late, run: '{FAILING} # {number}', timeout: 10m}}]\n")
    run = vibeguard("run", "--detach", cwd=folder).stdout.strip()
    argv = [*COMMAND, "tail", run, "--format", "agent"]
    with subprocess.Popen(
        argv, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    ) as reader:
        until_it_listens(reader.pid)
        # Opening it waits until the check reads.
        (folder / "fifo").write_text("fail\n")
        assert reader.stdout is not None
        for line in reader.stdout:
            if line.startswith("FAILED late"):
                break
        else:
            raise SystemExit("the tail ended without the failure")
        seen = time.time()
        reader.communicate(timeout=PATIENCE_S)
    return seen - float((folder / "t").read_text())


def wake(rounds: int) -> None:
    """From a background failure to exit 2 with the text, as it wakes an agent; silence while green."""
    with folder_of_its_own() as folder:
        os.mkfifo(folder / "fifo")
        cases: dict[str, Callable[[int], float]] = {
            "a parent that waits for the same shell": lambda _: noticed_s(folder),
            "wait --notify": lambda number: woken_s(folder, number, []),
            "hook wake claude": lambda number: woken_s(folder, -number - 1, ["hook"]),
        }
        found = in_turns(cases, rounds)
    head("from a background failure to exit 2 with its text")
    for name, seconds in found.items():
        budget = None if name.startswith("a parent") else SEEN_WITHIN_S
        show(name, seconds, budget)
    with folder_of_its_own() as folder:
        project(folder, "checks: [{id: late, run: 'sleep 0.5', async: true}, {id: a, run: ':'}]\n")
        run = vibeguard("run", "--detach", cwd=folder).stdout.strip()
        green = vibeguard("wait", run, "--notify", cwd=folder)
        print(
            f"bytes while green: {len(green.stdout) + len(green.stderr)}, exit {green.returncode}"
        )


def woken_s(folder: Path, number: int, through: list[str]) -> float:
    """Seconds from the failure of a background check to the end of the command that tells it."""
    checks = f"{{id: late, run: '{FAILING} # {number}', async: true}}, {{id: quick, run: ':'}}"
    project(folder, f"checks: [{checks}]\n")
    if through:
        argv = [*COMMAND, "hook", "wake", "claude"]
    else:
        run = vibeguard("run", "--detach", cwd=folder).stdout.strip()
        argv = [*COMMAND, "wait", run, "--notify"]
    with subprocess.Popen(
        argv,
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stdin is not None
        # A session of its own: one and the same is told a few times in a row, and then let go.
        waiting.stdin.write(f'{{"session_id": "{number}"}}')
        waiting.stdin.close()
        waiting.stdin = None
        wait_until(
            lambda: only_the_background_is_left(folder) and listens(waiting.pid),
            "nobody listened to the log",
        )
        (folder / "fifo").write_text("fail\n")
        _, said = waiting.communicate(timeout=PATIENCE_S)
        ended = time.time()
    if waiting.returncode != 2 or "FAILED late" not in said:
        raise SystemExit(f"not woken: exit {waiting.returncode}: {said}")
    return ended - float((folder / "t").read_text())


def only_the_background_is_left(folder: Path) -> bool:
    """Whether the newest run says that its foreground has settled: only then the hook tells."""
    logs = sorted((folder / ".vibeguard" / "runs").glob("*/events.jsonl"))
    return bool(logs) and b"run.foreground_settled" in logs[-1].read_bytes()


def listens(pid: int) -> bool:
    """Whether the process, or the one that it waits for, waits for changes of a log."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return any("anon_inode:inotify" in opened_by(each) for each in (pid, *map(int, children)))
    except FileNotFoundError:
        return False  # a child has ended meanwhile


def until_it_listens(pid: int) -> None:
    """Until the reader waits for changes: its start-up is not what is measured."""
    listens = "anon_inode:inotify"
    wait_until(lambda: listens in opened_by(pid), "the tail never listened to the log")


def status(rounds: int) -> None:
    """`status` of a live run of 10,000 checks, beside the start of the command and an empty run."""
    with folder_of_its_own() as small, folder_of_its_own() as large:
        project(small, config_of(0))
        checks = "".join(f"  - {{id: c{n}, run: 'sleep 60'}}\n" for n in range(10_000))
        project(large, f"checks:\n{checks}")
        for folder in (small, large):
            took_s([*COMMAND, "run", "--detach"], folder)
        cases: dict[str, Callable[[int], float]] = {
            "vibeguard --version": lambda _: took_s(VERSION, small),
            "status of 1 check": lambda _: took_s([*COMMAND, "status"], small),
            "status of 10,000 checks": lambda _: took_s([*COMMAND, "status"], large),
        }
        found = in_turns(cases, rounds)
    head("status of a live run")
    for name, seconds in found.items():
        show(name, seconds)


TABLES = {"detach": detach, "max-wait": max_wait, "tail": tail, "wake": wake, "status": status}


def main() -> None:
    """Print the tables that were asked for, or all."""
    words = sys.argv[1:]
    rounds = int(words.pop(0)) if words and words[0].isdigit() else ROUNDS
    unknown = set(words) - set(TABLES)
    if unknown:
        raise SystemExit(f"no such table: {', '.join(sorted(unknown))}; there are {[*TABLES]}")
    for name in words or TABLES:
        TABLES[name](rounds)


if __name__ == "__main__":
    main()
