"""Configs of a megabyte that once cost much, and what one costs the real command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MEGABYTE = 1_000_000
CHECK = "checks:\n  - id: a\n    run: x\n"


class Cost(NamedTuple):
    """What `validate` took: CPU of the whole process, its peak of memory, what it said."""

    cpu_s: float
    memory_mb: float
    exit_code: int
    said: str
    written: int


# Linux counts into a process's peak of memory what the process was that turned into it by exec: here
# a test worker of any size. So a small process starts the command, and says what it took.
_LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
with open("usage", "w") as file:
    print(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=file)
"""


def cost_of(data: bytes, folder: Path, verb: str = "validate") -> Cost:
    """Validate a config in a process of its own, or do something else with it."""
    (folder / "vibeguard.yaml").write_bytes(data)
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        command = [sys.executable, "-m", "vibeguard", verb]
        argv = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
        subprocess.run(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=True
        )
    exit_code, cpu_s, peak_kb = (folder / "usage").read_text().split()
    said = (folder / "err").read_text(encoding="utf-8")
    written = (folder / "out").stat().st_size + len(said)
    return Cost(float(cpu_s), int(peak_kb) / 1024, int(exit_code), said[:2000], written)


def repeated(row: Callable[[int], str], before: str = "", after: str = "") -> bytes:
    """A config filled up to a megabyte with whole rows: one that is cut is a mistake of YAML."""
    parts = [before]
    size = len(before) + len(after)
    while size + len(one_more := row(len(parts) - 1)) <= MEGABYTE:
        parts.append(one_more)
        size += len(one_more)
    return "".join((*parts, after)).encode()


def one(key: str, piece: str, times: int) -> bytes:
    """A check with one long text."""
    return f"{CHECK}    {key}: '{piece * times}'\n".encode()


def checks(rest: str) -> bytes:
    """Many checks; `#` in the rest is the number of the check."""
    return repeated(
        lambda n: f"  - {{id: c{n}, run: x, {rest.replace('#', str(n))}}}\n", "checks:\n"
    )


def chain(length: int) -> bytes:
    """Variables that use the next one."""
    rows = "".join(f"  v{n}: '{{{{.v{n + 1}}}}}'\n" for n in range(length))
    return f"vars:\n{rows}{CHECK}".encode()


def many_variables(count: int) -> bytes:
    """Variables, and a text that uses each of them."""
    rows = "".join(f"  v{n}: x\n" for n in range(count))
    used = "".join(f"{{{{.v{n}}}}}" for n in range(count))
    return f"vars:\n{rows}{CHECK}    fix: '{used}'\n".encode()


# Each named in a report of what was slow, or found by the search below.
KNOWN: dict[str, Callable[[], bytes]] = {
    "a quotation in a class that never closes": lambda: one("grok", r"\Qa\E", 28).replace(
        rb"'\Q", rb"'[\Q", 1
    ),
    "names of classes that never close": lambda: one("grok", "[[:", 800),
    "brackets": lambda: one("grok", "[", 20_000),
    "brackets of YAML": lambda: b"a: " + b"[" * 20_000,
    "a mistake at the end": lambda: repeated(lambda n: f"  - {{id: c{n}}}\n", "checks:\n", "]"),
    "a bracket that never closes": lambda: b"a: [" + b"x, " * 333_000,
    "classes of Unicode": lambda: one("grok", r"\pL", 100_000),
    "classes of Unicode, repeated": lambda: checks(r"grok: '\pL{1000}#'"),
    "large patterns": lambda: one("grok", "%{IPORHOST}", 8_000),
    "many large patterns": lambda: checks("grok: '%{IPORHOST}#'"),
    "many small patterns": lambda: checks("grok: '%{NUMBER:a}#'"),
    "names beyond what a pattern may hold": lambda: checks(f"grok: '{'%{URI}' * 60}#'"),
    "an unknown name behind a large pattern": lambda: checks(f"grok: '{'%{URI}' * 40}%{{NO}}#'"),
    "a mistake behind a long variable": lambda: repeated(
        lambda n: f"  - {{id: c{n}, run: x, assert: '{{{{.v}}}}) {n}'}}\n",
        f"vars: {{v: {'1+' * 16_000}}}\nchecks:\n",
    ),
    "optional pieces": lambda: checks("grok: '(?:a{0,1000}b)#'"),
    "unknown patterns": lambda: repeated(
        lambda n: f"      - '%{{NOPE{n}}}'\n", f"{CHECK}    grok:\n"
    ),
    "unknown keys": lambda: repeated(lambda n: f"    k{n}: 1\n", CHECK),
    "unknown requirements": lambda: repeated(
        lambda n: f"  - {{id: check{n}, run: x, requires: [chek{n}]}}\n", "checks:\n"
    ),
    "the same key": lambda: repeated(lambda _: "    k: 1\n", CHECK),
    "shared tags": lambda: repeated(
        lambda n: f"  - {{id: c{n}, run: x, tags: *m}}\n",
        "x-m: &m [" + "a, " * 40 + "]\nchecks:\n",
    ),
    "shared requirements": lambda: repeated(
        lambda n: f"  - {{id: c{n}, run: x, requires: *m}}\n",
        "x-m: &m [" + ", ".join(f"c{n}" for n in range(50)) + "]\nchecks:\n",
    ),
    "checks that are none": lambda: b"checks: [" + b"x, " * 300_000 + b"]",
    "a chain of variables": lambda: chain(30_000),
    "many variables": lambda: many_variables(25_000),
    "many variables of a template": lambda: repeated(
        lambda n: f"{{{{$v{n} := 1}}}}", f"{CHECK}    fix: '", "'"
    ),
    "negations": lambda: one("assert", "!", MEGABYTE - 100),
    "sums": lambda: one("assert", "1+", 400_000),
    "long texts from one variable": lambda: repeated(
        lambda n: f"  - {{id: c{n}, run: '{{{{.v}}}}'}}\n",
        f"vars: {{v: {'x' * 500_000}}}\nchecks:\n",
    ),
    "patterns of names": lambda: repeated(
        lambda n: f"      - '[a-z]{n}'\n", f"{CHECK}    outputs:\n"
    ),
    "empty lists": lambda: b"x-a: [" + b"[]," * 330_000 + b"]\n" + CHECK.encode(),
    "documents": lambda: b"---\na: 1\n" * 110_000,
    "references that never close": lambda: (
        b"vars: {v: '" + b"{{." * 300_000 + b"'}\n" + CHECK.encode()
    ),
    "references that never close beside a mistake": lambda: checks(
        f"grok: '{'{{.' * 10_000}#', timeot: 1s"
    ),
    "what may go on in the background": lambda: repeated(
        lambda _: "docker run ", "checks:\n  - id: a\n    run: '", "'\n"
    ),
    "ignored keys in one line": lambda: repeated(
        lambda n: f"{{id: c{n}, run: x, owner: me}}, ", "checks: [", "]\n"
    ),
    "a valid config": lambda: checks("tags: [a], timeout: 2m"),
}
