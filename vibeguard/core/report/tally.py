"""How many checks came to what: the one count behind every text of every command and format.

A check is counted under the word that is shown for it: a warning that did not pass is `warned`,
what was skipped or cancelled is not `failed`. A warning that could not even start is counted apart
and named with its reason, so that a passing run does not hide that it looked at nothing.
"""

from collections.abc import Mapping, Sequence

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome, Reason
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import NOT_STARTED_CODES
from vibeguard.core.wording.units import some

NO_RESULT = "no result"
REASON_CHARACTERS = 80
_WORDS = {
    "failed": "failed",
    "timeout": "timed out",
    "error": "could not be judged",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "warned": "warned",
    NO_RESULT: "without a result",
}

Groups = Mapping[str, Sequence[str]]


def not_passed(state: State) -> dict[str, tuple[str, ...]]:
    """The settled checks that did not pass, by their word, worst first; checks in plan order.

    Under `no result` a check is named together with its reason.
    """
    groups: dict[str, list[str]] = {}
    for check, record in state.checks.items():
        if has_nothing_to_confirm(record):
            continue
        if record.outcome is not None and record.outcome is not Outcome.PASSED:
            word = shown_status(record)
            if word == "warned" and _gave_no_result(record):
                reason = shorten(reason_of(state, record), REASON_CHARACTERS)
                groups.setdefault(NO_RESULT, []).append(f"{check}: {reason}")
            else:
                groups.setdefault(word, []).append(check)
    return {word: tuple(groups[word]) for word in _WORDS if word in groups}


def has_nothing_to_confirm(record: CheckRecord) -> bool:
    """Whether it is there to run a reused check again, and that was not reused: no news."""
    return record.reason is Reason.NOTHING_TO_CONFIRM


def named(groups: Groups) -> list[str]:
    """Each group counted and named: `2 failed (unit, lint)`."""
    return [f"{len(ids)} {_WORDS[word]} ({sanitise(some(ids))})" for word, ids in groups.items()]


def counted(groups: Groups) -> list[str]:
    """Each group counted: `2 failed`, `1 warned`."""
    return [f"{len(ids)} {_WORDS[word]}" for word, ids in groups.items()]


def passed(state: State) -> int:
    """How many checks have passed."""
    return state.counts.get(Outcome.PASSED, 0)


def settled_in_words(state: State) -> str:
    """What did not pass, then how many did; empty where nothing has settled."""
    words = [*counted(not_passed(state)), f"{passed(state)} passed"] if state.settled else []
    return ", ".join(words)


def passed_in_words(state: State) -> str:
    """The same in words: `12 passed, 9 of them in run X`."""
    earlier = passed_earlier(state)
    return f"{passed(state)} passed{', ' * bool(earlier)}{earlier}"


def passed_earlier(state: State) -> str:
    """Which of those have passed in earlier runs: `9 of them in run X`; empty where none has."""
    runs = reused_by_run(state)
    total = sum(map(len, runs.values()))
    if not total:
        return ""
    which = "all" if total == passed(state) else str(total)
    if len(runs) == 1:
        return f"{which} of them in run {sanitise(next(iter(runs)))}"
    parts = [f"{len(checks)} in run {run}" for run, checks in runs.items()]
    return f"{which} of them earlier: {sanitise(some(parts, 3))}"


def reused_by_run(state: State) -> dict[str, list[str]]:
    """The checks for which an earlier pass stands, by the run of that, in plan order."""
    runs: dict[str, list[str]] = {}
    for check, record in state.checks.items():
        if record.reused is not None and record.outcome is Outcome.PASSED:
            runs.setdefault(record.reused.run, []).append(check)
    return runs


def _gave_no_result(record: CheckRecord) -> bool:
    """Whether its command, or what was to judge it, was not there."""
    code = record.finished.exit_code if record.finished is not None else None
    return record.outcome is Outcome.ERROR or code in NOT_STARTED_CODES
