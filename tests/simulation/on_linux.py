"""`python -m tests.simulation.on_linux --count 200 --seed 0`: the simulator is held to Linux.

Each history is run twice: by the simulated kernel, and by real processes that do the same. Both
must give each check the same types of events in the same order, the same outcome and reason. The
histories are such that no answer depends on who is quicker: what hangs, hangs for good.
"""

import argparse
import os
import sys
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import Any

from tests.simulation.facts import lines_of
from tests.simulation.history import History
from tests.simulation.unhurried import unhurried_history_of
from tests.simulation.world import launch_of, run_history
from vibeguard.system.channel import OrderReader
from vibeguard.system.clock import wall_ns
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.rundir.control import request
from vibeguard.system.supervisor.run_log import RunLog
from vibeguard.system.supervisor.session import Session


def what_counts(log: bytes) -> dict[str, Any]:
    """The events of each check, and the types of the run's own, which may come in another order."""
    found: dict[str, Any] = {"run": []}
    for event in lines_of(log):
        kind, check = event["type"], event.get("check")
        if kind == "check.settled":
            kind = f"{kind}: {event['outcome']}, {event.get('reason')}"
        if check is not None:
            found.setdefault(check, []).append(kind)
        elif kind not in {"frontier.advanced", "run.weakened"}:
            found["run"].append(kind)
    found["run"].sort()
    return found


def run_really(history: History) -> bytes:
    """The log of the history on this machine."""
    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        os.makedirs(os.path.join(root, ".vibeguard", "runs"), 0o700)
        read_orders, write_orders = os.pipe()
        read_reports, write_reports = os.pipe()
        for descriptor in (read_orders, write_orders, read_reports, write_reports):
            stack.callback(os.close, descriptor)
        launch = launch_of(history, root, dict(os.environb))
        log = RunLog(launch)
        stack.callback(log.close)
        for happening in history.happenings:
            payload = {"check": happening.detail} if happening.detail else {}
            ask = threading.Timer(
                happening.at_s,
                lambda payload=payload: request(log.folder, "cancel", payload, now_ns=wall_ns()),
            )
            ask.start()
            stack.callback(ask.join)
            stack.callback(ask.cancel)
        Session(log, OrderReader(read_orders), write_reports).run()
        kill_descendants(1.0)
        with open(os.path.join(log.folder, "events.jsonl"), "rb") as file:
            return file.read()


def differs(seed: int) -> str:
    """How Linux and the simulation disagree; empty when they do not."""
    history = unhurried_history_of(seed)
    simulated = what_counts(run_history(history, lambda outcome: [outcome.log])[0])
    real = what_counts(run_really(history))
    if simulated == real:
        return ""
    lines = [str(history)]
    for check in sorted({*simulated, *real}):
        if simulated.get(check) != real.get(check):
            lines += [
                f"  {check} simulated {simulated.get(check)}",
                f"  {check} real {real.get(check)}",
            ]
    return "\n".join(lines)


def main() -> int:
    """1 where any history differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.on_linux")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=4, help="at a time: most of it is waiting")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs) as pool:
        found = list(pool.map(differs, range(options.seed, options.seed + options.count)))
    wrong = [each for each in found if each]
    print("\n".join(wrong))
    print(f"{options.count} histories, {len(wrong)} of them are others on Linux")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
