"""The lock that tells a live writer from a dead one: the kernel drops it when the writer dies.

An open-file-description lock where the system has them: it is not shared with children that
inherit no descriptor, and nobody can take it through a read-only descriptor. Elsewhere `flock`.
A pid would tell less, being used again (ADR 0042). Where neither works (some network
file systems) the writer is unknown.
"""

import errno
import fcntl
import struct

# struct flock: l_type, l_whence, l_start, l_len, l_pid, and padding to its full size.
_FLOCK = struct.Struct("hhqqi4x")
_WHOLE_FILE = (0, 0, 0, 0)  # from the start, however long the file gets
_OFD_SETLK: int | None = getattr(fcntl, "F_OFD_SETLK", None)
_OFD_GETLK: int | None = getattr(fcntl, "F_OFD_GETLK", None)
_HELD = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


def lock_for_writing(fd: int) -> bool:
    """Take the writer's lock on an open log, for as long as `fd` is open.

    False when this file system has no locks: the run goes on, but from outside its writer is
    unknown. Raises BlockingIOError when another writer holds it.
    """
    try:
        if _OFD_SETLK is not None:
            fcntl.fcntl(fd, _OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, *_WHOLE_FILE))
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise BlockingIOError(error.errno, "another writer holds the log") from error
        return False
    return True


def writer_alive(fd: int) -> bool | None:
    """Whether somebody holds the writer's lock on the log open as `fd` (read-only will do).

    None where the file system does not tell. Never takes the writer's lock itself.
    """
    try:
        if _OFD_GETLK is not None:
            answer = fcntl.fcntl(fd, _OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, *_WHOLE_FILE))
            return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)
        return _flock_is_held(fd)
    except OSError:
        return None


def _flock_is_held(fd: int) -> bool:
    """`flock` cannot be asked, only tried: a shared lock, given back, disturbs no reader."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False
