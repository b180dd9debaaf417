"""Reports of real tools, and what they hold: see tests/unit/core/results/reports/README.md."""

from functools import partial
from pathlib import Path
from typing import Any

import yaml

from vibeguard.core.model.results import Result
from vibeguard.core.results.base import MakeReader
from vibeguard.core.results.collecting import Collector, Gathered
from vibeguard.core.results.guessing import GUESSERS
from vibeguard.core.results.matchers import MATCHERS
from vibeguard.core.results.paths import Places
from vibeguard.core.results.readers.matching import MatchingReader
from vibeguard.core.results.registry import FORMATS, JSON_TOOLS, maker

HERE = Path(__file__).parents[1] / "unit" / "core" / "results"
TABLE: dict[str, Any] = yaml.safe_load((HERE / "expected.yaml").read_text())
REPORTS: list[dict[str, Any]] = TABLE["reports"]


def report(name: str) -> bytes:
    return (HERE / "reports" / name).read_bytes()


def reader_named(name: str) -> MakeReader:
    kind, _, which = name.partition(" ")
    if kind == "matcher":
        return partial(MatchingReader, MATCHERS[which])
    return GUESSERS[which] if kind == "guess" else maker({**FORMATS, **JSON_TOOLS}[name])


def read(make: MakeReader, data: bytes, *, folder: str = "/repo", chunk: int = 1 << 16) -> Gathered:
    """What a reader finds in bytes that come in chunks; raises UnreadableReport."""
    collector = Collector(Places("/repo", folder, set(TABLE["files"]).__contains__))
    reader = make(collector.add)
    for at in range(0, len(data), chunk):
        reader.feed(data[at : at + chunk])
    reader.finish()
    return collector.gathered()


def line(result: Result) -> str:
    """A result as the table has it."""
    word = result.outcome or result.severity
    numbers = "".join(f":{n}" for n in (result.line, result.column) if n)
    place = f"{result.file}{numbers}" or "-"
    return f"{word} {place} {result.name or result.rule}"
