"""GitLab's code quality report: a list of findings with a place, a fingerprint and a severity."""

from hashlib import sha256

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, Level
from vibeguard.core.report.conclusion import run_problem
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.results import is_bad, level_in, results_of, titled, unplaced_lines
from vibeguard.core.report.safe_json import JsonObject, encode_document
from vibeguard.core.wording.sanitise import sanitise

MOST_UNPLACED = 5
_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor", Level.INFO: "info"}


class GitLabFormat(Format):
    """One document at the end."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        findings: dict[str, JsonObject] = {}
        problem = run_problem(state, ending)
        if problem:
            about = _entry(f"the run: {sanitise(problem)}", "run", "critical", state.config_path, 1)
            findings[str(about["fingerprint"])] = about
        for record in state.checks.values():
            for finding in _findings(state, record):
                findings.setdefault(str(finding["fingerprint"]), finding)
        return encode_document(list(findings.values()), ci=self.options.ci)


def _findings(state: State, record: CheckRecord) -> list[JsonObject]:
    """What it reports at a place; and itself, where nothing of that says why it did not pass."""
    placed = [one for one in results_of(record) if one.file]
    found = [_finding(record, one) for one in placed if is_bad(one) or one.severity is not None]
    unplaced = unplaced_lines(record, MOST_UNPLACED)
    if record.outcome in UNPASSED and (unplaced or not any(map(is_bad, placed))):
        text = sanitise(f"{record.planned.id} {shown_status(record)}: {reason_of(state, record)}")
        text = "; ".join([text, *unplaced])
        severity = "minor" if shown_status(record) == "warned" else "critical"
        found.append(_entry(text, record.planned.id, severity, state.config_path, 1))
    return found


def _finding(record: CheckRecord, result: Result) -> JsonObject:
    level = level_in(record, result)
    failed = result.severity is None and level is Level.ERROR
    severity = "critical" if failed else _SEVERITIES[level]
    said = titled(result, sanitise(result.message.split("\n", 1)[0]))
    rule = f"{record.planned.id}/{result.rule or result.kind.value}"
    return _entry(said, rule, severity, result.file, max(result.line, 1))


def _entry(said: str, rule: str, severity: str, file: str, line: int) -> JsonObject:
    file = file or "vibeguard.yaml"  # a service drops what has no place
    digest = sha256(f"{rule}\0{file}\0{line}\0{said}".encode("utf-8", "replace")).hexdigest()
    return {
        "description": said,
        "check_name": sanitise(rule),
        "fingerprint": digest,
        "severity": severity,
        "location": {"path": sanitise(file), "lines": {"begin": line}},
    }
