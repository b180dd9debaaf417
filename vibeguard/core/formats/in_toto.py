"""An in-toto statement of a test result, to be signed by whoever vouches for the run.

It says PASSED or WARNED only where the whole config ran, on one tree that held still from start to
end; it refuses a run that has no verdict. See https://in-toto.io/attestation/test-result/v0.1.
"""

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome, Verdict
from vibeguard.core.problems import UsageError
from vibeguard.core.report.conclusion import verdict_event
from vibeguard.core.report.reasons import shown_status
from vibeguard.core.report.safe_json import JsonObject, encode_document
from vibeguard.core.reuse.checked import held_still
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import some

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_HOW = "run every check of the config, on a tree that nothing else writes to"


class InTotoFormat(Format):
    """One statement at the end."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document. Raises UsageError for a run of which nothing can be stated."""
        finished = verdict_event(state, ending)
        vcs = state.vcs
        if finished is None or state.planned is None or state.started is None:
            raise UsageError("this run has no verdict, so there is nothing to state", _HOW)
        if finished.verdict is Verdict.CANCELLED:
            raise UsageError("this run was cancelled, so there is nothing to state", _HOW)
        if vcs is None or not vcs.content:
            raise UsageError("this run does not know which tree it checked", "run in a git tree")
        result = _result(state, passed=finished.verdict is Verdict.PASSED)
        words: dict[str, list[str]] = {"passed": [], "warned": [], "failed": []}
        for check, record in state.checks.items():
            word = shown_status(record)
            words[word if word in words else "failed"].append(sanitise(check))
        config = {
            "name": sanitise(state.planned.config_path),
            "digest": {"sha256": state.planned.config_sha256},
        }
        reused = {
            sanitise(check): {"run": sanitise(record.reused.run), "key": record.reused.key}
            for check, record in state.checks.items()
            if record.reused is not None and record.outcome is Outcome.PASSED
        }
        predicate: JsonObject = {
            "result": result,
            "configuration": [config],
            "passedTests": words["passed"],
            "warnedTests": words["warned"],
            "failedTests": words["failed"],
            "vibeguard": {
                "runId": state.run_id,
                "startedOn": state.started.wall_time,
                "reused": reused,
            },
        }
        document = {
            "_type": STATEMENT,
            "subject": _subjects(vcs),
            "predicateType": PREDICATE,
            "predicate": predicate,
        }
        return encode_document(document, ci=self.options.ci)


def _result(state: State, *, passed: bool) -> str:
    """Raises UsageError where a pass is not one of the whole config on one tree."""
    if not passed:
        return "FAILED"
    if state.planned is None or not state.planned.whole:
        raise UsageError(
            "this run left out checks of its config, or files of a check, so it states no pass",
            _HOW,
        )
    if not held_still(state):
        raise UsageError("files changed while this run went on, so it states no pass", _HOW)
    shown = {check: shown_status(record) for check, record in state.checks.items()}
    without = [check for check, word in shown.items() if word not in ("passed", "warned")]
    if without:
        what = f"this run passed without {some(without, 5)}, so it states no pass"
        raise UsageError(sanitise(what), _HOW)
    return "WARNED" if "warned" in shown.values() else "PASSED"


def _subjects(vcs: VersionControl) -> list[JsonObject]:
    """The tree by its bytes, and the commit where nothing differed from it."""
    subjects: list[JsonObject] = [{"name": "tree", "digest": {"sha256": vcs.content}}]
    if vcs.head and not vcs.dirty:
        subjects.append({"name": "commit", "digest": {"gitCommit": vcs.head}})
    return subjects
