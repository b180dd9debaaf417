"""Why a check settled as it did: every reason has its sentence, which names what matters."""

import pytest

from tests.helpers.histories import check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.events import CheckAttemptFinished, CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import AttemptEnd, Outcome, Reason
from vibeguard.core.report.reasons import reason_of


def sentence_of(
    reason, outcome=Outcome.FAILED, *, planned=None, finished=None, fmt=None, **settled
):
    """What is said of the check `deploy`; `fmt` and `unit` are the outcomes of others."""
    record = CheckRecord(check("deploy", **(planned or {})), 1)
    record.outcome = outcome
    record.settled = CheckSettled(
        check="deploy", outcome=outcome, reason=reason, attempts=1, **settled
    )
    if finished is not None:
        record.finished = CheckAttemptFinished(
            check="deploy", attempt=1, end=AttemptEnd.EXITED, **finished
        )
    state = State()
    state.checks = {"fmt": CheckRecord(check("fmt"), 1), "deploy": record}
    state.checks["fmt"].outcome = fmt
    unit = CheckRecord(check("unit"), 1)
    unit.settled = CheckSettled(
        check="unit", outcome=Outcome.SKIPPED, reason=Reason.REQUIREMENT, cause="fmt", attempts=0
    )
    state.checks["unit"] = unit
    return reason_of(state, record)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_with_and_without_facts(reason):
    bare = sentence_of(reason)
    assert bare
    assert "None" not in bare.replace("exit code None", "")
    assert sentence_of(
        reason, detail="because", cause="fmt", finished={"signal": "SIGSEGV", "exit_code": None}
    )


ON_FMT = {"requires": (Requirement("fmt"),)}
ON_UNIT = {"requires": (Requirement("unit"),)}


@pytest.mark.parametrize(
    ("reason", "facts", "sentence"),
    [
        (
            Reason.ASSERTION,
            {"planned": {"assertion": "cov >= 80"}, "detail": "cov >= 80 (cov is 75)"},
            "assertion is false: cov >= 80 (cov is 75)",
        ),
        (Reason.EXIT_CODE, {"finished": {"exit_code": 3}}, "exit code 3"),
        (
            Reason.EXIT_CODE,
            {"finished": {"exit_code": 127}},
            "exit code 127 (command not found)",
        ),
        (
            Reason.TIMEOUT,
            {"planned": {"timeout_ns": 90 * 10**9}},
            "ran longer than its timeout of 1m30s",
        ),
        (
            Reason.OUTPUT_LIMIT,
            {"planned": {"output_limit_bytes": 1 << 30}},
            "wrote more output than 1 GiB",
        ),
        (
            Reason.REQUIREMENT,
            {"planned": ON_FMT, "cause": "fmt", "fmt": Outcome.TIMEOUT},
            "requires fmt, which timed out",
        ),
        (
            Reason.REQUIREMENT,
            {"planned": ON_UNIT, "cause": "fmt", "fmt": Outcome.FAILED},
            "requires unit, which was skipped: fmt failed",
        ),
        (
            Reason.NOT_STARTABLE,
            {"detail": "no shell"},
            "the command could not be started: no shell",
        ),
    ],
)
def test_a_sentence_names_what_matters(reason, facts, sentence):
    assert sentence_of(reason, **facts) == sentence


def test_a_passed_check_needs_no_sentence():
    assert sentence_of(None, Outcome.PASSED) == ""
