"""A POST of the report to an address: signed, and tried again a few times where that may help."""

import http.client
import os
from functools import partial
from typing import Final
from urllib.parse import SplitResult, urlsplit

from vibeguard.core.notifying import signed_headers
from vibeguard.core.problems import UsageError
from vibeguard.system.clock import sleep_s, wall_ns
from vibeguard.system.in_thread import InThread
from vibeguard.system.keyfile import read_key
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.version import __version__

KEY_VARIABLE: Final = "VIBEGUARD_NOTIFY_KEY_FILE"
ANSWER_S: Final = 10.0
PAUSES_S: Final = (0.25, 1.0, 4.0)
_LATER: Final = frozenset({408, 425, 429})


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
            status = _post_within(ANSWER_S, urlsplit(url), key, delivery, job.document)
        except (OSError, http.client.HTTPException) as error:
            what = str(error) or type(error).__name__
        else:
            if 200 <= status < 300:
                return attempts, ""
            what = f"it answered {status}"
            if status < 500 and status not in _LATER:
                break  # the same would get the same again
        if pause_s is not None:
            sleep_s(pause_s)
    return attempts, what


def _post_within(
    bound_s: float, address: SplitResult, key: bytes, delivery: str, body: bytes
) -> int:
    """One attempt, given up after `bound_s`; the status of the answer.

    A socket's own timeout begins again with every byte, and asking for an address has none.
    """
    posted = InThread(partial(_post, address, key, delivery, body))
    posted.begin()
    return posted.result(bound_s)


def _post(address: SplitResult, key: bytes, delivery: str, body: bytes) -> int:
    """The status of the answer.

    A redirect is not followed: the message is signed for this receiver alone.
    """
    secure = address.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=ANSWER_S)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    headers = {
        "content-type": "application/json",
        "user-agent": f"vibeguard/{__version__}",
        **signed_headers(key, delivery, wall_ns() // 1_000_000_000, body),
    }
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
