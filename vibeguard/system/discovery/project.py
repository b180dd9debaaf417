"""The files of a project, for those who want to know how it is checked."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping

from vibeguard.system.discovery.changes import present_files

MOST_FILES = 100_000
MOST_BYTES = 1 << 20  # of a file that is read


def project_files(
    folder: str, environment: Mapping[bytes, bytes], keep: Callable[[Iterable[str]], Iterator[str]]
) -> frozenset[str]:
    """What git tracks or would, else what lies there; `keep` says which paths are wanted."""
    listed = present_files(folder, environment)
    if listed is not None:
        names: Iterable[str] = (os.fsdecode(name) for name in listed)
    else:
        names = _walked(folder, keep)
    found: list[str] = []
    for name in keep(names):
        if len(found) >= MOST_FILES:
            break
        found.append(name)
    return frozenset(found)


def read_texts(folder: str, paths: Iterable[str]) -> dict[str, str]:
    """The content of files, as text; of one that is large, special or gone nothing."""
    texts = {}
    for path in paths:
        try:
            with open(
                os.open(os.path.join(folder, path), os.O_RDONLY | os.O_NONBLOCK), "rb"
            ) as file:
                status = os.fstat(file.fileno())
                if stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES:
                    texts[path] = file.read(MOST_BYTES).decode("utf-8-sig", "replace")
        except OSError:
            continue  # what cannot be read says nothing about the project
    return texts


def stamps(folder: str, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    """When each file changed, and its size."""
    found = {}
    for path in paths:
        try:
            status = os.lstat(os.path.join(folder, path))
        except OSError:
            continue  # git still names a file that has been removed
        found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _walked(folder: str, keep: Callable[[Iterable[str]], Iterator[str]]) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        below = os.path.relpath(path, folder)
        start = "" if below == os.curdir else f"{below}/"
        folders[:] = sorted(name for name in folders if list(keep([name])))
        yield from (start + name for name in sorted(files))
