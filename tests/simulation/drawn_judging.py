"""What judges checks beside their exit codes: reports, files, the tree; and what they write for it."""

import json
from random import Random

from msgspec.structs import replace

from tests.simulation.history import SECOND_NS, Program
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.results import Expectation, Quarantine, ResultsSource
from vibeguard.core.names import OnChange, StalePolicy

FOLDER = "reports"
KNOWN = ("t0", "t1")  # tests whose failure is borne


def judged(rng: Random, check: CheckConfig, programs: list[Program]) -> CheckConfig:
    """The check, judged by more than before; its programs (of each attempt one) see to that."""
    kind = rng.random()
    if kind < 0.5:
        check = _by_report(rng, check, programs)
    elif kind < 0.65:
        check = _by_file(rng, check, programs)
    if rng.random() < 0.3:
        for does in programs:
            _before_its_end(rng, does, ["edit"], 0.4)
        check = replace(check, on_change=rng.choice([*OnChange, OnChange.FAIL]))
    return replace(check, run=json.dumps(programs), pass_files=rng.random() < 0.2)


def lying(rng: Random, checks: list[CheckConfig]) -> dict[str, list[str] | str]:
    """What earlier runs have left in some of the places: a report of passes, a text."""
    left: dict[str, list[str] | str] = {}
    for check in checks:
        if check.results and rng.random() < 0.3:
            left[f"{FOLDER}/{check.id}.xml"] = ["passed", "passed"]
        elif check.file and rng.random() < 0.3:
            left[check.file] = "says 9\n"
    return left


def _by_report(rng: Random, check: CheckConfig, programs: list[Program]) -> CheckConfig:
    name = f"{FOLDER}/{check.id}.xml"
    words = ["passed", "passed", "passed", "failed", "error", "skipped", "rerun"]
    known = None
    if rng.random() < 0.5:
        until = rng.choice(["", "2000-01-01", "9999-12-31"])
        known = Quarantine(results=KNOWN, until=until)
    for does in programs:
        tests = [rng.choice(words) for _ in range(rng.choice([0, 1, 2, 3]))]
        told = rng.choice([tests] * 9 + ["<garbage"])
        if known and rng.random() < 0.8:
            does[-1] = ["exit", rng.choice([1, 1, 1, 2])]
        _before_its_end(rng, does, ["put", name, told], 0.85)
    return replace(
        check,
        results=(ResultsSource("junit", rng.choice([name, name, f"{FOLDER}/{check.id}.x*"])),),
        expect=rng.choice([None, None, Expectation(min=1), Expectation(min=2, max_skipped=0)]),
        stale=rng.choice([StalePolicy.REFUSE, StalePolicy.REFUSE, StalePolicy.ALLOW]),
        quarantine=known,
        judge_timeout_ns=round(rng.choice([10, 10, 0.3, 0.03]) * SECOND_NS),
        grok=(),
        assertion="",
    )


def _by_file(rng: Random, check: CheckConfig, programs: list[Program]) -> CheckConfig:
    name = f"{FOLDER}/{check.id}.txt"
    for does in programs:
        _before_its_end(rng, does, ["put", name, f"says {rng.randint(1, 9)}\n"], 0.85)
    return replace(check, file=name, grok=("says %{NUMBER:n}",), assertion="n >= 4")


def _before_its_end(rng: Random, does: Program, operation: list[object], chance: float) -> None:
    if rng.random() < chance:
        does.insert(rng.randrange(len(does)), operation)
