"""The identity of a working folder: every byte of it that git would track, as it lies on the disk.

A git tree id names a tree for people and for git; it is what filters make of the files, and what
the index says of those that git was told not to look at. This is of the files themselves. What git
ignores does not count; outside of git everything does but the state folder.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.reuse.manifest import Entry, Kind, manifest_digest
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.places import repository_root
from vibeguard.system.reuse.scan import scan, walk

# About 20 ms on a quiet machine: what every run may spend to be evidence afterwards.
MOST_FILES_UNASKED: Final = 1_000


class TreeIdentity(Struct, frozen=True):
    """`content` is equal where the same bytes lie under the same names with the same modes.

    `stillness` is equal where nothing was even written: an edit that was undone changes it.
    """

    content: str
    stillness: str


def with_identity(
    found: VersionControl | None,
    folder: str,
    environment: Mapping[bytes, bytes],
    *,
    however_large: bool,
) -> VersionControl | None:
    """What is known of a tree, with its identity unless it is too large to be read unasked."""
    most = None if however_large else MOST_FILES_UNASKED
    identity = tree_identity(folder, environment, most_files=most)
    if identity is None:
        return found
    known = found or VersionControl()
    return replace(known, content=identity.content, stillness=identity.stillness)


def tree_identity(
    folder: str, environment: Mapping[bytes, bytes], *, most_files: int | None = None
) -> TreeIdentity | None:
    """The identity of the repository around the folder (outside of git: of the folder).

    None where it cannot be told: git does not answer, a file cannot be read or is none, or there
    are more than `most_files`.
    """
    found = files_of_tree(folder, environment)
    if found is None:
        return None
    start, paths = found
    try:
        files = list(islice(paths, None if most_files is None else most_files + 1))
        if most_files is not None and len(files) > most_files:
            return None
        entries = scan(start, files).values()
    except OSError:
        return None
    if not all(_is_known(entry) for entry in entries):
        return None
    return TreeIdentity(manifest_digest(entries), _stillness(entries))


def files_of_tree(
    folder: str, environment: Mapping[bytes, bytes]
) -> tuple[bytes, Iterator[bytes]] | None:
    """The root of the tree around the folder, and the paths below it that count.

    None where git does not answer. Reading the paths raises OSError for what cannot be read.
    """
    root = repository_root(folder)
    if root is None or not os.path.lexists(os.path.join(root, ".git")):
        return os.fsencode(folder), (path for path, _ in walk(os.fsencode(folder)))
    paths = present_files(root, environment)
    start = os.fsencode(root)
    return None if paths is None else (start, _files(start, paths))


def _files(root: bytes, paths: Iterable[bytes]) -> Iterator[bytes]:
    """The paths, and for each that is a folder (a submodule, a nested repository) what is below."""
    for path in paths:
        full = os.path.join(root, path)
        try:
            is_folder = stat.S_ISDIR(os.lstat(full).st_mode)
        except FileNotFoundError:
            is_folder = False
        if is_folder:
            yield from (os.path.join(path, below) for below, _ in walk(full))
        else:
            yield path


def _is_known(entry: Entry) -> bool:
    """Whether what lies there was read; a link to a folder is known by its target."""
    if entry.kind is Kind.FILE:
        return bool(entry.sha256)
    if entry.kind is Kind.FOLDER:
        return False  # it was a file a moment ago
    return entry.kind is not Kind.OTHER or bool(entry.target)


def _stillness(entries: Iterable[Entry]) -> str:
    digest = sha256()
    for entry in sorted(entries, key=lambda entry: entry.path):
        digest.update(repr((entry.path, entry.signature, entry.through)).encode())
    return digest.hexdigest()


def written_since(folder: str, environment: Mapping[bytes, bytes], mark: str) -> list[bytes]:
    """For people: the files that were written after the file `mark` was, in order.

    What was deleted is not among them.
    """
    root = repository_root(folder) or folder
    in_git = os.path.lexists(os.path.join(root, ".git"))
    walked = (path for path, _ in walk(os.fsencode(root)))
    paths = (present_files(root, environment) or ()) if in_git else walked
    try:
        since = os.stat(mark).st_mtime_ns
    except OSError:
        return []
    start = os.fsencode(root)
    found = []
    for path in paths:
        try:
            if os.lstat(os.path.join(start, path)).st_ctime_ns > since:
                found.append(path)
        except OSError:
            continue
    return sorted(found)
