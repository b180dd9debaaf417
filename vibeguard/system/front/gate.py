"""A lock, so that one run at a time starts in a state folder and sees which others are live."""

import os
from typing import Final

from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.rundir.files import lock_file

NAME: Final = "starting"
POLL_S: Final = 0.02


class StartGate:
    """Closed by whoever starts; opened when its run is recorded, or when it dies."""

    def __init__(self, state_dir: str) -> None:
        """`state_dir` must exist."""
        self._path = os.path.join(state_dir, NAME)
        self._descriptor: int | None = None

    def close(self, patience_s: float) -> bool:
        """Wait for other starts, at most so long; whether this is now the only one.

        A lock file tells nobody when it is released, so this looks every 20 ms.
        """
        give_up = monotonic_s() + patience_s
        try:
            while (descriptor := lock_file(self._path)) is None and monotonic_s() < give_up:
                sleep_s(POLL_S)
        except OSError:  # there can be no lock here
            return False
        self._descriptor = descriptor
        return descriptor is not None

    def open(self) -> None:
        """Let the next start look; harmless when it is open."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
