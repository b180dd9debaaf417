"""A folder of one run in the state folder, and its removal by whoever comes after a SIGKILL.

Whoever uses it holds a shared lock; what nobody holds is swept at the next command. Where the work
tree had to be copied, `COPY` in it says where to, from before there is one.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from vibeguard.system.removal import remove_tree
from vibeguard.system.rundir.files import make_folder, replace_file

_FOLDER: Final = "staged"
_LOCK: Final = ".lock"
_COPY: Final = "copy"
_PREFIX: Final = "vibeguard-staged-"


class Scratch(Struct, frozen=True):
    """A folder that this process holds: where it is, and the descriptor of its lock."""

    path: str
    lock: int

    def place_for_copy(self, name: str) -> str:
        """A new folder of this name outside of every repository, noted before it is made."""
        from tempfile import gettempdir  # noqa: PLC0415 - for a copy alone; every command sweeps

        above = os.path.join(gettempdir(), _PREFIX + os.urandom(8).hex())
        replace_file(os.path.join(self.path, _COPY), os.fsencode(above))
        os.mkdir(above, 0o700)
        copy = os.path.join(above, name)
        os.mkdir(copy)
        return copy

    def remove(self) -> None:
        """Take it away with the copy that it speaks of; what cannot be removed is swept later."""
        _remove(self.path)
        self.leave()

    def leave(self) -> None:
        """Release the folder: another process holds it, or the next command sweeps it."""
        os.close(self.lock)


def make_scratch(state_dir: str) -> Scratch:
    """A new folder, held. Raises OSError."""
    parent = os.path.join(state_dir, _FOLDER)
    with contextlib.suppress(FileExistsError):
        make_folder(parent)
    while True:
        path = os.path.join(parent, os.urandom(8).hex())
        lock = _locked(path, os.O_CREAT | os.O_EXCL)
        if lock is not None:
            make_folder(path)
            return Scratch(path, lock)


@contextlib.contextmanager
def scratch_folder(state_dir: str) -> Iterator[str]:
    """A new folder for what is done meanwhile. Raises OSError."""
    scratch = make_scratch(state_dir)
    try:
        yield scratch.path
    finally:
        scratch.remove()


def join_scratch(path: str) -> Scratch | None:
    """Hold a folder that another process holds; None where it has been swept."""
    lock = _locked(path, 0)
    return None if lock is None else Scratch(path, lock)


def sweep_scratch(state_dir: str) -> None:
    """Remove what no process holds."""
    parent = os.path.join(state_dir, _FOLDER)
    try:
        names = os.listdir(parent)
    except OSError:
        return
    for name in names:
        if name.endswith(_LOCK):
            _sweep(os.path.join(parent, name.removesuffix(_LOCK)))


def _locked(path: str, flags: int) -> int | None:
    """A shared lock on what stands for the folder; None where it was swept meanwhile."""
    try:
        lock = os.open(path + _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except FileNotFoundError:
        return None
    with contextlib.suppress(OSError):  # a file system without locks: nothing is swept there
        fcntl.flock(lock, fcntl.LOCK_SH)
    if os.fstat(lock).st_nlink:
        return lock
    os.close(lock)
    return None


def _sweep(path: str) -> None:
    try:
        lock = os.open(path + _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    except OSError:
        return  # it is held, or will be swept another time
    finally:
        os.close(lock)


def _remove(path: str) -> None:
    """The copy first: as long as the note is there somebody will try again."""
    with contextlib.suppress(FileNotFoundError):
        with open(os.path.join(path, _COPY), "rb") as file:
            above = os.fsdecode(file.read())
        if _is_ours(above):
            remove_tree(above)
        if os.path.lexists(above):
            return
    remove_tree(path)
    with contextlib.suppress(OSError):
        os.unlink(path + _LOCK)


def _is_ours(folder: str) -> bool:
    if not os.path.basename(folder).startswith(_PREFIX):
        return False
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
