"""The launch, read in a thread while Trio is imported.

Where checks go to workers, their files are captured from then on: git works on the second core
for as long as the import takes, and without that for as long after it (docs/performance.md).
"""

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from vibeguard.system.channel import Launch, OrderReader
from vibeguard.system.discovery.environment import without_git_locals

if TYPE_CHECKING:
    from outcome import Outcome

    from vibeguard.system.pool.shipment import Capture


class Arriving:
    """The launch on its way, and what has begun for it."""

    def __init__(self, orders: OrderReader) -> None:
        self._orders = orders
        self._launch: Outcome[Launch | None] | None = None
        self._capture: Outcome[Capture] | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the thread; if the system refuses one, `launch` does the work."""
        thread = threading.Thread(target=self._work, daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def launch(self) -> Launch | None:
        """Wait for it; None when the front has nothing to launch."""
        if self._thread is not None:
            self._thread.join()
        return (self._launch or self._work()).unwrap()

    def capture(self, launch: Launch) -> "Capture":
        """The files of this launch, on their way. Raises UsageError."""
        return (self._capture or _begin_capture(launch)).unwrap()

    def _work(self) -> "Outcome[Launch | None]":
        import outcome  # noqa: PLC0415 - Trio is imported by the other thread

        self._launch = found = outcome.capture(self._orders.read_launch)
        launch = found.value if isinstance(found, outcome.Value) else None
        # What is staged has to be laid out first, and is another folder then.
        if launch is not None and launch.staged is None and goes_to_workers(launch):
            self._capture = _begin_capture(launch)
        return found


def goes_to_workers(launch: Launch) -> bool:
    """Whether a check of it runs on another machine."""
    return any(check.where is not None for check in launch.plan.checks)


def _begin_capture(launch: Launch) -> "Outcome[Capture]":
    import outcome  # noqa: PLC0415 - as above

    from vibeguard.system.pool.shipment import begin_capture  # noqa: PLC0415 - only with workers

    environment = without_git_locals(launch.environment)
    return outcome.capture(begin_capture, os.fsdecode(launch.folder), environment)
