"""`python -m tests.simulation --count 1000 --seed 0`: run histories, print those that went wrong.

`--seed` is the number of the first. `--count 1 --verbose` prints a history and its log; with more of
them, `--verbose` prints how often each fault struck and each kind of event came.
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.drawing import history_of
from tests.simulation.oracles import findings
from tests.simulation.outcome import Outcome
from tests.simulation.world import run_history


def check(seed: int) -> list[str]:
    """What is wrong with the history of this number."""
    return run_history(history_of(seed), findings)


def check_each(seeds: range) -> tuple[list[tuple[int, list[str]]], Counter[str]]:
    """Those that went wrong, with what is wrong, and how often each fault and event was there."""
    reached: Counter[str] = Counter()

    def look(outcome: Outcome) -> list[str]:
        reached.update(outcome.kernel.reached)
        return findings(outcome)

    wrong = [(seed, found) for seed in seeds if (found := run_history(history_of(seed), look))]
    return wrong, reached


def _show(seed: int) -> bool:
    history = history_of(seed)
    print(history)

    def look(outcome: Outcome) -> list[str]:
        print(outcome.log.decode("utf-8", "replace"))
        print(f"exit {outcome.exit_code} after {outcome.elapsed_s:.3f} s {outcome.failure}")
        return findings(outcome)

    found = run_history(history, look)
    print("\n".join(found) or "nothing is wrong")
    return not found


def main() -> int:
    """The number of histories that went wrong, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--first", action="store_true", help="end with the first that went wrong")
    options = parser.parse_args()
    if options.verbose and options.count == 1:
        return 0 if _show(options.seed) else 1
    began, wrong = time.monotonic(), 0
    reached: Counter[str] = Counter()
    last = options.seed + options.count
    parts = [range(at, min(at + 20, last)) for at in range(options.seed, last, 20)]
    with ProcessPoolExecutor(options.jobs) as pool:
        for found_wrong, counts in pool.map(check_each, parts):
            reached.update(counts)
            for seed, found in found_wrong:
                wrong += 1
                print(f"history {seed}:", *found, sep="\n  ", flush=True)
                if options.first:
                    pool.shutdown(wait=False, cancel_futures=True)
                    return 1
    took_s = time.monotonic() - began
    if options.verbose:
        print(*(f"{count:8} {what}" for what, count in sorted(reached.items())), sep="\n")
    print(f"{options.count} histories from {options.seed} on in {took_s:.0f} s: {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
