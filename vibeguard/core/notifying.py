"""Who is to be told how a run ended, and how what is sent to an address is signed.

The signature is that of the Standard Webhooks specification (https://www.standardwebhooks.com):
HMAC-SHA256 of id, time and body, so that a message cannot be altered, nor taken for a later one.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from vibeguard.core.model.notification import Notification
from vibeguard.core.names import Occasion, Verdict


def due(notifications: Iterable[Notification], verdict: Verdict | None) -> tuple[Notification, ...]:
    """Those that are told of this end. Without a verdict (an altered log) a run has failed."""
    ended = {Occasion.FINISHED, Occasion((verdict or Verdict.FAILED).value)}
    return tuple(one for one in notifications if not ended.isdisjoint(one.on))


def signed_headers(key: bytes, delivery: str, sent_s: int, body: bytes) -> dict[str, str]:
    """What a receiver needs to believe `body`. `delivery` stays the same when it is sent again.

    `sent_s` is seconds since the epoch.
    """
    signed = hmac.digest(key, f"{delivery}.{sent_s}.".encode() + body, sha256)
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
    }
