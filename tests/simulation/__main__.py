"""`python -m tests.simulation --count 1000 --seed 0`: run histories, print those that went wrong.

`--seed` is the number of the first. `--count 1 --verbose` prints a history and its log; with more of
them, `--verbose` prints how often each fault struck and each kind of event came.
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256

from tests.simulation.drawing import history_of
from tests.simulation.oracles import findings
from tests.simulation.outcome import Outcome
from tests.simulation.stand_ins import FOLDER
from tests.simulation.world import run_history

AT_A_TIME = 20
# One more than there are processors: a history waits now and then, for a fork, or for a thread.
JOBS = (os.cpu_count() or 1) + 1

Wrong = list[tuple[int, list[str]]]


def check(seed: int) -> list[str]:
    """What is wrong with the history of this number."""
    return run_history(history_of(seed), findings)


def check_each(seeds: range) -> tuple[Wrong, Counter[str]]:
    """Those that went wrong, with what is wrong, and how often each fault and event was there."""
    reached: Counter[str] = Counter()

    def look(outcome: Outcome) -> list[str]:
        reached.update(outcome.kernel.reached)
        return findings(outcome)

    wrong = [(seed, found) for seed in seeds if (found := run_history(history_of(seed), look))]
    return wrong, reached


def check_many(seeds: range, jobs: int = JOBS) -> Iterator[tuple[Wrong, Counter[str]]]:
    """The same in several processes, a few histories after the other."""
    parts = [seeds[at : at + AT_A_TIME] for at in range(0, len(seeds), AT_A_TIME)]
    if jobs == 1:
        yield from map(check_each, parts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(check_each, parts)
        finally:
            pool.shutdown(cancel_futures=True)


def what_was_done(outcome: Outcome) -> list[str]:
    """The log and all that was asked of the kernel as one short text, the same in every process.

    Messages may name the folder, which is another one in each, and the seal counts them in.
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(outcome.folder))).encode()
    lines = outcome.log.replace(root, FOLDER).split(b"\n")
    digest = sha256(b"\n".join(line for line in lines if b'"log.sealed"' not in line))
    digest.update(b"%d %d" % (outcome.kernel.calls, outcome.kernel.now_ns))
    return [digest.hexdigest()]


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


def _report(seeds: range, jobs: int, *, first: bool, verbose: bool) -> bool:
    began, wrong = time.monotonic(), []
    reached: Counter[str] = Counter()
    for found_wrong, counts in check_many(seeds, jobs):
        reached.update(counts)
        for seed, found in found_wrong:
            wrong.append(str(seed))
            print(f"history {seed}:", *found, sep="\n  ", flush=True)
            if first:
                return False
    took_s = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    each_ms = 1000 * sum(each.ru_utime + each.ru_stime for each in used) / len(seeds)
    if verbose:
        print(*(f"{count:8} {what}" for what, count in sorted(reached.items())), sep="\n")
    print(f"{len(seeds)} histories from {seeds[0]} on in {took_s:.0f} s: {len(wrong)} went wrong")
    print(f"{len(seeds) / took_s:.0f} a second; {each_ms:.0f} ms of a processor each")
    if wrong:
        again = "again: python -m tests.simulation --count 1 --verbose --seed"
        print(*(f"{again} {seed}" for seed in wrong), sep="\n")
    return not wrong


def main() -> int:
    """1 where a history went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--first", action="store_true", help="end with the first that went wrong")
    parser.add_argument("--digests", action="store_true", help="only print what each came to")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    if options.digests:
        print(*(run_history(history_of(seed), what_was_done) for seed in seeds), sep="\n")
        return 0
    if options.verbose and options.count == 1:
        return 0 if _show(options.seed) else 1
    well = _report(seeds, options.jobs, first=options.first, verbose=options.verbose)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
