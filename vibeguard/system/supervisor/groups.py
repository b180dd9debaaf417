"""Groups across runs: checks of one group never run at the same time in one state folder.

Within a run the slots see to it; between runs a lock file does, which dies with its holder.
"""

import contextlib
import errno
import os
from hashlib import sha256

import trio

from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import CheckState
from vibeguard.system.process.orphans import marks_around
from vibeguard.system.process.spawn import usable_descriptors
from vibeguard.system.process.start_refused import StartRefused, storing
from vibeguard.system.rundir.files import lock_file, make_folder, read_regular
from vibeguard.system.supervisor.support import Patience

POLL_S = 0.1
# What the supervisor has open by itself, and what a check of a group takes: three and its lock.
OWN_DESCRIPTORS = 24
DESCRIPTORS_PER_CHECK = 4
_LONGEST = 4096


class Groups:
    """The lock files of the groups that this run uses. An empty name is no group."""

    def __init__(self, folder: str, run_id: str = "") -> None:
        """`folder` holds one file a group; it is made when the first group needs it."""
        self._folder = folder
        self._run_id = run_id
        self._held: dict[str, int] = {}

    def acquire(self, group: str, check: str = "") -> bool:
        """Take the group for this check if no other run has it.

        Raises StartRefused when its lock cannot be had at all, or not at this moment.
        """
        if not group:
            return True
        with storing(f"the lock of group {group} cannot be had"):
            self._leave_room()
            with contextlib.suppress(FileExistsError):
                make_folder(self._folder)
            name = sha256(group.encode()).hexdigest()[:32]
            path = os.path.join(self._folder, name)
            descriptor = lock_file(path)
        if descriptor is None:
            _refuse_to_wait_for_ourselves(group, path)
            return False
        self._held[group] = descriptor
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{self._run_id} {check}".encode(), 0)
        return True

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


def _refuse_to_wait_for_ourselves(group: str, path: str) -> None:
    """Raises StartRefused where a check has the group that this run is a part of."""
    with contextlib.suppress(OSError):
        run_id, _, check = read_regular(path, _LONGEST).partition(b" ")
        if any(mark.run == run_id and mark.check == check for mark in marks_around()):
            holder = f"check {check.decode()}, which waits for this run"
            raise StartRefused(f"the group {group} is held by {holder}: both would wait for ever")


async def wait_released(groups: Groups, patience: Patience, record: CheckRecord) -> None:
    """Wait until the check's group may be free, or the check has settled meanwhile.

    Nothing tells when a lock file is released, so this looks every 100 ms. Another run may be
    quicker to take it afterwards. Raises StartRefused when the lock can never be had.
    """
    await trio.sleep(POLL_S)
    while record.state is not CheckState.SETTLED:
        try:
            if groups.acquire(record.group, record.planned.id):
                groups.release(record.group)
                return
            patience.renew()
        except StartRefused as refusal:
            patience.bear(refusal)
        await trio.sleep(POLL_S)
