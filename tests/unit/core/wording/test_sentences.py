"""Every machine word has its sentence."""

import pytest

from vibeguard.core.names import CancelReason, Outcome, Severity
from vibeguard.core.wording.sentences import cancelled_because, status_word


@pytest.mark.parametrize("reason", CancelReason)
def test_every_cancel_reason_has_a_sentence(reason):
    assert cancelled_because(reason, "SIGINT")
    assert cancelled_because(reason, "")


def test_only_a_warning_that_did_not_pass_of_its_own_accord_is_warned():
    for outcome in Outcome:
        warned = outcome in (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR)
        assert status_word(outcome.value, Severity.WARNING) == (
            "warned" if warned else outcome.value
        )
        assert status_word(outcome.value, Severity.ERROR) == outcome.value
