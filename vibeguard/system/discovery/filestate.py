"""What a file is at one moment, so that it can be told whether it was written since."""

import os
from hashlib import blake2b

from msgspec import Struct

_SAMPLE_BYTES = 64 << 10


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
