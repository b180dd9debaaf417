"""What the files below a folder hold, read soundly: a manifest that no edit can slip past.

A file is read unless its signature (device, inode, size, mode, times) is that of an entry that was
settled. An entry is settled when its file's ctime lies before a moment of the file system's own
clock that came before the reading: whatever is written after that moment gets another ctime. The
clock is read off a nameless file on the same file system (`O_TMPFILE`). Racy files (written in the
present tick) are read again in the next one; on file systems that are not known to keep ctime, and
where the clock does not move on, nothing is settled.

Not covered: stores into a mapping of a file that was dirty before (mmap(2)).
"""

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import sha256

from vibeguard.core.reuse.manifest import Entry, Kind, Signature
from vibeguard.system.clock import monotonic_s, sleep_s

# Where an lstat says the truth about content: local file systems with a ctime of their own.
_KEEPS_CTIME = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "f2fs", "zfs"}
)
_NEVER_INPUT = frozenset({b".git", b".vibeguard"})
_TICK_S = 0.002
_LONGEST_TICK_S = 2.1  # FAT and HFS+ count in steps of two seconds
_CHUNK = 1 << 17  # a larger buffer costs a small file more than reading it


def walk(
    root: bytes,
    names: Callable[[bytes], Collection[bytes] | None] = lambda _: None,
    *,
    folders: bool = False,
) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
    """Every entry below `root` that is no folder, by its name from there, in no order.

    With `folders` these come too, but for `root`. `names` says of a folder which in it may count,
    None for all; one where none may is not read. Raises OSError for a folder that cannot be read.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        counted = names(folder)
        if counted is not None and not counted:
            continue
        try:
            found = os.scandir(os.path.join(root, folder))
        except FileNotFoundError:
            continue
        with found:
            for entry in found:
                name = entry.name
                if name in _NEVER_INPUT or (counted is not None and name not in counted):
                    continue
                path = folder + b"/" + name if folder else name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                    if not folders:
                        continue
                yield path, entry


def signatures(folder: bytes, paths: Iterable[bytes]) -> dict[bytes, Signature | None]:
    """What an lstat tells of each path, relative to the folder; None where nothing lies.

    Raises OSError where there is no such folder.
    """
    told: dict[bytes, Signature | None] = {}
    # Asked of every file of a tree: by absolute paths it takes a sixth more.
    start = os.open(folder, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)  # Linux has it
    try:
        for path in paths:
            try:
                told[path] = signature_of(os.lstat(path, dir_fd=start))
            except OSError:
                told[path] = None
    finally:
        os.close(start)
    return told


def scan(
    root: bytes,
    paths: Iterable[bytes],
    remembered: Mapping[bytes, Entry] | None = None,
    told: Mapping[bytes, Signature | None] | None = None,
) -> dict[bytes, Entry]:
    """The entry of each path, relative to `root`.

    `remembered` are entries of an earlier scan, by path: a settled one whose signature is the same
    is not read again. `told` are signatures that were just taken: a file is not asked twice.
    """
    known, told = remembered or {}, told or {}
    clocks: dict[int, int | None] = {}
    entries = {}
    for path in paths:
        same, now = known.get(path), told.get(path)
        if not (same and now and same.settled and same.kind is Kind.FILE and same.signature == now):
            same = _entry(root, path, same, clocks, now)
        entries[path] = same
    return _settle(root, entries, clocks)


def _entry(
    root: bytes,
    path: bytes,
    known: Entry | None,
    clocks: dict[int, int | None],
    told: Signature | None = None,
) -> Entry:
    signature = told or _signature_at(os.path.join(root, path), follow=False)
    if signature is None:
        return Entry(path, Kind.ABSENT)
    same = known if known and known.settled and known.signature == signature else None
    if same and same.kind is Kind.FILE:
        return same
    full = os.path.join(root, path)
    if same and same.kind is Kind.LINK and same.through == _signature_at(full, follow=True):
        return same
    if stat.S_ISLNK(signature.mode):
        return _link(full, path, signature, clocks)
    if stat.S_ISDIR(signature.mode):
        return Entry(path, Kind.FOLDER, Signature(0, 0, 0, signature.mode, 0, 0), settled=True)
    if not stat.S_ISREG(signature.mode):
        return Entry(path, Kind.OTHER, signature)
    before = _clock(full, signature.device, clocks)
    digest, read = _read(full, follow=False)
    if read != signature:
        return Entry(path, Kind.FILE, read, digest)  # it is being written: not settled
    settled = before is not None and signature.ctime_ns < before
    return Entry(path, Kind.FILE, signature, digest, settled=settled)


def _link(full: bytes, path: bytes, signature: Signature, clocks: dict[int, int | None]) -> Entry:
    """A link counts with its target and the content that it leads to."""
    try:
        target = os.readlink(full)
    except OSError:
        return Entry(path, Kind.OTHER, signature)
    through = _signature_at(full, follow=True)
    if through is None:
        before = _clock(full, signature.device, clocks)
        settled = before is not None and signature.ctime_ns < before
        return Entry(path, Kind.LINK, signature, target=target, settled=settled)
    if not stat.S_ISREG(through.mode):
        return Entry(path, Kind.OTHER, signature, target=target, through=through)
    own = _clock(full, signature.device, clocks)
    other = _clock(os.path.realpath(full), through.device, clocks)
    digest, read = _read(full, follow=True)
    if not digest:  # another user's, or what only looks like a file (/proc/1/mem)
        return Entry(path, Kind.OTHER, signature, target=target, through=through)
    settled = (
        own is not None
        and other is not None
        and signature.ctime_ns < own
        and through.ctime_ns < other
        and read == through
    )
    return Entry(path, Kind.LINK, signature, digest, target, read or through, settled=settled)


def _settle(
    root: bytes, entries: dict[bytes, Entry], clocks: dict[int, int | None]
) -> dict[bytes, Entry]:
    """Read what is racy again in a later tick of the clock; give up after the longest tick."""
    give_up = monotonic_s() + _LONGEST_TICK_S
    while monotonic_s() < give_up:
        racy = [e for e in entries.values() if not e.settled and _may_settle(e, clocks)]
        if not racy:
            break
        sleep_s(_TICK_S)
        for device, reading in list(clocks.items()):
            if reading is not None:
                del clocks[device]
        for entry in racy:
            entries[entry.path] = _entry(root, entry.path, None, clocks)
    return entries


def _may_settle(entry: Entry, clocks: Mapping[int, int | None]) -> bool:
    if entry.signature is None or entry.kind is Kind.OTHER:
        return False
    devices = [entry.signature.device, *([entry.through.device] if entry.through else [])]
    return all(clocks.get(device) is not None for device in devices)


def _read(path: bytes, *, follow: bool) -> tuple[str, Signature | None]:
    """The digest of a regular file and its signature, if that was the same before and after.

    What goes on beyond its size is being written, or is no file and may have no end (in /proc).
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return "", None
    try:
        before = signature_of(os.fstat(descriptor))
        digest = sha256()
        left = before.size + 1
        while left and (chunk := os.read(descriptor, min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
        same = left > 0 and before == signature_of(os.fstat(descriptor))
    except OSError:
        return "", None
    finally:
        os.close(descriptor)
    return digest.hexdigest(), before if same else None


def _signature_at(path: bytes, *, follow: bool) -> Signature | None:
    try:
        return signature_of(os.stat(path, follow_symlinks=follow))
    except OSError:
        return None


def signature_of(status: os.stat_result) -> Signature:
    """What the file system says of a file."""
    return Signature(
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mode,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _clock(path: bytes, device: int, clocks: dict[int, int | None]) -> int | None:
    """The present of the file system that `path` lies on; None where it cannot be told.

    Read once a scan and device: an earlier moment is only more careful.
    """
    if device not in clocks:
        folder = os.path.dirname(path)
        clocks[device] = _present(folder) if _file_system(device) in _KEEPS_CTIME else None
    return clocks[device]


def _present(folder: bytes) -> int | None:
    try:
        nameless = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        return os.fstat(nameless).st_ctime_ns
    finally:
        os.close(nameless)


def _file_system(device: int) -> str:
    """The type of the file system with this device number, as the kernel names it."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                fields = line.split(" ")
                if fields[2] == wanted:
                    return fields[fields.index("-") + 1]
    except (OSError, ValueError, IndexError):
        return ""
    return ""
