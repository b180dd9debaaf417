"""How long a config of 10,000 checks takes to load, beside PyYAML's own loaders on the same file.

The promise: under a tenth of the time of PyYAML's pure-Python loader. Run it with
`python -m tests.benchmarks.bench_config [CHECKS]`.
"""

import sys
from collections.abc import Callable
from time import perf_counter

import yaml

from vibeguard.core.config.document import read_document
from vibeguard.core.config.load import load_config
from vibeguard.core.config.source import read_source

CHECK = """\
  - id: check_{n}
    run: pytest -q tests/part_{n}
    requires: [{required}]
    timeout: 12m
    severity: error
    tags: [slow, unit]
    suggestion: "Look at part {n}."
    on: {{failure: "look at it"}}
"""


def config(checks: int) -> bytes:
    """A config with this many checks, each requiring one before it."""
    rows = [CHECK.format(n=n, required=f"check_{n // 2}" if n else "") for n in range(checks)]
    return ("checks:\n" + "".join(rows)).encode()


def seconds(work: Callable[[], object], times: int) -> float:
    """The quickest of a few runs."""
    best = float("inf")
    for _ in range(times):
        start = perf_counter()
        work()
        best = min(best, perf_counter() - start)
    return best


def main(checks: int = 10_000) -> None:
    """Print the table."""
    data = config(checks)
    few = config(checks // 4)
    peer = seconds(lambda: yaml.load(data, yaml.SafeLoader), 1)
    rows = [
        ("PyYAML SafeLoader", peer),
        ("PyYAML CSafeLoader", seconds(lambda: yaml.load(data, yaml.CSafeLoader), 1)),
        ("tree of text nodes", seconds(lambda: read_document(read_source(data, "f")), 3)),
        ("load_config", seconds(lambda: load_config(data, "f"), 3)),
        ("load_config, a quarter", seconds(lambda: load_config(few, "f"), 3)),
    ]
    print(f"{checks} checks, {len(data) / 1e6:.2f} MB")
    for name, taken in rows:
        print(f"{name:<24}{taken:8.3f} s   {taken / peer:6.3f} of SafeLoader")
    print(f"whole : quarter = {rows[-2][1] / rows[-1][1]:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
