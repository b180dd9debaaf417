"""Why an attempt was not started, in words; and whether that may pass."""

import errno
from collections.abc import Mapping
from typing import Final

PRESSURE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_REMEDIES: Final = {
    errno.EAGAIN: "raise the limit (ulimit -u, pids.max of the control group), or end processes",
    errno.EMFILE: "raise the limit (ulimit -n)",
}


class StartRefused(Exception):
    """An attempt, or its command, was not started; `reason` says why, for the user.

    `transient` marks pressure (out of descriptors, processes or memory) that may pass; with `ours`
    nobody but this process can give back what is missing: its own descriptors.
    """

    def __init__(self, reason: str, *, transient: bool = False, ours: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient
        self.ours = ours


def refusal(error: OSError, what: str) -> StartRefused:
    """A refused start from a system error: pressure may pass, anything else will not."""
    number = error.errno or 0
    reason = ": ".join(filter(None, (what, error.strerror, _REMEDIES.get(number))))
    return StartRefused(reason, transient=number in PRESSURE, ours=number == errno.EMFILE)


def refused_variable(environment: Mapping[bytes, bytes]) -> str:
    """Which variable the system does not take, in words, and never its value; empty if none."""
    for name, value in environment.items():
        if not name or b"=" in name or b"\0" in name + value:
            shown = name.decode("utf-8", "replace")
            return f"the environment variable {shown!r} cannot be passed on"
    return ""
