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
        self._launch: Launch | None = None
        self._failure: Exception | None = None
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
        else:
            self._work()
        if self._failure is not None:
            raise self._failure
        return self._launch

    def capture(self, launch: Launch) -> "Capture":
        """The files of this launch, on their way. Raises UsageError."""
        return (self._capture or _begin_capture(launch)).unwrap()

    def _work(self) -> None:
        try:
            self._launch = launch = self._orders.read_launch()
        except Exception as error:  # noqa: BLE001 - raised where the launch is asked for
            self._failure = error
            return
        # What is staged has to be laid out first, and is another folder then.
        if launch is not None and launch.staged is None and goes_to_workers(launch):
            self._capture = _begin_capture(launch)


def goes_to_workers(launch: Launch) -> bool:
    """Whether a check of it runs on another machine."""
    return any(check.where is not None for check in launch.plan.checks)


def _begin_capture(launch: Launch) -> "Outcome[Capture]":
    import outcome  # noqa: PLC0415 - Trio is imported by the other thread

    from vibeguard.system.pool.shipment import begin_capture  # noqa: PLC0415 - only with workers

    environment = without_git_locals(launch.environment)
    return outcome.capture(begin_capture, os.fsdecode(launch.folder), environment)
