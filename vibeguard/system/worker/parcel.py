"""What comes back from a check's folder: `file`, `results` and `artifacts`, as one archive.

Regular files below the working folder only, no links, in sorted order, within a limit. What was
asked for and is not sent is named, each with the reason.
"""

import errno
import os
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from hashlib import file_digest, sha256
from typing import Final

from msgspec import Struct

from vibeguard.system.discovery.filestate import FileState, state_of
from vibeguard.system.discovery.named import named, note_unlisted
from vibeguard.system.rundir.files import open_below

MOST_NAMED: Final = 20
ENTRY_BYTES: Final = 1024  # of the archive, for the name and for what fills the last block


class Parcel(Struct, frozen=True):
    """An archive: its size and digest, and what was asked for and is not in it."""

    size: int = 0
    sha256: str = sha256(b"").hexdigest()
    left_out: tuple[str, ...] = ()
    unchanged: tuple[bytes, ...] = ()


States = dict[str, FileState]


def states(base: str, patterns: Iterable[str]) -> States:
    """What is there already of what these names and globs stand for, by name."""
    found: States = {}
    for pattern in dict.fromkeys(patterns):
        for name in named(base, pattern, hidden=True):
            with suppress(OSError), open(_open(base, name), "rb") as file:
                found[name] = state_of(file.fileno())
    return found


def pack(base: str, patterns: Iterable[str], limit_bytes: int, path: str, before: States) -> Parcel:
    """Write the archive to `path`; `before` is what `states` gave when the attempt began.

    Raises OSError where it cannot be written.
    """
    left_out: list[str] = []
    room = limit_bytes
    with tarfile.open(path, "w") as archive:
        for pattern in dict.fromkeys(patterns):
            missing: list[str] = []
            found = sorted(
                named(base, pattern, hidden=True, unlisted=partial(note_unlisted, missing))
            )
            if not found and not missing:
                is_folder = os.path.isdir(os.path.join(base, pattern))
                missing = [
                    "it is a folder: name its files" if is_folder else "there is no such file"
                ]
            for name in found:
                try:
                    room -= _add(archive, base, name, room, limit_bytes)
                except _LeftOut as error:
                    missing.append(f"{'it' if name == pattern else name} {error}")
            if len(missing) > MOST_NAMED:
                missing[MOST_NAMED:] = [f"and {len(missing) - MOST_NAMED} more"]
            left_out += [f"{pattern}: {what}" for what in missing]
    with open(path, "rb") as file:
        digest, total = file_digest(file, "sha256"), file.tell()
    now = states(base, before)
    unchanged = tuple(os.fsencode(name) for name, state in before.items() if now.get(name) == state)
    return Parcel(total, digest.hexdigest(), tuple(left_out), unchanged)


class _LeftOut(Exception):
    """A file is not sent; the message says why, after its name."""


def _add(archive: tarfile.TarFile, base: str, name: str, room: int, limit_bytes: int) -> int:
    """Add one file as it is now; what it takes of `room`. Raises _LeftOut."""
    try:
        descriptor = _open(base, name)
    except OSError as error:
        why = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise _LeftOut(why) from error
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        takes = ENTRY_BYTES + status.st_size
        if takes > room:
            raise _LeftOut(f"does not fit into {limit_bytes} bytes")
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = status.st_size, int(status.st_mtime)
        archive.addfile(entry, file)
        return takes


def _open(base: str, name: str) -> int:
    """Open a regular file below `base` that is no link. Raises OSError, ELOOP for a link."""
    if os.path.islink(os.path.join(base, name)):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return open_below(base, name)
