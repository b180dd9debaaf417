"""What a whole `vibeguard run` costs, beside peers measured in the same round.

    python -m tests.benchmarks.bench_run [startup|no-ops|timeout|scaling] ...

startup  one no-op check, beside the floor: importing trio, msgspec, yaml and cyclopts; and
         `--version`, `report` and `validate`, beside a bare interpreter
no-ops   1,000 and 5,000 checks that run `true` on two slots, start-up apart, beside ninja
timeout  `sleep 8` with a timeout of 1 s, beside timeout(1)
scaling  10,000 checks and 2,500, independent and as a chain: plan, validate, run_virtually (virtual
         time), fold; linear growth is a ratio of 4

Rounds alternate between the peers; the middle one counts.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from glob import glob
from pathlib import Path

from tests.helpers.command import environment
from tests.helpers.virtual import check, plan_of, run_virtually
from vibeguard.core.config.load import load_config
from vibeguard.core.fold.fold import fold
from vibeguard.core.model.events import CheckStarted, Event, RunStarted
from vibeguard.system.journal.reader import read_log

ROUNDS = 7
PYTHON = sys.executable
VIBEGUARD = (PYTHON, "-m", "vibeguard")
FLOOR = (PYTHON, "-c", "import trio, msgspec, yaml, cyclopts")
BARE = (PYTHON, "-c", "pass")


def seconds(argv: tuple[str, ...], cwd: Path) -> float:
    """Wall time of one command. Compiled modules are kept, as an installation has them."""
    env = {k: v for k, v in environment().items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False)
    return time.perf_counter() - began


def alternate(cases: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each case, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for measure in cases.values():
        measure()  # once for the caches
    for _ in range(rounds):
        for name, measure in cases.items():
            times[name].append(measure())
    return {name: statistics.median(values) for name, values in times.items()}


def table(title: str, rows: list[tuple[str, float, str]]) -> None:
    """Print rows of name, milliseconds and a ratio."""
    print(f"\n{title}")
    for name, value, ratio in rows:
        print(f"  {name:<34} {value * 1000:9.1f} ms   {ratio}")


def no_ops(folder: Path, count: int, command: str = "true") -> Path:
    """A folder with `count` checks that run `true` (or so), for VibeGuard and for ninja."""
    folder.mkdir()
    names = [f"c{number}" for number in range(count)]
    checks = "".join(f"  - {{id: {name}, run: '{command}'}}\n" for name in names)
    (folder / "vibeguard.yaml").write_text(f"checks:\n{checks}")
    builds = "".join(f"build {name}: t\n" for name in names)
    every = " ".join(names)
    (folder / "build.ninja").write_text(
        f"rule t\n  command = {command}\n{builds}build all: phony {every}\ndefault all\n"
    )
    return folder


def until_first_check(folder: Path) -> float:
    """Seconds from the command to the start of its first check, by the log; that one fails."""
    began_ns = time.monotonic_ns()
    seconds((*VIBEGUARD, "run", "--fail-fast"), folder)
    events: list[Event] = []
    read_log(max(glob(f"{folder}/.vibeguard/runs/2*")), events.append)
    start_ns = next(event.monotonic_ns for event in events if isinstance(event, RunStarted))
    first = next(event for event in events if isinstance(event, CheckStarted))
    return (start_ns + first.t - began_ns) / 1e9


def startup(folder: Path) -> None:
    one = no_ops(folder / "one", 1)
    figures = alternate(
        {
            "bare": lambda: seconds(BARE, one),
            "floor": lambda: seconds(FLOOR, one),
            "--version": lambda: seconds((*VIBEGUARD, "--version"), one),
            "run": lambda: seconds((*VIBEGUARD, "run"), one),
            "report": lambda: seconds((*VIBEGUARD, "report"), one),
            "validate": lambda: seconds((*VIBEGUARD, "validate"), one),
            "run --detach": lambda: seconds((*VIBEGUARD, "run", "--detach"), one),
        }
    )
    rows = [("bare interpreter", figures["bare"], ""), ("import floor", figures["floor"], "")]
    rows.append(("--version", figures["--version"], _ratio(figures, "--version", "bare")))
    beside_floor = ("run", "report", "validate", "run --detach")
    rows.extend((name, figures[name], _ratio(figures, name, "floor")) for name in beside_floor)
    table("start-up", rows)


def no_op_checks(folder: Path) -> None:
    if shutil.which("ninja") is None:
        print("no-ops: ninja is not installed")
        return
    one = no_ops(folder / "single", 1)
    for count in (1000, 5000):
        many = no_ops(folder / str(count), count)
        figures = alternate(
            {
                "ninja": lambda many=many: seconds(("ninja", "-j2"), many),
                "vibeguard": lambda many=many: seconds((*VIBEGUARD, "run", "-p2"), many),
                "one": lambda: seconds((*VIBEGUARD, "run", "-p2"), one),
            },
            rounds=3,
        )
        figures["apart"] = figures["vibeguard"] - figures["one"]
        table(
            f"{count} no-op checks on 2 slots",
            [
                ("ninja -j2", figures["ninja"], ""),
                ("vibeguard run -p2", figures["vibeguard"], _ratio(figures, "vibeguard", "ninja")),
                ("the same, start-up apart", figures["apart"], _ratio(figures, "apart", "ninja")),
            ],
        )


def scaling(_: Path) -> None:
    shapes = {
        "independent": lambda n: [check(f"c{i}") for i in range(n)],
        "a chain": lambda n: [check("c0"), *(check(f"c{i}", f"c{i - 1}") for i in range(1, n))],
    }
    for shape, make in shapes.items():
        figures = {count: _stages(make(count)) for count in (2500, 10_000)}
        rows = [
            (f"{stage} 10,000", figures[10_000][stage], _grown(figures, stage))
            for stage in figures[2500]
        ]
        table(f"scaling, {shape} (4.0 is linear)", rows)


def _stages(checks) -> dict[str, float]:
    lines = "".join(
        f"  - {{id: {c.id}, run: ':', requires: [{', '.join(r.check for r in c.requires)}]}}\n"
        for c in checks
    )
    data = f"checks:\n{lines}".encode()
    figures: dict[str, float] = {}

    def timed(stage: str, action: Callable[[], object]) -> object:
        began = time.perf_counter()
        result = action()
        figures[stage] = time.perf_counter() - began
        return result

    timed("validate", lambda: load_config(data, "vibeguard.yaml"))
    plan = timed("plan", lambda: plan_of(checks))
    run = timed("run_virtually", lambda: run_virtually(checks, {}, plan=plan, audited=False))
    timed("fold", lambda: fold(run.events))
    return figures


def _ratio(figures: dict[str, float], name: str, peer: str) -> str:
    return f"{figures[name] / figures[peer]:5.2f} x {peer}"


def _grown(figures: dict[int, dict[str, float]], stage: str) -> str:
    return f"{figures[10_000][stage] / figures[2500][stage]:5.2f} x 2,500"


def timeout(folder: Path) -> None:
    """`sleep 8` under a timeout of 1 s, beside timeout(1); start-up apart."""
    if shutil.which("timeout") is None:
        print("timeout: timeout(1) is not installed")
        return
    one = no_ops(folder / "quick", 1)
    slow = folder / "slow"
    slow.mkdir()
    (slow / "vibeguard.yaml").write_text("checks: [{id: a, run: sleep 8, timeout: 1s}]")
    figures = alternate(
        {
            "timeout(1)": lambda: seconds(("timeout", "1", "sh", "-c", "sleep 8; true"), slow),
            "vibeguard": lambda: seconds((*VIBEGUARD, "run"), slow),
            "one": lambda: seconds((*VIBEGUARD, "run"), one),
        },
        rounds=3,
    )
    figures["apart"] = figures["vibeguard"] - figures["one"]
    table(
        "sleep 8 with a timeout of 1 s",
        [
            ("timeout 1 sh -c 'sleep 8; true'", figures["timeout(1)"], ""),
            (
                "vibeguard run, start-up apart",
                figures["apart"],
                _ratio(figures, "apart", "timeout(1)"),
            ),
        ],
    )


TABLES = {"timeout": timeout, "startup": startup, "no-ops": no_op_checks, "scaling": scaling}


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TABLES:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            TABLES[wanted](Path(temporary))
