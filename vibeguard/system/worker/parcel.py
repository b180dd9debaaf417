"""What comes back from a check's folder: `file`, `results` and `artifacts`, as one archive.

Regular files below the working folder only, no links, in sorted order, within a limit. What is
missing or too large is named, not sent.
"""

import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256

from msgspec import Struct

from vibeguard.system.discovery.filestate import FileState, state_of
from vibeguard.system.rundir.files import open_regular


class Parcel(Struct, frozen=True):
    """An archive: its size and digest, and what was asked for and is not in it."""

    size: int = 0
    sha256: str = sha256(b"").hexdigest()
    left_out: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


States = dict[str, FileState]


def states(base: str, patterns: Iterable[str]) -> States:
    """What is there already of what these names and globs stand for, by name."""
    found: States = {}
    for pattern in dict.fromkeys(patterns):
        for name in _matches(base, pattern):
            with suppress(OSError), open(open_regular(os.path.join(base, name)), "rb") as file:
                found[name] = state_of(file.fileno())
    return found


def pack(base: str, patterns: Iterable[str], limit_bytes: int, path: str, before: States) -> Parcel:
    """Write the archive to `path`; `before` is what `states` gave when the attempt began.

    Raises OSError where it cannot be written.
    """
    patterns = tuple(dict.fromkeys(patterns))
    left_out: list[str] = []
    room = limit_bytes
    with tarfile.open(path, "w") as archive:
        for pattern in patterns:
            found = list(_matches(base, pattern))
            if not found:
                left_out.append(f"{pattern}: there is no such file")
            for name in found:
                size = _add(archive, base, name, room)
                if size is None:
                    what = f"{'it' if name == pattern else name} does not fit"
                    left_out.append(f"{pattern}: {what} into {limit_bytes} bytes")
                else:
                    room -= size
    digest, total = sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            total += len(chunk)
    now = states(base, before)
    unchanged = tuple(name for name, state in before.items() if now.get(name) == state)
    return Parcel(total, digest.hexdigest(), tuple(left_out), unchanged)


def _add(archive: tarfile.TarFile, base: str, name: str, room: int) -> int | None:
    """Add one file as it is now; its size, or None where it does not fit or is no file any more."""
    try:
        descriptor = open_regular(os.path.join(base, name))
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if status.st_size > room:
            return None
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = status.st_size, int(status.st_mtime)
        archive.addfile(entry, file)
        return status.st_size


def _matches(base: str, pattern: str) -> Iterator[str]:
    """The files that a name or glob stands for, inside of `base`, sorted."""
    from glob import glob  # noqa: PLC0415 - seldom needed

    top = os.path.realpath(base)
    for name in sorted(glob(pattern, root_dir=base, recursive=True, include_hidden=True)):
        path = os.path.realpath(os.path.join(base, name))
        inside = os.path.commonpath([top, path]) == top
        if inside and os.path.isfile(path) and not os.path.islink(os.path.join(base, name)):
            yield name
