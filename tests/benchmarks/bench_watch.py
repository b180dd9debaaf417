"""From a save to the first red of `vibeguard watch`, less the check itself.

python tests/benchmarks/bench_watch.py [rounds] [files]

The budget is 150 ms and the check, which does nothing but fail: what is measured is ours.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
CHECK = "! grep -q bad code"
CONFIG = f"checks: [{{id: unit, run: '{CHECK}'}}]\n"
RED, GREEN = b"FAILED", b"passed"


class Watched:
    """A `vibeguard watch` whose words are read as they come."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vibeguard", "watch"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._unread = b""

    def until(self, word: bytes) -> float:
        """The moment when the word comes; what comes with it is kept for the next."""
        assert self.process.stderr is not None
        while word not in self._unread:
            data = os.read(self.process.stderr.fileno(), 1 << 16)
            assert data, "it has ended"
            self._unread += data
        self._unread = self._unread.partition(word)[2]
        return time.perf_counter()


def main() -> None:
    """Print best, median and worst, and what the check alone takes."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        (folder / "vibeguard.yaml").write_text(CONFIG)
        for number in range(files):
            path = folder / f"d{number % 20}" / f"f{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(str(number))
        (folder / "code").write_text("good")
        watched, taken, alone = Watched(folder), [], []
        watched.until(GREEN)
        for number in range(rounds):
            time.sleep(0.3)  # at rest, as it is when somebody has thought about what to save
            began = time.perf_counter()
            (folder / "code").write_text(f"bad {number}")
            taken.append(watched.until(RED) - began)
            watched.until(b"1 failed")
            (folder / "code").write_text(f"good {number}")
            watched.until(GREEN)
            began = time.perf_counter()
            subprocess.run(["sh", "-c", CHECK], cwd=folder, check=False)
            alone.append(time.perf_counter() - began)
        watched.process.terminate()
        watched.process.wait()
    print(f"{files} files: save to first red, best / median / worst ms:", end=" ")
    print(*(f"{1000 * one:.0f}" for one in (min(taken), median(taken), max(taken))), sep=" / ")
    print(f"the check alone: {1000 * median(alone):.0f} ms")


if __name__ == "__main__":
    main()
