"""Start-up of commands against a bare interpreter, measured in turns so that noise hits all alike.

python tests/benchmarks/bench_start_up.py [rounds]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
CONFIG = "checks: [{id: a, run: 'true'}]\n"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "--version (console script)": ["-c", "from vibeguard.cli import main; main(['--version'])"],
    "--version (python -m)": ["-m", "vibeguard", "--version"],
    "import cyclopts": ["-c", "import cyclopts"],
    "import trio": ["-c", "import trio"],
    "list": ["-m", "vibeguard", "list"],
    "validate": ["-m", "vibeguard", "validate"],
    "--help": ["-m", "vibeguard", "--help"],
    "run (one no-op check)": ["-m", "vibeguard", "run"],
}


def seconds(arguments: list[str], folder: str) -> float:
    """How long one process takes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=True
    )
    return time.perf_counter() - began


def main() -> None:
    """Print best and median of each, and the ratio of the medians to a bare interpreter."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vibeguard.yaml").write_text(CONFIG)
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, arguments in COMMANDS.items():
                times[name].append(seconds(arguments, folder))
    bare = median(times["python -c pass"])
    print(f"{'command':28} {'best ms':>8} {'median ms':>10} {'x bare':>7}")
    for name, taken in times.items():
        print(
            f"{name:28} {min(taken) * 1000:8.1f} {median(taken) * 1000:10.1f} {median(taken) / bare:7.2f}"
        )


if __name__ == "__main__":
    main()
