"""Being told that a file has changed: inotify on Linux, nothing elsewhere (callers poll anyway)."""

import ctypes
import os
import sys
from typing import Final

_IN_MODIFY: Final = 0x002
_IN_ATTRIB: Final = 0x004  # also sent when the last name of an open file goes
_IN_CLOSE_WRITE: Final = 0x008  # also sent when a writer dies
_IN_MOVE_SELF: Final = 0x800
_EVENTS: Final = _IN_MODIFY | _IN_ATTRIB | _IN_CLOSE_WRITE | _IN_MOVE_SELF
_BUFFER_BYTES: Final = 4096


def watch(fd: int) -> int | None:
    """A non-blocking descriptor that turns readable when the file open as `fd` changes.

    None where the system has no inotify or no watch is left. Close it with os.close.
    """
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    notify = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if notify < 0:
        return None
    # Through /proc it is this very file that is watched, whatever has its name by now.
    path = f"/proc/self/fd/{fd}".encode()
    if library.inotify_add_watch(notify, path, ctypes.c_uint32(_EVENTS)) < 0:
        os.close(notify)
        return None
    return int(notify)


def drain(notify: int) -> None:
    """Forget the changes announced so far."""
    try:
        while len(os.read(notify, _BUFFER_BYTES)) == _BUFFER_BYTES:
            pass
    except BlockingIOError:
        return
