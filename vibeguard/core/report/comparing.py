"""What has changed from one run to another: new, still failing, fixed, slower."""

import re
from collections.abc import Hashable, Iterator

from vibeguard.core.model.report import ChangeReport, ComparisonReport
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, Outcome, ResultOutcome
from vibeguard.core.report.failure import output_lines
from vibeguard.core.report.reasons import duration_ns
from vibeguard.core.report.results import (
    is_bad,
    result_line,
    result_report,
    results_of,
    tests_of,
)
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import SECOND_NS, duration

MOST_LINES = 20
SLOWER = 1.5  # times as long, and at least so much:
SLOWER_CHECK_NS = SECOND_NS
SLOWER_RESULT_NS = SECOND_NS // 2
# What differs between two outputs that say the same: times of day, durations, addresses.
_PASSING = re.compile(
    r"\d+:\d\d(?::\d\d)?(?:[.,]\d+)?|\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|sec|seconds|m)\b|0x[0-9a-f]+",
    re.IGNORECASE,
)


def compare(present: State, before: State) -> ComparisonReport:
    """What the present run has that the one before had not, and the other way round.

    The differences of each kind are in the order of the plan, their sentences sanitised.
    """
    now, then, passed = _failures(present), _failures(before), _passed(present)
    return ComparisonReport(
        run_id=before.run_id,
        head=before.vcs.head if before.vcs else "",
        new=tuple(one for key, one in now.items() if key not in then),
        still_failing=tuple(one for key, one in now.items() if key in then),
        fixed=tuple(
            one
            for key, one in then.items()
            if key not in now and (key in passed or _mended(present, key))
        ),
        slower=(*_slower_checks(present, before), *_slower_results(present, before)),
    )


def kinds_of(found: ComparisonReport) -> tuple[tuple[str, tuple[ChangeReport, ...]], ...]:
    """The differences of each kind by the words for it."""
    return (
        ("new", found.new),
        ("still failing", found.still_failing),
        ("fixed", found.fixed),
        ("slower", found.slower),
    )


def comparison_lines(present: State, before: State) -> list[str]:
    """The comparison in words, a bounded number of lines a kind."""
    kinds = kinds_of(compare(present, before))
    counts = ", ".join(f"{len(changes)} {name}" for name, changes in kinds)
    lines = [f"compared with {sanitise(before.run_id)}: {counts}"]
    for name, changes in kinds:
        lines += [f"  {name}: {change.message}" for change in changes[:MOST_LINES]]
        if len(changes) > MOST_LINES:
            lines.append(f"  {name}: and {len(changes) - MOST_LINES} more")
    return lines


def standing(record: CheckRecord, former: CheckRecord | None) -> str:
    """How a failure stands to an earlier run, in words; empty where that one does not tell."""
    if former is None or former.outcome not in (Outcome.PASSED, *UNPASSED):
        return ""
    if former.outcome is Outcome.PASSED:
        return "new"
    now, then = _keys(record), _keys(former)
    if not now or not then:
        return "still failing"
    new = len(now - then)
    kinds = ((new, "new"), (len(now) - new, "still failing"))
    return ", ".join(f"{count} {word}" for count, word in kinds if count)


def same_failure(record: CheckRecord) -> Hashable:
    """What two failures have in common that are the same, whichever checks or runs they are of.

    The places of results are left out, since code moves; None where there is nothing to compare.
    """
    settled = record.settled
    if settled is None:
        return None
    how = (settled.outcome, settled.reason, record.finished and record.finished.exit_code)
    results = _bad(record)
    if results:
        return (*how, *sorted((one.file, one.name, one.rule, one.message) for one in results))
    lines = tuple(_PASSING.sub("", line) for line in output_lines(settled))
    return (*how, settled.detail, *lines) if lines or settled.detail else None


def _key(check: str, result: Result) -> tuple[str, ...]:
    """What makes it the same result in two runs: its line may have moved."""
    if result.severity is None:
        return (check, result.name)
    return (check, result.file, result.rule, result.message)


def _bad(record: CheckRecord) -> list[Result]:
    return [one for one in results_of(record) if is_bad(one)]


def _keys(record: CheckRecord) -> set[tuple[str, ...]]:
    return {_key(record.planned.id, one) for one in _bad(record)}


def _failures(state: State) -> dict[tuple[str, ...], ChangeReport]:
    """What failed: results where there are any, else the check itself."""
    found: dict[tuple[str, ...], ChangeReport] = {}
    for check, record in state.checks.items():
        if record.outcome not in UNPASSED:
            continue
        bad = _bad(record)
        for result in bad:
            text = f"{sanitise(check)}: {result_line(result)}"
            change = ChangeReport(check, text, result_report(result))
            found.setdefault(_key(check, result), change)
        if not bad:
            found[check,] = ChangeReport(check, sanitise(check), None)
    return found


def _passed(state: State) -> set[tuple[str, ...]]:
    """The tests that passed, whatever became of their checks."""
    return {
        _key(check, test)
        for check, record in state.checks.items()
        for test in tests_of(record)
        if test.outcome is ResultOutcome.PASSED
    }


def _mended(state: State, key: tuple[str, ...]) -> bool:
    """Whether a failure that is not told of any more is none: a crash proves nothing of a test.

    Results that are not all recorded, or only guessed, do not tell which others there are; nor does
    a check that was handed some only of its files.
    """
    record = state.checks.get(key[0])
    if record is not None and record.planned.partial:
        return False
    if record is None or record.outcome is Outcome.PASSED:
        return record is not None
    results = record.results
    return (
        record.outcome is Outcome.FAILED
        and len(key) > 1
        and results is not None
        and bool(_bad(record))
        and not results.guessed
        and not results.left_out
    )


def _slower_checks(present: State, before: State) -> Iterator[ChangeReport]:
    for check, record in present.checks.items():
        former = before.checks.get(check)
        if former is None or Outcome.PASSED not in (record.outcome, former.outcome):
            continue
        now, then = duration_ns(present, record), duration_ns(before, former)
        if now > then * SLOWER and now - then >= SLOWER_CHECK_NS:
            said = f"{sanitise(check)} took {duration(now)}, {duration(then)} before"
            yield ChangeReport(check, said, None)


def _slower_results(present: State, before: State) -> Iterator[ChangeReport]:
    for check, record in present.checks.items():
        then = _durations(before.checks.get(check))
        for name, result in _durations(record).items():
            former = then.get(name)
            now_ns, then_ns = result.duration_ns or 0, (former.duration_ns or 0) if former else 0
            if then_ns and now_ns > then_ns * SLOWER and now_ns - then_ns >= SLOWER_RESULT_NS:
                said = f"{check}: {name} took {duration(now_ns)}, {duration(then_ns)} before"
                yield ChangeReport(check, sanitise(said), result_report(result))


def _durations(record: CheckRecord | None) -> dict[str, Result]:
    return {one.name: one for one in results_of(record) if one.name} if record else {}
