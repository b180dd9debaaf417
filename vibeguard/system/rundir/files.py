"""Folders of mode 0700 and files of mode 0600, made whole or not at all."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vibeguard.core.problems import DISK_TROUBLE, shortage

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_NO_MODES = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_IN_ITS_PLACE = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO)
_NOT_REPLACED = (errno.EACCES, errno.EPERM, errno.EBUSY)
_MODE_OF_NEW = 0o644
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MOST_REPLACED = 3  # a check could do it for ever


class ModeRefused(PermissionError):
    """The file system takes no modes, and shows one that will not do."""


class FileIdentity(NamedTuple):
    """Which file it is, and when it last changed (nanoseconds since the epoch)."""

    device: int
    inode: int
    changed_ns: int


def identity_of(status: os.stat_result) -> FileIdentity:
    """The identity of the file that a status is of."""
    return FileIdentity(status.st_dev, status.st_ino, status.st_ctime_ns)


def make_folder(path: str) -> None:
    """Make a folder that only its owner can enter. Raises OSError, FileExistsError included."""
    os.mkdir(path, FOLDER_MODE)
    _set_mode(path, FOLDER_MODE)


def create_file(path: str, *, flags: int, dir_fd: int | None = None) -> int:
    """Create a file that only its owner can open, and return its descriptor.

    Raises FileExistsError when there is anything of that name, a dangling symlink included.
    """
    flags |= os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return _for_its_owner(os.open(path, flags, FILE_MODE, dir_fd=dir_fd))


def write_new(path: str, data: bytes) -> None:
    """Create such a file with this content. Raises OSError, as `create_file` does."""
    with open(create_file(path, flags=os.O_WRONLY), "wb") as file:
        file.write(data)


def open_regular(path: str) -> int:
    """Open a file for reading where a check may have put anything; the descriptor.

    A FIFO that nobody writes to holds nobody up. Raises OSError, for all but regular files too.
    """
    # Without O_NOFOLLOW a check could have us read what it may not, without O_NONBLOCK wait for it.
    return _regular(os.open(path, os.O_RDONLY | _CAREFULLY), path)


def open_of_users(path: str) -> int:
    """The same of a file of the user's, to which links may lead. Raises OSError."""
    return open_regular(os.path.realpath(path))


def read_regular(path: str, most_bytes: int, *, end: bool = False) -> bytes:
    """The beginning of such a file, or its `end`; raises OSError as `open_regular` does."""
    with open(open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if end:
            file.seek(max(size - most_bytes, 0))
        return file.read(min(size, most_bytes))  # room for what is asked for is taken at once


def open_below(folder: str, name: str) -> int:
    """As `open_regular`, of a file that lies below `folder` when symlinks are resolved.

    A check names it, and could point it at a key of its user's. Raises OSError.
    """
    top, path = os.path.realpath(folder), os.path.realpath(os.path.join(folder, name))
    if os.path.commonpath([top, path]) != top:
        raise OSError(errno.EPERM, "outside the working folder", path)
    return open_regular(path)


def open_or_create(path: str, *, flags: int) -> int:
    """Open a file that only its owner can open, made if there is none; its descriptor.

    Raises OSError, for all but regular files too.
    """
    return _for_its_owner(_regular(os.open(path, flags | os.O_CREAT | _CAREFULLY, FILE_MODE), path))


def lock_file(path: str) -> int | None:
    """Lock such a file; the descriptor that holds the lock, or None while somebody else has it.

    Raises OSError.
    """
    fd = open_or_create(path, flags=os.O_RDWR)
    try:
        # A lock of the kernel, not a file that is there: it goes with its holder, however that dies
        # (ADR 0008).
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    return fd


def _for_its_owner(fd: int) -> int:
    try:
        _set_mode(fd, FILE_MODE)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _regular(fd: int, path: str) -> int:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return fd


def told(error: OSError) -> str:
    """What the system refused, and of which file: `/a/b: Permission denied`."""
    what = error.strerror or str(error)
    return what if error.filename is None else f"{os.fsdecode(error.filename)}: {what}"


def advice_for(error: OSError) -> str:
    """What to do about a folder or file that could not be made."""
    if isinstance(error, ModeRefused):
        return "keep the state where files have modes: --state-dir"
    if error.errno in _IN_ITS_PLACE:
        return "remove what lies in its place"
    if error.errno == errno.ENAMETOOLONG:
        return "keep the state under a shorter path: --state-dir"
    if error.errno == errno.EFBIG:
        return "raise the limit (ulimit -f)"
    if lack := shortage(error):
        return lack.do
    if error.errno in (errno.EPERM, errno.ENOSYS):
        return "let the sandbox or the mount allow it, or keep the state elsewhere: --state-dir"
    if error.errno in DISK_TROUBLE - {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
        return "see to the disk, or keep the state elsewhere: --state-dir"
    return "make room, make the folder writable, or keep the state elsewhere: --state-dir"


def _set_mode(target: str | int, mode: int) -> None:
    """Give what was just made its mode: the umask may have taken bits away, the mount added some.

    Some mounts (FUSE, vfat, a sandbox) refuse chmod. What others may then read is said in the run
    (`run.weakened`); where they may write, a log could be anybody's: ModeRefused.
    """
    try:
        os.chmod(target, mode)
    except OSError as error:
        if error.errno not in _NO_MODES:
            raise
        if os.stat(target).st_mode & OTHERS_WRITE:
            why = "this mount refuses chmod, and lets others write"
            raise ModeRefused(error.errno, why, error.filename) from error


def _set_mode_of_users(path: str, mode: int) -> None:
    """Give a file of the user's its mode; on a mount that refuses chmod it has to run as it is."""
    try:
        os.chmod(path, mode)
    except OSError as error:
        if error.errno not in _NO_MODES:
            raise
        if mode & stat.S_IXUSR and not os.stat(path).st_mode & stat.S_IXUSR:
            why = "chmod is refused, and the mount makes no file executable"
            raise ModeRefused(error.errno, why, path) from error


def replace_file(path: str, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Put `data` at `path` in one step: a reader sees the old content or the new, never a part.

    Raises OSError, which names this file; nothing is left beside it then.
    """
    temporary = unique_sibling(path)
    try:
        with open(create_file(temporary, flags=os.O_WRONLY), "wb") as file:
            file.write(data)
        if mode != FILE_MODE:  # which it has as far as the mount takes modes
            _set_mode_of_users(temporary, mode)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # it may have its place by now
            os.unlink(temporary)
        if isinstance(error, OSError):  # it is told by the write without a name, or by two
            error.filename, error.filename2 = path, None
        raise


def rewrite_file(path: str, data: bytes) -> None:
    """Let a file of the user's hold `data`: all of it, or what it held before.

    Links that lead to it stay, and its mode; a new one can be read by everybody. Where nothing can
    take its place (a folder that is not ours, a mount of its own) it is written through. Raises
    OSError, which names a file.
    """
    real = os.path.realpath(path)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | _MODE_OF_NEW
    try:
        if stat.S_ISREG(mode):
            replace_file(real, data, mode=stat.S_IMODE(mode))
            return
    except OSError as error:
        if error.errno not in _NOT_REPLACED:
            raise
    with open(path, "wb") as file:
        file.write(data)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it: a disk that fills takes a part first, and says so at the next. OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def append_lines(path: str, lines: bytes, *, first: Iterable[bytes] = ()) -> int:
    """Add whole lines in one write, so that those of two writers do not mix; the size then.

    A new file begins with `first`. After a line that was cut (a crash of the machine, a full disk)
    a new one begins. Where another file took its place meanwhile, that gets them, too: who made it
    may not have seen them. Raises OSError.
    """
    for _ in range(_MOST_REPLACED):
        descriptor = open_or_create(path, flags=os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            added = lines
            if size == 0:
                added = b"".join((*first, lines))
            elif os.pread(descriptor, 1, size - 1) != b"\n":
                added = b"\n" + lines
            write_all(descriptor, added)
            if lies_at(path, descriptor):
                break
        finally:
            os.close(descriptor)
    return size + len(added)


def lies_at(path: str, descriptor: int) -> bool:
    """Whether this open file is what lies there now."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    return False


@contextlib.contextmanager
def whole_or_gone(path: str) -> Iterator[None]:
    """Around the writing of a file: where that fails nothing is left that passes for a short one.

    What is no regular file stays.
    """
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if os.path.isfile(path):
                os.unlink(os.path.realpath(path))
        raise


def unique_sibling(path: str) -> str:
    """A hidden name beside `path` that nobody else uses, short enough whatever the name."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:50]}.{os.getpid()}.{os.urandom(6).hex()}")
