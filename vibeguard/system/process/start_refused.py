"""Why an attempt was not started, in words; and whether that may pass."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from vibeguard.core.problems import DISK_TROUBLE

PRESSURE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_REMEDIES: Final = {
    errno.EAGAIN: "raise the limit (ulimit -u, pids.max of the control group), or end processes",
    errno.EMFILE: "raise the limit (ulimit -n)",
}


class StartRefused(Exception):
    """An attempt, or its command, was not started; `reason` says why, for the user.

    `transient` marks pressure (out of descriptors, processes or memory) that may pass; with `ours`
    nobody but this process can give back what is missing: its own descriptors. `unstored` marks a
    file of the run that its disk does not take: what the run says of itself is not whole any more.
    """

    def __init__(
        self, reason: str, *, transient: bool = False, ours: bool = False, unstored: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient
        self.ours = ours
        self.unstored = unstored


def refusal(error: OSError, what: str, *, of_run: bool = False) -> StartRefused:
    """A refused start from a system error: pressure may pass, anything else will not.

    `of_run` says that it is a file of the run which could not be made.
    """
    number = error.errno or 0
    reason = ": ".join(filter(None, (what, error.strerror, _REMEDIES.get(number))))
    return StartRefused(
        reason,
        transient=number in PRESSURE,
        ours=number == errno.EMFILE,
        unstored=of_run and number in DISK_TROUBLE,
    )


@contextmanager
def storing(what: str) -> Iterator[None]:
    """A file of the run is made here, which an attempt needs; `what` is said where it cannot be.

    Raises StartRefused.
    """
    try:
        yield
    except OSError as error:
        raise refusal(error, what, of_run=True) from error


def refused_variable(environment: Mapping[bytes, bytes]) -> str:
    """Which variable the system does not take, in words, and never its value; empty if none."""
    for name, value in environment.items():
        if not name or b"=" in name or b"\0" in name + value:
            shown = name.decode("utf-8", "replace")
            return f"the environment variable {shown!r} cannot be passed on"
    return ""
