"""SARIF 2.1 for code scanning: a run a check, each of a category of its own, in GitHub's limits.

A check that did not pass, and of which no error at a place tells, is a result of the run `checks`,
at its config: a service drops what has no place.
"""

from urllib.parse import quote

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import FAILED_RESULTS, VIOLATIONS, Level
from vibeguard.core.report.conclusion import run_problem
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.results import (
    MOST_LINES,
    is_bad,
    level_in,
    results_of,
    titled,
    unplaced_lines,
)
from vibeguard.core.report.safe_json import JsonObject, encode_document
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RUNS = 20
MOST_RESULTS = 25_000  # of a file; GitHub refuses more
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


class SarifFormat(Format):
    """One document at the end."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        about_checks = _about_checks(state, ending)
        runs: list[JsonObject] = []
        room = MOST_RESULTS - len(about_checks)
        left_out: list[CheckRecord] = []
        for record in state.checks.values():
            located = [one for one in _reported(record) if one.file]
            if not located:
                continue
            if len(runs) == MOST_RUNS - 1 or not room:
                left_out.append(record)
                continue
            runs.append(_run(record, located[:room]))
            room -= len(located[:room])
        told = [_check_result(state, record) for record in left_out if _is_placed(record)]
        first: JsonObject = {  # about the checks themselves
            "tool": _tool("checks", ["check"]),
            "automationDetails": {"id": "vibeguard/checks/"},
            "results": [*about_checks, *told[:room]],
            "invocations": [{"executionSuccessful": not run_problem(state, ending)}],
        }
        if left_out:
            first["properties"] = {"leftOut": [record.planned.id for record in left_out]}
        document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [first, *runs]}
        return encode_document(document, ci=self.options.ci)


def _reported(record: CheckRecord) -> list[Result]:
    """Failed tests and diagnostics of any level; passed and skipped tests are no findings."""
    found = results_of(record)
    return [o for o in found if o.severity is not None or o.outcome in FAILED_RESULTS]


def _is_placed(record: CheckRecord) -> bool:
    """Whether results with a place say why the check did not pass."""
    bad = [one for one in _reported(record) if is_bad(one)]
    return record.outcome in VIOLATIONS and bool(bad) and all(one.file for one in bad)


def _run(record: CheckRecord, results: list[Result]) -> JsonObject:
    check = record.planned.id
    rules = list(dict.fromkeys(_rule_of(result) for result in results))
    indices = {rule: index for index, rule in enumerate(rules)}
    return {
        "tool": _tool(check, rules),
        "automationDetails": {"id": f"vibeguard/{check}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(record, one, indices[_rule_of(one)]) for one in results],
    }


def _tool(name: str, rules: list[str]) -> JsonObject:
    return {
        "driver": {
            "name": f"vibeguard {name}",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": [
                {"id": rule, "name": rule, "shortDescription": {"text": rule}} for rule in rules
            ],
        }
    }


def _rule_of(result: Result) -> str:
    if result.severity is None:
        return "test"
    return sanitise(result.rule) or "diagnostic"


def _result(record: CheckRecord, result: Result, index: int) -> JsonObject:
    said = titled(result, sanitise(result.message, multiline=True).strip())
    return {
        "ruleId": _rule_of(result),
        "ruleIndex": index,
        "level": _LEVELS[level_in(record, result)],
        "message": {"text": said},
        "locations": [_location(result.file, result.line, result.column)],
        "partialFingerprints": {"vibeguard/v1": f"{_rule_of(result)}:{result.file}:{said}"[:500]},
    }


def _location(file: str, line: int, column: int) -> JsonObject:
    region = {"startLine": max(line, 1)}
    if column:
        region["startColumn"] = column
    return {
        "physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region},
    }


def _uri(file: str) -> str:
    """A relative path as a URI reference; what is no letter of one is percent-encoded."""
    return quote(file if "/" in file or ":" not in file else f"./{file}", errors="replace")


def _about_checks(state: State, ending: Ending) -> list[JsonObject]:
    """What went wrong with the run, and the checks that did not pass, and tell no place."""
    problem = run_problem(state, ending)
    about_run = [_about(state, "error", sanitise(f"the run: {problem}"))] if problem else []
    unpassed = [record for record in state.checks.values() if record.outcome in VIOLATIONS]
    unplaced = [record for record in unpassed if not _is_placed(record)]
    return about_run + [_check_result(state, record) for record in unplaced[: MOST_RESULTS - 1]]


def _check_result(state: State, record: CheckRecord) -> JsonObject:
    word = shown_status(record)
    text = f"{record.planned.id} {word}: {reason_of(state, record)}"
    said = "\n".join([sanitise(text), *unplaced_lines(record, MOST_LINES)])
    return _about(state, "warning" if word == "warned" else "error", said)


def _about(state: State, level: str, text: str) -> JsonObject:
    config = state.config_path or "vibeguard.yaml"
    return {
        "ruleId": "check",
        "ruleIndex": 0,
        "level": level,
        "message": {"text": text},
        "locations": [_location(config.lstrip("/"), 1, 0)],
    }
