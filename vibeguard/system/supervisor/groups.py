"""Groups across runs: checks of one group never run at the same time in one state folder.

Within a run the slots see to it; between runs a lock file does, which dies with its holder.
"""

import contextlib
import errno
import os
from hashlib import sha256

import trio

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState
from vibeguard.system.process.spawn import usable_descriptors
from vibeguard.system.process.start_refused import StartRefused, refusal
from vibeguard.system.rundir.files import lock_file, make_folder
from vibeguard.system.supervisor.support import Patience

POLL_S = 0.1
# What the supervisor has open by itself, and what a check of a group takes: three and its lock.
OWN_DESCRIPTORS = 24
DESCRIPTORS_PER_CHECK = 4


class Groups:
    """The lock files of the groups that this run uses. An empty name is no group."""

    def __init__(self, folder: str) -> None:
        """`folder` holds one file a group; it is made when the first group needs it."""
        self._folder = folder
        self._held: dict[str, int] = {}

    def acquire(self, group: str) -> bool:
        """Take the group for this run if no other run has it.

        Raises StartRefused when its lock cannot be had at all, or not at this moment.
        """
        if not group:
            return True
        try:
            self._leave_room()
            with contextlib.suppress(FileExistsError):
                make_folder(self._folder)
            name = sha256(group.encode()).hexdigest()[:32]
            descriptor = lock_file(os.path.join(self._folder, name))
        except OSError as error:
            what = f"the lock of group {group} cannot be had"
            raise refusal(error, what) from error
        if descriptor is not None:
            self._held[group] = descriptor
        return descriptor is not None

    def release(self, group: str) -> None:
        """Give the group back; harmless when it is not held."""
        descriptor = self._held.pop(group, None)
        if descriptor is not None:
            os.close(descriptor)

    def _leave_room(self) -> None:
        """Refuse one more lock where the checks that hold locks could no longer all start."""
        room = (usable_descriptors() - OWN_DESCRIPTORS) / DESCRIPTORS_PER_CHECK
        if len(self._held) >= max(1.0, room):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def wait_released(groups: Groups, state: State, record: CheckRecord) -> None:
    """Wait until the check's group may be free, or the check has settled meanwhile.

    Nothing tells when a lock file is released, so this looks every 100 ms. Another run may be
    quicker to take it afterwards. Raises StartRefused when the lock can never be had.
    """
    patience = Patience(state)
    await trio.sleep(POLL_S)
    while record.state is not CheckState.SETTLED:
        try:
            if groups.acquire(record.group):
                groups.release(record.group)
                return
            patience = Patience(state)
        except StartRefused as refusal:
            patience.bear(refusal)
        await trio.sleep(POLL_S)
