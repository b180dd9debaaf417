"""Advice on a config: where a check should run, and which results of its tool could be read.

Where it should run is told by the durations of earlier runs; nothing is moved.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from vibeguard.core.history import Estimate
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import Pool
from vibeguard.core.wording.units import duration

# Fewer passes than this are no habit.
LEAST_SAMPLES = 5
# Three of four runs this many times shorter, or longer, than `async_after`: not a matter of taste.
FAR_UNDER = 10
FAR_OVER = 1.5


Placed = CheckConfig | PlannedCheck
# A tool, how a command calls it, the flag that it needs, and what to write.
_PROPOSALS = (
    ("pytest", ("pytest",), "--junitxml=out/{id}.xml", "{{junit: out/{id}.xml}}"),
    ("go test", ("go test",), "-json", "{{json: go-test}}"),
    ("ruff", ("ruff check",), "", "{{matcher: ruff}}"),
    ("mypy", ("mypy",), "", "{{matcher: mypy}}"),
    ("eslint", ("eslint",), "", "{{matcher: eslint-stylish}}"),
    ("tsc", ("tsc",), "", "{{matcher: tsc}}"),
    ("cargo", ("cargo build", "cargo check", "cargo clippy"), "", "{{matcher: cargo}}"),
    ("shellcheck", ("shellcheck",), "", "{{matcher: shellcheck}}"),
    ("pyright", ("pyright", "basedpyright"), "", "{{matcher: pyright}}"),
    ("pylint", ("pylint",), "", "{{matcher: pylint}}"),
    ("flake8", ("flake8",), "", "{{matcher: flake8}}"),
)


def placement_advice(
    checks: Iterable[tuple[Placed, Pool]], estimates: Mapping[str, Estimate], async_after_ns: int
) -> list[str]:
    """A sentence for each `async: auto` check whose third quartile is far from `async_after`."""
    return [
        sentence
        for check, pool in checks
        if check.mode == "auto" and (sentence := _advice(check, pool, estimates, async_after_ns))
    ]


def _advice(
    check: Placed, pool: Pool, estimates: Mapping[str, Estimate], async_after_ns: int
) -> str:
    """The sentence about one check; empty where it has no habit, or is where it belongs."""
    estimate = estimates.get(check.id)
    if estimate is None or estimate.samples < LEAST_SAMPLES:
        return ""
    took = f"three of four runs took {duration(estimate.p75_ns)} or less"
    if pool is Pool.BACKGROUND and estimate.p75_ns * FAR_UNDER < async_after_ns:
        return (
            f"{check.id} runs in the background because of its timeout, but {took}: "
            "`async: false` or a shorter timeout would bring it to the foreground"
        )
    if pool is Pool.FOREGROUND and estimate.p75_ns > async_after_ns * FAR_OVER:
        return (
            f"{check.id} holds up the foreground: one of four runs took {duration(estimate.p75_ns)}"
            " or more: `async: true` would move it to the background"
        )
    return ""


def propose_results(config: Config) -> Iterator[str]:
    """A sentence for each check whose single results could be read and are not."""
    for check in config.checks:
        if check.results:
            continue
        for tool, calls, flag, source in _PROPOSALS:
            if any(_calls(check.run, call) for call in calls):
                added = f"{flag.format(id=check.id)} and " if flag else ""
                what = f"{added}results: {source.format(id=check.id)}"
                yield f"{check.id} runs {tool}: {what} tells each result"
                break


def _calls(command: str, call: str) -> bool:
    """Whether the words stand in a command; looking for the text first costs next to nothing."""
    return call in command and re.search(rf"\b{call}\b", command) is not None
