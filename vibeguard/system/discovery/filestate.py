"""What a file or a folder is at one moment, so that it can be told whether it was written since."""

import os
from hashlib import blake2b
from operator import attrgetter

from msgspec import Struct

_SAMPLE_BYTES = 64 << 10
# Longer than a tick of the clock that change times are of (10 ms at most): what is written later
# than that has another one.
CTIME_TICK_S = 0.011


class FileState(Struct, frozen=True):
    """A file at one moment. `sample` digests its start and its end: a ctime has a tick."""

    device: int
    inode: int
    ctime_ns: int
    size_bytes: int
    sample: bytes


def state_of(descriptor: int) -> FileState:
    """The state of an open file. Raises OSError."""
    found = os.fstat(descriptor)
    start = os.pread(descriptor, _SAMPLE_BYTES, 0)
    end = os.pread(descriptor, _SAMPLE_BYTES, max(found.st_size - _SAMPLE_BYTES, 0))
    sample = blake2b(start + end, digest_size=16).digest()
    return FileState(found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size, sample)


def looks_of(folder: str) -> bytes:
    """A digest of names, kinds and change times of all that lies below. Nothing is read.

    Empty where it cannot be looked at. Taken `CTIME_TICK_S` after the last write it tells any
    later one.
    """
    digest = blake2b(digest_size=16)
    folders = [folder]
    try:
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in sorted(entries, key=attrgetter("name")):
                    found = entry.stat(follow_symlinks=False)
                    facts = (found.st_ino, found.st_mode, found.st_size, found.st_ctime_ns)
                    digest.update(repr((entry.path, facts)).encode("utf-8", "surrogateescape"))
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    except OSError:
        return b""
    return digest.digest()
