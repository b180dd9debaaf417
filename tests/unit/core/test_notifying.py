"""Who is told how a run ended."""

from base64 import b64decode

import pytest

from vibeguard.core.model.notification import Notification
from vibeguard.core.names import Occasion, Verdict
from vibeguard.core.notifying import due, signed_headers


@pytest.mark.parametrize(
    ("on", "verdict", "expected"),
    [
        (Occasion.PASSED, Verdict.PASSED, True),
        (Occasion.PASSED, Verdict.FAILED, False),
        (Occasion.FAILED, Verdict.FAILED, True),
        (Occasion.FAILED, Verdict.CANCELLED, False),
        (Occasion.CANCELLED, Verdict.CANCELLED, True),
        (Occasion.FINISHED, Verdict.PASSED, True),
        (Occasion.FINISHED, None, True),
        (Occasion.FAILED, None, True),
        (Occasion.PASSED, None, False),
    ],
)
def test_each_end_is_told_to_those_who_named_it(
    on: Occasion, verdict: Verdict | None, expected: bool
) -> None:
    """A run without a verdict has failed."""
    one = Notification(command="x", on=(on,))
    assert due([one], verdict) == ((one,) if expected else ())


def test_a_signature_is_that_of_the_standard() -> None:
    """The example that the libraries of the specification are tested with."""
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
