"""Room kept free on the disk, so that the last events of a run can be written when it is full.

Not sparse: a hole takes no room, and there would be none to give up (ADR 0044).
"""

import contextlib
import errno
import os
from typing import Final

from vibeguard.system.rundir.files import create_file

NAME: Final = "reserve"
_ZEROS: Final = bytes(1 << 16)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """A file of zeros in the run folder; giving it up makes room for as many bytes of log."""

    def __init__(self, folder_fd: int) -> None:
        self._folder_fd = folder_fd
        self._held = False

    def hold(self, size: int) -> None:
        """Keep `size` bytes free. Raises OSError where there is no room, or none can be written."""
        fd = create_file(NAME, flags=os.O_WRONLY, dir_fd=self._folder_fd)
        self._held = True
        try:
            _allocate(fd, size)
        finally:
            os.close(fd)

    def give_up(self) -> bool:
        """Free the room; False if there was none to free any more."""
        if not self._held:
            return False
        self._held = False
        try:
            # A check may have removed it: then its room has been used by somebody else.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(NAME, dir_fd=self._folder_fd)
        except OSError:  # the file system went read-only under the run: what failed first is told
            return False
        return True


def _allocate(fd: int, size: int) -> None:
    """Ask for the room; where the file system does not know that (ext2, NFS, FUSE), write it.

    The C library's own way out reads the file, which is open for writing alone: EBADF.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
        else:
            return
    left = size
    while left > 0:
        left -= os.write(fd, _ZEROS[:left])
