"""What files hold: one entry a path, and the digest of a set of them.

An entry is about bytes as they lie on the disk, never about what git makes of them. Absent is not
empty: a path that was looked for and is not there has an entry too.
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from operator import attrgetter

from msgspec import Struct, msgpack

_path = attrgetter("path")
_encode = msgpack.Encoder().encode  # every field is preceded by its length


class Kind(StrEnum):
    """What lies at a path."""

    FILE = "file"
    LINK = "link"  # `target` and the content of what it names
    FOLDER = "folder"  # with its mode alone: what it holds are entries of their own
    ABSENT = "absent"
    OTHER = "other"  # a folder behind a link, a device, a pipe: nothing that could be compared


class Signature(Struct, frozen=True, array_like=True, gc=False):
    """What the file system says of a file; `system.reuse.scan` says when it proves the content."""

    device: int
    inode: int
    size: int
    mode: int
    mtime_ns: int
    ctime_ns: int


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """What lies at one path. `settled` says that its signature can stand for its content.

    `sha256` is of the content; for a link, of what it leads to. `through` is the signature of that.
    """

    path: bytes
    kind: Kind
    signature: Signature | None = None
    sha256: str = ""
    target: bytes = b""
    through: Signature | None = None
    settled: bool = False

    @property
    def reusable(self) -> bool:
        """Whether a pass may rest on it."""
        return self.kind is not Kind.OTHER and (self.settled or self.kind is Kind.ABSENT)


def manifest_digest(entries: Iterable[Entry]) -> str:
    """SHA-256 over path, kind, mode, content or target of each entry, in the order of the paths."""
    told = [(e.path, *_meaning(e)) for e in sorted(entries, key=_path)]
    return sha256(_encode(told)).hexdigest()


def stillness(entries: Iterable[Entry]) -> str:
    """Another as soon as what lies there was written to, whatever it holds now."""
    told = [(e.path, e.signature, e.through) for e in sorted(entries, key=_path)]
    return sha256(_encode(told)).hexdigest()


def differing(before: Iterable[Entry], now: Iterable[Entry]) -> list[bytes]:
    """The paths at which two manifests differ, in order."""
    old = {entry.path: _meaning(entry) for entry in before}
    new = {entry.path: _meaning(entry) for entry in now}
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def _meaning(entry: Entry) -> tuple[Kind, list[int], str, bytes]:
    """For a link, the mode of what it leads to counts as its content does."""
    own, through = entry.signature, entry.through
    modes = [own.mode & 0o7777] if own else []
    if through:
        modes.append(through.mode & 0o7777)
    return entry.kind, modes, entry.sha256, entry.target
