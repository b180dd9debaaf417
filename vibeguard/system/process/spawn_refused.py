"""Why a command was not started, in words; and whether that may pass."""

import errno
from collections.abc import Mapping

PRESSURE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class SpawnRefused(Exception):
    """The command was not started; `reason` is for the user, `transient` means pressure."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient


def refusal(error: OSError, what: str) -> SpawnRefused:
    """A refused start from a system error: pressure may pass, anything else will not."""
    return SpawnRefused(f"{what}: {error.strerror}", transient=error.errno in PRESSURE)


def refused_variable(environment: Mapping[bytes, bytes]) -> str:
    """Which variable the system does not take, in words, and never its value; empty if none."""
    for name, value in environment.items():
        if not name or b"=" in name or b"\0" in name + value:
            shown = name.decode("utf-8", "replace")
            return f"the environment variable {shown!r} cannot be passed on"
    return ""
