"""Every machine word has its sentence."""

import pytest

from vibeguard.core.names import CancelReason, Outcome, Reason, Severity
from vibeguard.core.wording.sentences import Facts, cancelled_because, status_word, why


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_with_and_without_facts(reason):
    bare = why(Facts(outcome=Outcome.FAILED, reason=reason))
    assert bare
    assert "None" not in bare.replace("exit code None", "")
    full = why(
        Facts(
            outcome=Outcome.FAILED, reason=reason, detail="because", cause="fmt", signal="SIGSEGV"
        )
    )
    assert full


@pytest.mark.parametrize("reason", CancelReason)
def test_every_cancel_reason_has_a_sentence(reason):
    assert cancelled_because(reason, "SIGINT")
    assert cancelled_because(reason, "")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {
                "reason": Reason.ASSERTION,
                "assertion": "cov >= 80",
                "detail": "cov >= 80 (cov is 75)",
            },
            "assertion is false: cov >= 80 (cov is 75)",
        ),
        ({"reason": Reason.EXIT_CODE, "exit_code": 3}, "exit code 3"),
        ({"reason": Reason.EXIT_CODE, "exit_code": 127}, "exit code 127 (command not found)"),
        (
            {"reason": Reason.TIMEOUT, "timeout_ns": 90 * 10**9},
            "ran longer than its timeout of 1m30s",
        ),
        (
            {"reason": Reason.OUTPUT_LIMIT, "output_limit_bytes": 1 << 30},
            "wrote more output than 1 GiB",
        ),
        (
            {"reason": Reason.REQUIREMENT, "cause": "fmt", "cause_outcome": "timeout"},
            "requires fmt, which timed out",
        ),
        (
            {
                "reason": Reason.REQUIREMENT,
                "cause": "fmt",
                "cause_outcome": "failed",
                "direct": "unit",
            },
            "requires unit, which was skipped: fmt failed",
        ),
        (
            {"reason": Reason.NOT_STARTABLE, "detail": "no shell"},
            "the command could not be started: no shell",
        ),
    ],
)
def test_a_sentence_names_what_matters(facts, sentence):
    assert why(Facts(outcome=Outcome.FAILED, **facts)) == sentence


def test_a_passed_check_needs_no_sentence():
    assert why(Facts(outcome=Outcome.PASSED)) == ""


def test_only_a_warning_that_did_not_pass_of_its_own_accord_is_warned():
    for outcome in Outcome:
        warned = outcome in (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR)
        assert status_word(outcome.value, Severity.WARNING) == (
            "warned" if warned else outcome.value
        )
        assert status_word(outcome.value, Severity.ERROR) == outcome.value
