"""CTRF, the common test report format: every test that reports told of, and each check as one.

A check that did not pass stands as a test beside its own, so that what failed outside of any test
(a timeout, a compiler) is no pass.
"""

from collections.abc import Mapping

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome, ResultOutcome
from vibeguard.core.report.conclusion import run_problem
from vibeguard.core.report.epoch import started_ns
from vibeguard.core.report.reasons import duration_ns, reason_of, shown_status
from vibeguard.core.report.results import tests_of
from vibeguard.core.report.safe_json import JsonObject, encode_document
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import MILLISECOND_NS
from vibeguard.version import __version__

STATUSES = ("passed", "failed", "skipped", "pending", "other")
# Of the outcome of a check or a test, which are called alike.
_STATUSES: Mapping[str, str] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.TIMEOUT: "failed",
    Outcome.ERROR: "failed",
    Outcome.SKIPPED: "skipped",
    ResultOutcome.XFAILED: "skipped",
    Outcome.CANCELLED: "other",
}


class CtrfFormat(Format):
    """One document at the end."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        tests: list[JsonObject] = []
        for record in state.checks.values():
            tests.append(_check(state, record))
            tests += [_test(record, one) for one in tests_of(record)]
        problem = run_problem(state, ending)
        if problem:
            run = {"name": "run", "status": "failed", "duration": 0, "suite": ["vibeguard"]}
            tests.append({**run, "message": sanitise(problem)})
        counts = {word: sum(1 for test in tests if test["status"] == word) for word in STATUSES}
        start = started_ns(state) // MILLISECOND_NS
        elapsed = state.elapsed_ns // MILLISECOND_NS
        document = {
            "reportFormat": "CTRF",
            "specVersion": "0.0.0",
            "generatedBy": "vibeguard",
            "results": {
                "tool": {"name": "vibeguard", "version": __version__},
                "summary": {
                    "tests": len(tests),
                    **counts,
                    "start": start,
                    "stop": start + elapsed,
                },
                "tests": tests,
            },
        }
        return encode_document(document, ci=self.options.ci)


def _status(record: CheckRecord, outcome: str | None) -> str:
    """A failure that does not fail the run is another matter."""
    status = _STATUSES[outcome] if outcome else "pending"
    return "other" if status == "failed" and not fails_the_run(record) else status


def _check(state: State, record: CheckRecord) -> JsonObject:
    return {
        "name": sanitise(record.planned.id),
        "status": _status(record, record.outcome),
        "rawStatus": shown_status(record),
        "duration": duration_ns(state, record) // MILLISECOND_NS,
        "suite": ["vibeguard"],
        "message": sanitise(reason_of(state, record)),
        "flaky": record.flaky,
    }


def _test(record: CheckRecord, result: Result) -> JsonObject:
    outcome = result.outcome or ResultOutcome.PASSED
    test: JsonObject = {
        "name": sanitise(result.name),
        "status": _status(record, outcome),
        "rawStatus": outcome.value,
        "duration": (result.duration_ns or 0) // MILLISECOND_NS,
        "suite": [sanitise(record.planned.id)],
        "message": sanitise(result.message, multiline=True),
    }
    if result.file:
        test["filePath"] = sanitise(result.file)
    if result.line:
        test["line"] = result.line
    return test
