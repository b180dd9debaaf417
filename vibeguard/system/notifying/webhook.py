"""A POST of the report to an address: signed, and tried again a few times where that may help."""

import http.client
import os
import ssl
from typing import Final
from urllib.parse import urlsplit

from vibeguard.core.notifying import signed_headers
from vibeguard.core.problems import UsageError
from vibeguard.system.clock import sleep_s, wall_ns
from vibeguard.system.keyfile import read_key
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.version import __version__

KEY_VARIABLE: Final = "VIBEGUARD_NOTIFY_KEY_FILE"
ANSWER_S: Final = 10.0
PAUSES_S: Final = (0.25, 1.0, 4.0)
_LATER: Final = frozenset({408, 425, 429})


class Address:
    """Where a webhook is."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port
        self.tls = parts.scheme == "https"
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Refused(Exception):
    """The receiver's answer; `is_final` where the same would get the same again."""

    def __init__(self, what: str, *, is_final: bool) -> None:
        super().__init__(what)
        self.is_final = is_final


def tell_webhook(job: NotifyJob, url: str, number: int) -> tuple[int, str]:
    """Send it until it is taken; attempts, and what went wrong with the last one.

    All attempts carry one id, so that a receiver can tell that it has it already.
    """
    try:
        key = read_key(os.environ.get(KEY_VARIABLE, ""), of="webhooks", variable=KEY_VARIABLE)
    except UsageError as error:
        return 0, f"{error.what}; {error.do}"
    delivery = f"{job.run_id}.{number}"
    attempts, what = 0, ""
    for pause_s in (*PAUSES_S, None):
        attempts += 1
        try:
            _post(Address(url), key, delivery, job.document)
        except _Refused as refused:
            what = str(refused)
            if refused.is_final:
                break
        except (OSError, http.client.HTTPException) as error:
            what = str(error) or type(error).__name__
        else:
            return attempts, ""
        if pause_s is not None:
            sleep_s(pause_s)
    return attempts, what


def _post(address: Address, key: bytes, delivery: str, body: bytes) -> None:
    """One attempt. A redirect is not followed: the message is signed for this receiver alone."""
    connection: http.client.HTTPConnection
    if address.tls:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            address.host, address.port, timeout=ANSWER_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_S)
    try:
        headers = {
            "content-type": "application/json",
            "user-agent": f"vibeguard/{__version__}",
            **signed_headers(key, delivery, wall_ns() // 1_000_000_000, body),
        }
        connection.request("POST", address.path, body, headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        final = status < 500 and status not in _LATER
        raise _Refused(f"it answered {status}", is_final=final)
