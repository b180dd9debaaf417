"""What a check may have done to the log while it ran: every difference as one plain sentence.

The writer knows what it wrote; these functions look at what is there (DESIGN section 6).
"""

import errno
import os
import stat
from contextlib import suppress

from msgspec import Struct

from vibeguard.core.eventlog.encode import new_digest
from vibeguard.core.model.events import CheckAttemptFinished
from vibeguard.system.rundir.files import FileIdentity, identity_of, open_regular

_CHUNK_BYTES = 1 << 18

# Up to here an output file is always hashed again. Above, only if its change time has moved, which
# nobody but root can put back: ten gigabytes of output must not hold up the end of a run.
ALWAYS_HASHED_BYTES = 64 << 20


class Landmark(Struct, frozen=True):
    """Which file or folder had a name at the start of the run."""

    name: str
    path: str
    device: int
    inode: int


class ExpectedFile(Struct, frozen=True):
    """An output file as its attempt left it; with no identity, content alone counts."""

    name: str
    path: str
    bytes: int
    sha256: str
    identity: FileIdentity | None


def landmark(name: str, path: str) -> Landmark:
    """Remember what `path` is now. Raises OSError."""
    status = os.lstat(path)
    return Landmark(name, path, status.st_dev, status.st_ino)


def replaced(mark: Landmark) -> list[str]:
    """Whether the name still means the same file or folder."""
    try:
        status = os.lstat(mark.path)
    except OSError as error:
        return [f"{mark.name} is gone ({error.strerror})"]
    if stat.S_ISLNK(status.st_mode):
        return [f"{mark.name} was replaced by a symbolic link"]
    if (status.st_dev, status.st_ino) != (mark.device, mark.inode):
        return [f"{mark.name} was replaced by another one"]
    return []


def changed_as_written(log: Landmark, size: int) -> int | None:
    """When the log that a write has just left changed; None if there is another, or more or less.

    Nanoseconds since the epoch, by the file system's clock.
    """
    try:
        status = os.lstat(log.path)
    except OSError:
        return None
    same = status.st_size == size and status.st_ino == log.inode and status.st_dev == log.device
    return status.st_ctime_ns if same else None


def altered_log(fd: int, size: int, sha256: str) -> list[str]:
    """Whether the log open as `fd` holds exactly the bytes that were written to it."""
    try:
        status = os.fstat(fd)
        digest = _digest_of(fd)
    except OSError as error:
        return [f"events.jsonl cannot be read back ({error.strerror})"]
    found = []
    if status.st_size != size:
        found.append(f"events.jsonl has {status.st_size} bytes where {size} were written")
    elif digest != sha256:
        found.append("bytes of events.jsonl are not those that were written")
    if status.st_nlink > 1:
        found.append(f"events.jsonl got another name ({status.st_nlink} hard links)")
    return found


def altered_file(expected: ExpectedFile) -> list[str]:
    """Whether an output file is still the file, with the content, that was recorded."""
    if expected.bytes == 0:
        return _altered_empty(expected)
    try:
        fd = open_regular(expected.path)
    except OSError as error:
        if error.errno == errno.EINVAL:  # not a regular file any more
            return [_replaced(expected)]
        return [f"{expected.name} is gone or unreadable ({error.strerror})"]
    try:
        return _altered_content(fd, expected)
    except OSError as error:
        return [f"{expected.name} cannot be read back ({error.strerror})"]
    finally:
        os.close(fd)


def altered_output(folder: str, attempt: CheckAttemptFinished) -> list[str]:
    """Whether an attempt's output in a run folder is what the log says (`report --verify`)."""
    if not attempt.output_sha256:
        return []
    path = os.path.normpath(os.path.join(folder, attempt.output_path))
    same = False
    if path.startswith(folder + os.sep):
        with suppress(OSError), open(open_regular(path), "rb", buffering=0) as file:
            same = _digest_of(file.fileno()) == attempt.output_sha256
    return [] if same else [f"{attempt.output_path} is not the output that was recorded"]


def _altered_empty(expected: ExpectedFile) -> list[str]:
    """Most checks print nothing: what has no content need not be opened."""
    try:
        return _altered_status(os.lstat(expected.path), expected)
    except OSError as error:
        return [f"{expected.name} is gone or unreadable ({error.strerror})"]


def _altered_content(fd: int, expected: ExpectedFile) -> list[str]:
    status = os.fstat(fd)
    found = _altered_status(status, expected)
    unmoved = identity_of(status) == expected.identity
    if found or (unmoved and expected.bytes > ALWAYS_HASHED_BYTES):
        return found
    if _digest_of(fd) != expected.sha256:
        return [f"bytes of {expected.name} are not those that were recorded"]
    return []


def _altered_status(status: os.stat_result, expected: ExpectedFile) -> list[str]:
    found = identity_of(status)
    same = expected.identity is None or found[:2] == expected.identity[:2]
    if not same or not stat.S_ISREG(status.st_mode):
        return [_replaced(expected)]
    if status.st_size != expected.bytes:
        return [f"{expected.name} has {status.st_size} bytes where {expected.bytes} were recorded"]
    return []


def _replaced(expected: ExpectedFile) -> str:
    return f"{expected.name} was replaced by another file"


def _digest_of(fd: int) -> str:
    digest = new_digest()
    offset = 0
    while chunk := os.pread(fd, _CHUNK_BYTES, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest()
