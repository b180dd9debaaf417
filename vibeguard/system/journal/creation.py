"""The birth of a run folder: whole, private and locked before anybody can see it."""

import contextlib
import errno
import os
from typing import Final

from msgspec import Struct

from vibeguard.core.problems import LogWriteError
from vibeguard.system.journal.lock import lock_for_writing
from vibeguard.system.journal.tamper import Landmark, landmark
from vibeguard.system.rundir.control import CONTROL
from vibeguard.system.rundir.files import advice_for, create_file, make_folder
from vibeguard.system.rundir.ids import new_run_id, run_folder
from vibeguard.system.rundir.latest import update_latest
from vibeguard.system.rundir.order import note_started, read_order
from vibeguard.system.rundir.refused import refused_since

# The reserve is room for the last events of a run on a disk that has become full. It is not sparse:
# a hole takes no room, and there would be none to give up (ADR 0044).

RESERVE_NAME: Final = "reserve"
_ZEROS: Final = bytes(1 << 16)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """A file of zeros in the run folder; giving it up makes room for as many bytes of log."""

    def __init__(self, folder_fd: int) -> None:
        self._folder_fd = folder_fd
        self._held = False

    def hold(self, size: int) -> None:
        """Keep `size` bytes free. Raises OSError where there is no room, or none can be written."""
        fd = create_file(RESERVE_NAME, flags=os.O_WRONLY, dir_fd=self._folder_fd)
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
                os.unlink(RESERVE_NAME, dir_fd=self._folder_fd)
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


LOG_NAME: Final = "events.jsonl"
OUTPUT: Final = "output"
UNBORN: Final = ".new-"
RESERVE_BYTES: Final = 64 << 10
_TRIES: Final = 5


class RunFolder(Struct):
    """A run folder: its path, open descriptors, and which files it had at the start."""

    state_dir: str
    run_id: str
    nested: bool
    path: str
    fd: int
    log_fd: int
    locked: bool
    reserve: Reserve
    log: Landmark
    landmarks: tuple[Landmark, ...]

    def close(self) -> None:
        """Close both descriptors, once: the lock dies with the log's."""
        open_fds, self.log_fd, self.fd = (self.log_fd, self.fd), -1, -1
        for fd in open_fds:
            if fd >= 0:
                os.close(fd)


def create_run_folder(
    state_dir: str, *, now_ns: int, nested: bool = False, reserve_bytes: int = RESERVE_BYTES
) -> RunFolder:
    """Make the folder of a new run and let `latest` point to it. Raises LogWriteError.

    Its id is made as late as can be, so that ids sort by creation.
    """
    temporary = os.path.join(state_dir, "runs", f"{UNBORN}{os.urandom(8).hex()}")
    try:
        with contextlib.ExitStack() as undo:
            fd, log_fd, reserve = _make_content(temporary, undo, reserve_bytes)
            locked = lock_for_writing(log_fd)
            run_id = _give_name(temporary, state_dir, now_ns)
            path = run_folder(state_dir, run_id)
            undo.callback(_take_name_back, path, temporary)
            note_started(state_dir, run_id, nested=nested)
            update_latest(state_dir)
            log = landmark(LOG_NAME, os.path.join(path, LOG_NAME))
            landmarks = (*_landmarks(state_dir, path), log)
            folder = RunFolder(
                state_dir, run_id, nested, path, fd, log_fd, locked, reserve, log, landmarks
            )
            undo.pop_all()
    except OSError as error:
        place = error.filename2 or error.filename or state_dir  # of two, the one that was new
        raise LogWriteError(
            f"a run folder cannot be made: {error.strerror} ({place})",
            advice_for(error),
        ) from error
    return folder


def _make_content(
    temporary: str, undo: contextlib.ExitStack, reserve_bytes: int
) -> tuple[int, int, Reserve]:
    """What a run folder holds before it has its name: its descriptor, the log's, the reserve."""
    # Under a name that no reader looks for, until log, lock and reserve are there: nobody ever sees
    # half a run (ADR 0043).
    make_folder(temporary)
    undo.callback(_discard, temporary)
    folder_fd = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    undo.callback(os.close, folder_fd)
    make_folder(os.path.join(temporary, OUTPUT))
    make_folder(os.path.join(temporary, CONTROL))
    flags = os.O_RDWR | os.O_APPEND
    log_fd = create_file(LOG_NAME, flags=flags, dir_fd=folder_fd)
    undo.callback(os.close, log_fd)
    reserve = Reserve(folder_fd)
    undo.callback(reserve.give_up)  # before there is any: a full disk leaves a part of it
    reserve.hold(reserve_bytes)
    return folder_fd, log_fd, reserve


def _give_name(temporary: str, state_dir: str, now_ns: int) -> str:
    """Rename the folder to its id. A name that is taken is left alone: rename(2) refuses it."""
    tries = _TRIES
    while True:
        run_id = new_run_id(now_ns, newest=_newest(state_dir))
        try:
            os.rename(temporary, run_folder(state_dir, run_id))
        except OSError:
            tries -= 1
            if not tries:
                raise
        else:
            return run_id


def _take_name_back(named: str, temporary: str) -> None:
    """Give a run that cannot begin its first name again, under which it is discarded."""
    with contextlib.suppress(OSError):
        os.rename(named, temporary)


def _newest(state_dir: str) -> str:
    """The id that a new one must sort after: of all runs, and of a refused start."""
    known = [run.run_id for run in read_order(state_dir)]
    refusal = refused_since(state_dir, known)
    return refusal.stamp if refusal is not None else max(known, default="")


def _landmarks(state_dir: str, path: str) -> tuple[Landmark, ...]:
    return (
        landmark(os.path.basename(state_dir), state_dir),
        landmark("runs", os.path.join(state_dir, "runs")),
        landmark("the run folder", path),
        landmark(OUTPUT, os.path.join(path, OUTPUT)),
        landmark(CONTROL, os.path.join(path, CONTROL)),
    )


def _discard(temporary: str) -> None:
    """Take back what was made. What cannot be removed now is removed by a later prune."""
    for name in (OUTPUT, CONTROL):
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(temporary, name))
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(temporary, LOG_NAME))
    with contextlib.suppress(OSError):
        os.rmdir(temporary)
