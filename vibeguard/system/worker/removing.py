"""Removes what a worker does not need any more.

All that comes within a second goes in one thread: a thread for each attempt took a third
of a worker's time, for it and the worker's loop wait for each other at every file.
"""

from collections.abc import Iterable
from typing import Final

import trio

from vibeguard.system.removal import remove_tree

GATHER_S: Final = 1.0
# The longest that removing files may delay an end; the next worker in the folder removes the rest.
CLEAN_UP_S: Final = 10.0


class Removing:
    """What is to be removed, and the task that does it."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._news = trio.Event()

    def remove(self, *paths: str) -> None:
        """Have files and folders removed soon; those that are not there do no harm."""
        self._paths += paths
        self._news.set()

    async def hold(self) -> None:
        """Remove until cancelled; what is left then is for `finish`."""
        while True:
            await self._news.wait()
            await trio.sleep(GATHER_S)
            await self.finish()

    async def finish(self) -> None:
        """Remove all that there is, within a bound."""
        paths, self._paths = self._paths, []
        self._news = trio.Event()
        with trio.move_on_after(CLEAN_UP_S, shield=True):
            await trio.to_thread.run_sync(_remove, paths, abandon_on_cancel=True)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        remove_tree(path)
