"""What a config may cost: any of a megabyte answers within 2 s of CPU and 300 MB (DESIGN section 2)."""

import lzma
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.costly import KNOWN, MEGABYTE, Cost, cost_of

KEPT = Path(__file__).parent / "costly"
MOST_CPU_S = 2.0
MOST_MEMORY_MB = 300
MOST_SAID = 400_000  # characters: two hundred mistakes with their lines
PIECES = (
    "- ", "  ", "\n", "checks:\n", "  - id: a\n", "    run: x\n", "    grok: '", "    assert: '",
    "    fix: '", "    tags: [", "    requires: [", "    on: {failure: [", "vars:\n", "  v: '{{.w}}'\n",
    "  w: '{{.v}}'\n", "{{.v}}", "{{.", "}}", "&a ", "*a", "*a, ", "<<: *a\n", "[", "]", "{", "}", ",",
    "'", '"', "|\n", "a, ", "a: b\n", "? ", ": ", "%{IPORHOST}", "%{URI:a}", "%{NOPE}", "(?i)", r"\pL",
    "[[:", r"\Q", r"\E", "(a|b)*", "{1000}", "{0,1000}", "(", ")", "!", "-", "a &&", "\t", "# c\n",
    "---\n", "!!str ", "é", "\U0001f600", "timeot: 1\n", "timeout: 5\n", "async: true\n",
)  # fmt: skip


def every_fourth(values: Iterable[Any]) -> list[Any]:
    """A fourth of them in the quick suite, all of them at night: each takes up to two seconds."""
    return [
        pytest.param(value, marks=[pytest.mark.nightly] if number % 4 else [])
        for number, value in enumerate(values)
    ]


def check_cost(data: bytes, folder: Path, *words: str) -> None:
    """Within the bar, and an answer. Of three looks the least: a busy machine adds to each."""
    costs: list[Cost] = []
    while len(costs) < 3 and not any(cost.cpu_s < MOST_CPU_S for cost in costs):
        costs.append(cost_of(data, folder, *words))
    cost = min(costs, key=lambda cost: cost.cpu_s)
    assert cost.exit_code in (0, 2), cost.said
    assert cost.cpu_s < MOST_CPU_S
    assert cost.memory_mb < MOST_MEMORY_MB
    assert cost.written < MOST_SAID


@pytest.mark.slow  # a megabyte of each, through the real command
@pytest.mark.parametrize("name", every_fourth(KNOWN))
def test_what_once_cost_much_costs_little(name: str, tmp_path: Path) -> None:
    """The whole command, Python's start included."""
    data = KNOWN[name]()
    assert len(data) <= MEGABYTE + 1000
    check_cost(data, tmp_path)


@pytest.mark.slow  # a megabyte of each, through the real command
@pytest.mark.parametrize(
    "kept", every_fourth(sorted(KEPT.glob("*.yaml.xz"))), ids=lambda path: path.stem
)
def test_the_dearest_that_a_search_has_found_stay_within_the_bar(
    kept: Path, tmp_path: Path
) -> None:
    """Of an hour of the search below: the eight that cost most, and the two that were beyond the bar.

    The name is the seed. 5,410 configs, 3.6 GB, on 2026-11-28.
    """
    check_cost(lzma.decompress(kept.read_bytes()), tmp_path)


@pytest.mark.slow  # a megabyte of each, through the real command
@pytest.mark.parametrize(
    "name",
    every_fourth(
        [
            "what may go on in the background",
            "ignored keys in one line",
            "unknown keys",
            "a chain of variables",
            "references that never close",
            "checks that are none",
        ]
    ),
)
def test_migrate_says_as_much_as_somebody_reads(name: str, tmp_path: Path) -> None:
    """Those of which every row is a difference; the others end at the same places as above."""
    check_cost(KNOWN[name](), tmp_path, "migrate")


def repeated_pieces(chance: random.Random) -> bytes:
    """A few pieces, one or two of them repeated until the config is large."""
    parts = ["checks:\n  - id: a\n    run: x\n"] if chance.random() < 0.6 else []
    for _ in range(chance.randint(1, 4)):
        row = "".join(chance.choices(PIECES, k=chance.randint(1, 6)))
        parts.append(row * chance.choice((1, 1, 10, 1000, MEGABYTE // len(row.encode()))))
    return "".join(parts).encode()[:MEGABYTE]


TEXTS = ("run", "grok", "assert", "suggestion", "fix", "group", "file", "cwd")
LISTS = ("grok", "tags", "requires", "inputs", "files", "tools", "env_inputs")
MAPPINGS = ("env", "on", "results", "expect", "where")
VALUES = (
    "x", "{{.v}}", "{{$a := 1}}", "{{if .v}}", "{{end}}", "%{NUMBER:a}", "%{IPORHOST}", "(a|b)*", "[[ ", "((", "$(",
    "a && ", "!", "(", ")", "1+", "&> ", "**/", "[a-", "{a,b}", "\\Q", "\\pL", "(?P<n>", "{1,9}", "é", "5", "=", " ",
    "&lt;", "1h", "<<A ", ".*", "|", "-", "c1", "p",
)  # fmt: skip


def shaped(chance: random.Random) -> bytes:
    """A config that YAML can read, with large values: what comes behind the syntax is reached."""

    def text() -> str:
        row = "".join(chance.choices(VALUES, k=chance.randint(1, 3)))
        return "'" + row * chance.choice((1, 3, 30, 1000, 20_000)) + "'"

    def value(key: str) -> str:
        if key in MAPPINGS:
            return "{" + ", ".join(f"K{n}: 'x'" for n in range(chance.choice((1, 9, 999)))) + "}"
        if key not in LISTS or (key in TEXTS and chance.random() < 0.5):
            return text()
        one = chance.choice(("a", "c1", text()))
        return "[" + ", ".join([one] * chance.choice((1, 9, 999 if len(one) < 999 else 9))) + "]"

    head = f"x-m: &m {text()}\nvars: {{v: {text()}, w: '{{{{.v}}}}{{{{.v}}}}'}}\n"
    keys = chance.sample(TEXTS, chance.randint(1, 3))
    keys += chance.sample(chance.choice((LISTS, MAPPINGS)), chance.randint(0, 2))
    keys = list(dict.fromkeys(keys))
    parts, size = [head, "checks:\n"], len(head.encode())
    shared = {key: value(key) for key in keys}
    while size < MEGABYTE:
        own = {key: shared[key] if chance.random() < 0.9 else value(key) for key in keys}
        rows = "".join(f"    {key}: {one}\n" for key, one in own.items())
        parts.append(f"  - id: c{len(parts)}\n" + ("" if "run" in own else "    run: x\n") + rows)
        size += len(parts[-1].encode())
    return "".join(parts[:-1] if len(parts) > 3 else parts).encode()[:MEGABYTE]


@pytest.mark.nightly  # five hundred megabytes
@pytest.mark.parametrize("make", [repeated_pieces, shaped])
@pytest.mark.parametrize("seed", [random.SystemRandom().randrange(10**9) for _ in range(5)])
def test_nothing_that_chance_finds_costs_much(
    seed: int, make: Callable[[random.Random], bytes], tmp_path: Path
) -> None:
    """A search for cost, not for crashes: the seed is in the test's name."""
    chance = random.Random(seed)
    for _ in range(50):
        check_cost(make(chance), tmp_path)
