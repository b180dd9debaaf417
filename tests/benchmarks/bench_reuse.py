"""What it costs to reuse everything, beside `git status` and the import floor of the same round.

    python -m tests.benchmarks.bench_reuse [FILES]

A repository of 10,000 tracked files in 100 folders and three checks over all of them. `run --reuse` finds each of
them recorded; `run --fresh` runs them (`true`), which says what a run costs that takes down keys and
proves records; with `--record-tree` it reads every byte at its start and at its end, too. The moment itself (walk, match, signatures, digest) is timed in one process, too.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench_run import FLOOR, VIBEGUARD, alternate, seconds, table
from tests.helpers.command import environment, git

FILES = 10_000
CHECKS = """
version: "1"
checks:
  - {id: a, run: "true", reuse: true, inputs: ["**/*.py"], tools: []}
  - {id: b, run: "true", reuse: true, inputs: ["**/*.py"], tools: [], requires: [a]}
  - {id: c, run: "true", reuse: true, inputs: ["d1*/*.py"], tools: []}
"""
# The same subject as a run has it, the answer dropped; printed in seconds.
MOMENT = """
import time, sys
sys.argv = ["vibeguard", "explain", "a", "--json"]
from vibeguard.commands import explain
from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.loading import load
from vibeguard.commands.options import GlobalOptions
from vibeguard.system.reuse.moment import Moment
common = GlobalOptions()
subject = explain._subject(load(common), state_dir_of_runs(common))
Moment(subject).of("a")
began = time.perf_counter()
Moment(subject).of("a")
print(time.perf_counter() - began)
"""


MANY = 300
LASTS_S = 0.2


def many_checks() -> str:
    """As many checks, each over one file of its own; what runs lasts a while once `slow` is there."""
    run = f"test ! -e .git/slow || sleep {LASTS_S}"
    lines = [
        f'  - {{id: c{n}, run: "{run}", reuse: true, inputs: [d{n % 100}/f{n}.py], tools: []}}'
        for n in range(MANY)
    ]
    return "\n".join(['version: "1"', "checks:", *lines, ""])


def one_touched(folder: Path) -> float:
    """A run of which one check has to run; seconds."""
    (folder / "d7" / "f7.py").write_text(f"print({time.monotonic_ns()})\n")
    return seconds((*VIBEGUARD, "run", "--reuse"), folder)


def repository(folder: Path, count: int, checks: str = CHECKS) -> Path:
    """Tracked files, committed, with an index that git need not refresh."""
    folder.mkdir()
    (folder / "vibeguard.yaml").write_text(checks)
    for number in range(count):
        path = folder / f"d{number % 100}" / f"f{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"print({number})\n")
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "all", cwd=folder)
    time.sleep(1.1)  # git reads files again that are as young as its index
    git("status", cwd=folder)
    return folder


def moment(folder: Path) -> float:
    """One look at everything, start-up apart."""
    done = subprocess.run(
        (sys.executable, "-c", MOMENT),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main(count: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = repository(Path(scratch) / "p", count)
        seconds((*VIBEGUARD, "run"), folder)
        many = repository(Path(scratch) / "m", count, many_checks())
        seconds((*VIBEGUARD, "run"), many)
        (many / ".git" / "slow").touch()
        figures = alternate(
            {
                "git status": lambda: seconds(("git", "status"), folder),
                "floor": lambda: seconds(FLOOR, folder),
                "reuse": lambda: seconds((*VIBEGUARD, "run", "--reuse"), folder),
                "fresh": lambda: seconds((*VIBEGUARD, "run", "--fresh"), folder),
                "tree": lambda: seconds((*VIBEGUARD, "run", "--fresh", "--record-tree"), folder),
                "explain": lambda: seconds((*VIBEGUARD, "explain", "a"), folder),
                "moment": lambda: moment(folder),
                "touched": lambda: one_touched(many),
                "check": lambda: seconds(("sleep", str(LASTS_S)), many),
            },
            rounds=5,
        )
    bound = 1.5 * figures["git status"] + figures["floor"]
    with_check = bound + figures["check"]
    table(
        f"everything reused over {count} files",
        [
            ("git status", figures["git status"], ""),
            ("import floor", figures["floor"], ""),
            ("1.5 x git status + import floor", bound, ""),
            (
                "run --reuse, all reused",
                figures["reuse"],
                f"{figures['reuse'] / bound:5.2f} x that",
            ),
            ("run --fresh, recorded", figures["fresh"], f"{figures['fresh'] / bound:5.2f} x that"),
            ("with --record-tree", figures["tree"], f"{figures['tree'] / bound:5.2f} x that"),
            (
                f"1 of {MANY} touched",
                figures["touched"],
                f"{figures['touched'] / with_check:5.2f} x that + the check",
            ),
            ("explain a", figures["explain"], f"{figures['explain'] / bound:5.2f} x that"),
            (
                "one moment",
                figures["moment"],
                f"{figures['moment'] / figures['git status']:5.2f} x git status",
            ),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else FILES)
