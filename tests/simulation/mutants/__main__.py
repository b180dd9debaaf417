"""`python -m tests.simulation.mutants`: put each fault into a copy of the product, and look.

Each mutant's own history must go wrong with it; for one that no history shows, its test must go
red. Prints the table of docs/mutants.md. `--search 1000` looks for the first history of those that
have neither, `--all --search 1000` for that of each.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.simulation.mutants import (
    Mutant,
    judging,
    logs,
    passes,
    past,
    pools,
    supervision,
    trees,
    turns,
)

ROOT = Path(__file__).parents[3]
HANG_S = 280
AREAS = {
    "trees": trees.MUTANTS,
    "supervision": supervision.MUTANTS,
    "turns": turns.MUTANTS,
    "logs": logs.MUTANTS,
    "passes": passes.MUTANTS,
    "judging": judging.MUTANTS,
    "pools": pools.MUTANTS,
    "past": past.MUTANTS,
}
NOTHING = "NOTHING"


def try_mutant(mutant: Mutant, first: int, count: int) -> str:
    """The row of a mutant: what noticed it, and by which history or test."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        try:
            mutate(mutant, folder)
        except ValueError:
            return f"| {mutant.what} | {NOTHING}: its text does not stand there once | - |"
        if mutant.history is None and not count:
            words = ("pytest", "-x", "-q", "-p", "no:cacheprovider", mutant.test)
            # 1: a test failed; anything else is a test that was not run
            red = bool(mutant.test) and _run(folder, *words).returncode == 1
            noticed = f"`{mutant.test}`" if red else NOTHING
            return f"| {mutant.what} | {noticed}: {mutant.why} | - |"
        numbers = ("--seed", str(first), "--count", str(count or 1))
        done = _run(folder, "tests.simulation", "--jobs", "1", "--first", *numbers)
        found = re.search(r"^history (\d+):\n  (.*)", done.stdout, re.MULTILINE)
        if found is None:
            return f"| {mutant.what} | {NOTHING} {done.stderr.strip()[-200:]} | - |"
        oracle = found[2].split(":")[0].replace("_", " ")
        return f"| {mutant.what} | {oracle} | {found[1]} |"


def mutate(mutant: Mutant, folder: str) -> None:
    """Make a copy of the product with this fault in it, and all that tests need, in the folder."""
    for entry in ROOT.iterdir():
        if entry.name not in {"vibeguard", ".git", ".venv"}:
            Path(folder, entry.name).symlink_to(entry)
    shutil.copytree(ROOT / "vibeguard", Path(folder, "vibeguard"))
    texts = {path: path.read_text("utf-8") for path in Path(folder, "vibeguard").rglob("*.py")}
    (path,) = (path for path, text in texts.items() for _ in range(text.count(mutant.old)))
    path.write_text(texts[path].replace(mutant.old, mutant.new), "utf-8")


def _run(folder: str, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": folder, "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", *words]
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
            timeout=HANG_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "it did not end")


def main() -> int:
    """1 where a mutant goes unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--area", choices=AREAS, help="these alone")
    parser.add_argument("--only", default="", help="mutants whose description holds this")
    parser.add_argument("--search", type=int, default=0, help="so many histories, from --seed on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="search for those that are known, too")
    options = parser.parse_args()
    chosen = [
        mutant
        for area, mutants in AREAS.items()
        for mutant in mutants
        if options.area in {None, area} and options.only in mutant.what
    ]

    def row(mutant: Mutant) -> str:
        if options.search and (options.all or not (mutant.history is not None or mutant.why)):
            return try_mutant(mutant, options.seed, options.search)
        return try_mutant(mutant, mutant.history or 0, 0)

    print("| mutant | noticed by | history |", "|---|---|---|", sep="\n", flush=True)
    unnoticed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(row, chosen):
            unnoticed += NOTHING in line
            print(line, flush=True)
    print(f"\n{len(chosen)} mutants, {unnoticed} of them unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
