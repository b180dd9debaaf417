"""Removes what a check may have filled, however it did that."""

import os
import stat
from contextlib import suppress
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: str) -> None:
    """Remove a file, or a folder with all that is below it, as far as the system allows.

    Python's own gives up a thousand folders deep, and where a folder forbids its owner to write: a
    check can make either. Here each folder is moved to the top before it is emptied.
    """
    with suppress(OSError):
        os.unlink(path)
        return
    with suppress(OSError):
        top = _open_folder(path, None)
        try:
            _empty(top)
        finally:
            os.close(top)
        os.rmdir(path)


def _empty(top: int) -> None:
    mark, moved = os.urandom(8).hex(), 0
    folders = _take_files(top)
    while folders:
        name = folders.pop()
        with suppress(OSError):
            folder = _open_folder(name, top)
            try:
                for below in _take_files(folder):
                    moved += 1
                    with suppress(OSError):
                        _let_write(below, folder)
                        os.rename(below, f"{mark}{moved}", src_dir_fd=folder, dst_dir_fd=top)
                        folders.append(f"{mark}{moved}")
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)


def _take_files(folder: int) -> list[str]:
    """Remove all of it but folders; their names."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in found if is_folder]


def _open_folder(name: str, within: int | None) -> int:
    """A folder that its owner may change from now on; no link is followed."""
    with suppress(PermissionError):
        folder = os.open(name, _FOLDER, dir_fd=within)
        with suppress(OSError):  # somebody else's, which may allow it all the same
            os.fchmod(folder, stat.S_IRWXU)
        return folder
    os.chmod(name, stat.S_IRWXU, dir_fd=within)
    return os.open(name, _FOLDER, dir_fd=within)


def _let_write(name: str, within: int) -> None:
    """A folder that is moved is written to: its `..` changes."""
    with suppress(OSError):
        os.chmod(name, stat.S_IRWXU, dir_fd=within)
