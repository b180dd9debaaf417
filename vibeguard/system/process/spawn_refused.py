"""Why a command was not started, in words; and whether that may pass."""

import errno

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
