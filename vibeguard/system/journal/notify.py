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


def open_inotify() -> int | None:
    """A non-blocking descriptor that watches nothing yet; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    descriptor = ctypes.CDLL(None).inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    return None if descriptor < 0 else int(descriptor)


def add_watch(descriptor: int, path: bytes, events: int) -> int:
    """Watch a file or a folder; the number of the watch, negative where it is refused."""
    add = ctypes.CDLL(None).inotify_add_watch
    return int(add(descriptor, ctypes.c_char_p(path), ctypes.c_uint32(events)))


def watch(fd: int) -> int | None:
    """A non-blocking descriptor that turns readable when the file open as `fd` changes.

    None where the system has no inotify or no watch is left. Close it with os.close.
    """
    notify = open_inotify()
    # Through /proc it is this very file that is watched, whatever has its name by now.
    if notify is not None and add_watch(notify, b"/proc/self/fd/%d" % fd, _EVENTS) < 0:
        os.close(notify)
        return None
    return notify


def drain(notify: int) -> None:
    """Forget the changes announced so far."""
    try:
        while len(os.read(notify, _BUFFER_BYTES)) == _BUFFER_BYTES:
            pass
    except BlockingIOError:
        return
