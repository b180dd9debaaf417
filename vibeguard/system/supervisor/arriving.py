"""The launch, read in a thread while Trio is imported.

Where checks go to workers, their files are captured from then on: git works on the second core
for as long as the import takes, and without that for as long after it (docs/performance.md).
"""

import os
from typing import TYPE_CHECKING

from vibeguard.system.channel import Launch, OrderReader
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.in_thread import InThread

if TYPE_CHECKING:
    from outcome import Outcome

    from vibeguard.system.pool.shipment import Capture


class Arriving:
    """The launch on its way, and what has begun for it."""

    def __init__(self, orders: OrderReader) -> None:
        self._orders = orders
        self._read = InThread(self._read_launch)
        self._capture: Outcome[Capture] | None = None

    def begin(self) -> None:
        """Start to read it."""
        self._read.begin()

    def launch(self) -> Launch | None:
        """Wait for it; None when the front has nothing to launch."""
        return self._read.result()

    def capture(self, launch: Launch) -> "Capture":
        """The files of this launch, on their way. Raises UsageError."""
        return (self._capture or _begin_capture(launch)).unwrap()

    def _read_launch(self) -> Launch | None:
        launch = self._orders.read_launch()
        # What is staged has to be laid out first, and is another folder then.
        if launch is not None and launch.staged is None and goes_to_workers(launch):
            self._capture = _begin_capture(launch)
        return launch


def goes_to_workers(launch: Launch) -> bool:
    """Whether a check of it runs on another machine."""
    return any(check.where is not None for check in launch.plan.checks)


def _begin_capture(launch: Launch) -> "Outcome[Capture]":
    import outcome  # noqa: PLC0415 - Trio is imported by the other thread

    from vibeguard.system.pool.shipment import begin_capture  # noqa: PLC0415 - only with workers

    environment = without_git_locals(launch.environment)
    return outcome.capture(begin_capture, os.fsdecode(launch.folder), environment)
