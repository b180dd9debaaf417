"""The identity of a working folder: every byte of it that git would track, as it lies on the disk.

A git tree id names a tree for people and for git; it is what filters make of the files, and what
the index says of those that git was told not to look at. This is of the files themselves, each read
to its end: what the state folder remembers of them (`Records.seen`) any check can write, so that
only the look-up of passes goes by it. What git ignores counts only where a check that may be reused
declares it; outside of git everything does but the state folder.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.globs import Globs
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.reuse.manifest import Entry, Kind, manifest_digest, stillness
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.changes import present_files, tracked_at_least
from vibeguard.system.discovery.whereabouts import git_root, repository_root
from vibeguard.system.reuse.naming import called_from, listing
from vibeguard.system.reuse.scan import scan, walk
from vibeguard.system.staged.scratch import scratch_folder

# About 20 ms on a quiet machine: what every run may spend to be evidence afterwards.
MOST_FILES_UNASKED: Final = 1_000
MOST_BYTES_UNASKED: Final = 64 << 20


class Extent(Struct, frozen=True):
    """What a run is about: the tree around `folder`, and what is declared beside it.

    `inputs` are the patterns of the checks that may be reused, by check: what they match counts
    though git may ignore it. `state_dir` never counts.
    """

    folder: str
    environment: Mapping[bytes, bytes]
    state_dir: str
    inputs: Mapping[str, tuple[str, ...]] = {}


def with_identity(found: VersionControl | None, launch: Launch) -> VersionControl | None:
    """What is known of a run's tree, with its identity unless that is too much to read unasked."""
    extent = Extent(
        os.fsdecode(launch.folder),
        launch.environment,
        os.fsdecode(launch.state_dir),
        launch.inputs,
    )
    most = None if launch.record_tree else MOST_FILES_UNASKED
    identity = tree_identity(extent, most_files=most)
    if identity is None:
        return found
    return replace(
        found or VersionControl(),
        content=identity.content,
        beside=identity.beside,
        stillness=identity.stillness,
    )


def named_tree(launch: Launch, *, exact: bool = False) -> str:
    """Git's name for what lies around a run; "" where that is unknown.

    A command or a supervisor that is killed meanwhile leaves nothing that the next does not sweep.
    """
    from vibeguard.system.discovery.tree import tree_of  # noqa: PLC0415 - seldom needed

    try:
        with scratch_folder(os.fsdecode(launch.state_dir)) as scratch:
            return tree_of(
                os.fsdecode(launch.folder), launch.environment, exact=exact, within=scratch
            )
    except OSError:
        return ""


def tree_identity(extent: Extent, *, most_files: int | None = None) -> VersionControl | None:
    """The content, the declared inputs beside it and the stillness of a tree; nothing else.

    None where it cannot be told: git does not answer, a file cannot be read or is none, or there
    are more than `most_files`, or then more than `MOST_BYTES_UNASKED` in them.
    """
    if most_files is not None and tracked_at_least(extent.folder) > most_files:
        return None  # git need not be asked which
    found = files_of_tree(extent.folder, extent.environment, extent.state_dir)
    if found is None:
        return None
    start, paths = found
    try:
        files = list(islice(paths, None if most_files is None else most_files + 1))
        declared = _declared_beside(extent, start, files, most_files)
        if most_files is not None and len(files) + len(declared) > most_files:
            return None
        if most_files is not None and _bytes_in(start, files) > MOST_BYTES_UNASKED:
            return None
        tracked = scan(start, files)
        beside = scan(os.fsencode(extent.folder), declared)
    except (OSError, LanguageError):
        return None
    if not all(map(_is_known, tracked.values())):
        return None
    return VersionControl(
        content=manifest_digest(tracked.values()),
        beside=manifest_digest(beside.values()) if beside else "",
        stillness=stillness([*tracked.values(), *beside.values()]),
    )


def _bytes_in(root: bytes, paths: Iterable[bytes]) -> int:
    """How much there is to read, what links lead to counted, too."""
    size = 0
    for path in paths:
        with suppress(OSError):
            size += os.stat(os.path.join(root, path)).st_size
    return size


def _declared_beside(
    extent: Extent, start: bytes, tracked: Iterable[bytes], most: int | None
) -> list[bytes]:
    """The declared inputs that are not in the tree, as they are called from the folder.

    More than `most` are not listed to the end.
    """
    if not extent.inputs:
        return []
    folder = os.fsencode(extent.folder)
    in_tree = set(called_from(folder, start, tracked))
    globs = Globs(extent.inputs)
    listed = (path for path, _ in listing(folder, extent.state_dir, globs))
    found = (path for path in listed if path not in in_tree and globs.owners_of(path))
    return sorted(islice(found, None if most is None else most + 1))


def files_of_tree(
    folder: str, environment: Mapping[bytes, bytes], state_dir: str
) -> tuple[bytes, Iterator[bytes]] | None:
    """The root of the tree around the folder, and the paths below it that count.

    The state folder never does. None where git does not answer. Reading the paths raises OSError
    for what cannot be read.
    """
    root = git_root(folder)
    if root is None:
        return os.fsencode(folder), files_below(folder, state_dir)
    paths = present_files(root, environment)
    start = os.fsencode(root)
    return None if paths is None else (start, _files(start, paths, state_dir))


def _files(root: bytes, paths: Iterable[bytes], state_dir: str) -> Iterator[bytes]:
    """The paths, and for each that is a folder (a submodule, a nested repository) what is below."""
    for path in paths:
        full = os.path.join(root, path)
        try:
            is_folder = stat.S_ISDIR(os.lstat(full).st_mode)
        except FileNotFoundError:
            is_folder = False
        if is_folder:
            below = files_below(os.fsdecode(full), state_dir)
            yield from (os.path.join(path, name) for name in below)
        else:
            yield path


def files_below(folder: str, state_dir: str) -> Iterator[bytes]:
    """What git would track of a folder: a pipe or a socket holds no bytes that could change.

    The state folder is left out, whatever its name. Raises OSError.
    """
    own = os.fsencode(os.path.relpath(os.path.realpath(state_dir), os.path.realpath(folder)))
    for path, entry in walk(os.fsencode(folder), lambda path: () if path == own else None):
        if entry.is_symlink() or entry.is_file():
            yield path


def _is_known(entry: Entry) -> bool:
    """Whether what lies there was read; a link to a folder is known by its target."""
    if entry.kind is Kind.FILE:
        return bool(entry.sha256)
    if entry.kind is Kind.FOLDER:
        return False  # it was a file a moment ago
    return entry.kind is not Kind.OTHER or bool(entry.target)


def written_since(
    folder: str, environment: Mapping[bytes, bytes], mark: str, state_dir: str
) -> list[bytes]:
    """For people: the files that were written after the file `mark` was, in order.

    What was deleted is not among them.
    """
    root = repository_root(folder) or folder
    in_git = git_root(folder) is not None
    paths = (present_files(root, environment) or ()) if in_git else files_below(root, state_dir)
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
