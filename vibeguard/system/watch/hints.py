"""Hints that something may have changed in a folder: inotify on Linux, nothing elsewhere.

A hint only says that it is worth looking now. What is not announced (a network file system, a
watch that the system refuses) is found by looking anyway.
"""

import os
import struct
from collections.abc import Iterable
from typing import Final

from vibeguard.system.journal.notify import add_watch, open_inotify

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x002, 0x004, 0x008
_MOVED, _CREATE, _DELETE, _DELETE_SELF = 0x0C0, 0x100, 0x200, 0x400
_ONLY_FOLDERS: Final = 0x01000000
_EVENTS: Final = (
    _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _DELETE_SELF | _ONLY_FOLDERS
)
_IGNORED: Final = 0x8000  # the folder is gone, and its watch with it
_HEADER: Final = struct.Struct("iIII")
_BUFFER_BYTES: Final = 1 << 16


class Hints:
    """Which folders are watched. `descriptor` is readable when there is a hint; None without."""

    def __init__(self) -> None:
        """No folder is watched yet."""
        self.descriptor: int | None = None
        self._watched: dict[bytes, int] = {}
        self._refused = False

    def follow(self, folders: Iterable[bytes]) -> bool:
        """Watch these folders from now on; whether one of them was not watched before.

        Where the system has no watch left, nothing is watched at all any more.
        """
        fresh = [folder for folder in folders if folder not in self._watched]
        if self._refused or not fresh:
            return False
        if self.descriptor is None:
            self.descriptor = open_inotify()
        if self.descriptor is None:
            self._refused = True
            return False
        for folder in fresh:
            watch = add_watch(self.descriptor, folder, _EVENTS)
            if watch >= 0:
                self._watched[folder] = watch
            elif os.path.isdir(folder):
                self._give_up()
                return False
        return True

    def drain(self) -> None:
        """Forget the hints that have come, and the folders that are gone."""
        if self.descriptor is None:
            return
        gone: set[int] = set()
        try:
            while data := os.read(self.descriptor, _BUFFER_BYTES):
                gone.update(_ignored(data))
        except BlockingIOError:
            pass
        if gone:
            self._watched = {f: watch for f, watch in self._watched.items() if watch not in gone}

    def _give_up(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor, self._refused = None, True
        self._watched = {}


def _ignored(data: bytes) -> Iterable[int]:
    position = 0
    while position + _HEADER.size <= len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, position)
        if mask & _IGNORED:
            yield watch
        position += _HEADER.size + length
