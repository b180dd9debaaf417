"""Groups across runs: checks of one group never run at the same time in one state folder.

Within a run the slots see to it; between runs a lock file does, which dies with its holder.
"""

import contextlib
import fcntl
import os
from hashlib import sha256

import trio

from vibeguard.system.rundir.files import make_folder, open_or_create

POLL_S = 0.1


class Groups:
    """The lock files of the groups that this run uses. An empty name is no group."""

    def __init__(self, folder: str) -> None:
        """`folder` holds one file a group; it is made when the first group needs it."""
        self._folder = folder
        self._held: dict[str, int] = {}

    def acquire(self, group: str) -> bool:
        """Take the group for this run if no other run has it."""
        if not group:
            return True
        with contextlib.suppress(FileExistsError):
            make_folder(self._folder)
        name = sha256(group.encode()).hexdigest()[:32]
        descriptor = open_or_create(os.path.join(self._folder, name), flags=os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._held[group] = descriptor
        return True

    def release(self, group: str) -> None:
        """Give the group back; harmless when it is not held."""
        descriptor = self._held.pop(group, None)
        if descriptor is not None:
            os.close(descriptor)

    async def wait_released(self, group: str) -> None:
        """Until another run has let go of the group; somebody else may be quicker to take it.

        Lock files tell nobody when they are released, so this looks every 100 ms.
        """
        while not self.acquire(group):  # noqa: ASYNC110 - a lock announces nothing
            await trio.sleep(POLL_S)
        self.release(group)
