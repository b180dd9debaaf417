"""What waiting costs: --detach, the overrun of --max-wait, status of a large run.

    python tests/benchmarks/bench_async.py

Each figure stands beside a peer of the same run: a bare `python -c "import trio, ..."`, or the time
that was asked for.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.command import environment

COMMAND = [sys.executable, "-m", "vibeguard"]
FLOOR = [sys.executable, "-c", "import trio, msgspec, yaml, cyclopts"]
ROUNDS = 12
MAX_WAIT_S = 1.0


def took_s(argv: list[str], folder: str) -> float:
    """Wall time of one command, to the end of file of its output."""
    began = time.monotonic()
    subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, check=False)
    return time.monotonic() - began


def show(name: str, seconds: list[float]) -> None:
    """One row: median and worst."""
    row = f"{statistics.median(seconds) * 1000:8.0f} {max(seconds) * 1000:8.0f}"
    print(f"{name:40} {row}")


def main() -> None:
    """Print the table, in milliseconds."""
    print(f"{'':40} {'p50':>8} {'worst':>8}")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "vibeguard.yaml")
        config.write_text("checks: [{id: a, run: 'sleep 3', async: true}]\n")
        show("the imports alone", [took_s(FLOOR, folder) for _ in range(ROUNDS)])
        detached = []
        for number in range(ROUNDS):
            config.write_text(f"checks: [{{id: a, run: 'sleep 3 # {number}', async: true}}]\n")
            detached.append(took_s([*COMMAND, "run", "--detach"], folder))
        show("run --detach", detached)
        overruns = []
        for number in range(ROUNDS):
            config.write_text(f"checks: [{{id: a, run: 'sleep 4 # {number}', async: true}}]\n")
            waited = took_s([*COMMAND, "run", "--max-wait", f"{MAX_WAIT_S:.0f}s"], folder)
            overruns.append(waited - MAX_WAIT_S)
        show("overrun of --max-wait 1s", overruns)
    with tempfile.TemporaryDirectory() as folder:
        checks = "".join(f"  - {{id: c{n}, run: 'sleep 60'}}\n" for n in range(10_000))
        Path(folder, "vibeguard.yaml").write_text(f"checks:\n{checks}")
        took_s([*COMMAND, "run", "--detach"], folder)
        show("status of 10,000 checks", [took_s([*COMMAND, "status"], folder) for _ in range(5)])
        took_s([*COMMAND, "cancel"], folder)
        took_s([*COMMAND, "wait"], folder)


if __name__ == "__main__":
    main()
