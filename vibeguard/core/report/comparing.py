"""What has changed from one run to another: new, still failing, fixed, slower."""

from collections.abc import Iterator

from msgspec import Struct

from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.results import is_bad, result_line
from vibeguard.core.report.savings import duration_ns
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import SECOND_NS, duration

MOST_LINES = 20
SLOWER = 1.5  # times as long, and at least so much:
SLOWER_CHECK_NS = SECOND_NS
SLOWER_RESULT_NS = SECOND_NS // 2
_UNPASSED = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR)


class Comparison(Struct, frozen=True):
    """Sentences of each kind, sanitised, in the order of the plan."""

    new: tuple[str, ...]
    still: tuple[str, ...]
    fixed: tuple[str, ...]
    slower: tuple[str, ...]


def compare(present: State, before: State) -> Comparison:
    """What the present run has that the one before had not, and the other way round."""
    now, then = _failures(present), _failures(before)
    return Comparison(
        new=tuple(text for key, text in now.items() if key not in then),
        still=tuple(text for key, text in now.items() if key in then),
        fixed=tuple(text for key, text in then.items() if key not in now and _judged(present, key)),
        slower=(*_slower_checks(present, before), *_slower_results(present, before)),
    )


def comparison_lines(comparison: Comparison, run_id: str) -> list[str]:
    """The comparison in words, a bounded number of lines a kind."""
    kinds = (
        ("new", comparison.new),
        ("still failing", comparison.still),
        ("fixed", comparison.fixed),
        ("slower", comparison.slower),
    )
    counts = ", ".join(f"{len(texts)} {name}" for name, texts in kinds)
    lines = [f"compared with {sanitise(run_id)}: {counts}"]
    for name, texts in kinds:
        lines += [f"  {name}: {text}" for text in texts[:MOST_LINES]]
        if len(texts) > MOST_LINES:
            lines.append(f"  {name}: and {len(texts) - MOST_LINES} more")
    return lines


def _key(check: str, result: Result) -> tuple[str, ...]:
    """What makes it the same result in two runs: its line may have moved."""
    if result.severity is None:
        return (check, result.name)
    return (check, result.file, result.rule, result.message)


def _failures(state: State) -> dict[tuple[str, ...], str]:
    """What failed: results where there are any, else the check itself."""
    found: dict[tuple[str, ...], str] = {}
    for check, record in state.checks.items():
        if record.outcome not in _UNPASSED:
            continue
        bad = [one for one in record.results.results if is_bad(one)] if record.results else []
        for result in bad:
            found.setdefault(_key(check, result), f"{sanitise(check)}: {result_line(result)}")
        if not bad:
            found[check,] = sanitise(check)
    return found


def _judged(state: State, key: tuple[str, ...]) -> bool:
    """Whether the check of a failure was judged at all this time."""
    record = state.checks.get(key[0])
    return record is not None and record.outcome in (Outcome.PASSED, *_UNPASSED)


def _slower_checks(present: State, before: State) -> Iterator[str]:
    for check, record in present.checks.items():
        former = before.checks.get(check)
        if former is None or Outcome.PASSED not in (record.outcome, former.outcome):
            continue
        now, then = duration_ns(record, present.last_t), duration_ns(former, before.last_t)
        if now > then * SLOWER and now - then >= SLOWER_CHECK_NS:
            yield f"{sanitise(check)} took {duration(now)}, {duration(then)} before"


def _slower_results(present: State, before: State) -> Iterator[str]:
    for check, record in present.checks.items():
        then = _durations(before.checks.get(check))
        for name, now in _durations(record).items():
            former = then.get(name)
            if former and now > former * SLOWER and now - former >= SLOWER_RESULT_NS:
                said = f"{check}: {name} took {duration(now)}, {duration(former)} before"
                yield sanitise(said)


def _durations(record: CheckRecord | None) -> dict[str, int]:
    if record is None or record.results is None:
        return {}
    return {one.name: one.duration_ns or 0 for one in record.results.results if one.name}
