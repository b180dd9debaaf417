"""Files go to workers as they lie here, whatever git makes of them on their way into a tree.

Ends of lines, `$Id$` and encodings are taken back. What a filter makes is refused: it may keep its
files elsewhere (Git LFS), or secret.
"""

import os
import subprocess
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.tree import GitTree
from vibeguard.system.discovery.vcs import SUBMODULE
from vibeguard.system.own_group import Program

INSTEAD: Final = "run these checks here: --local"
_LINK: Final = b"120000"
_DRIVERS: Final = r"^filter\..*\.(clean|smudge|process)$"


class _File(NamedTuple):
    """A regular file of the tree."""

    mode: bytes
    oid: bytes
    path: bytes


class _Looking(NamedTuple):
    """What is asked of all files, at work: the files, their attributes, their sizes."""

    listing: Program
    attributes: Program
    sizes: Program


def begin_looking(git: GitTree) -> _Looking:
    """Begin to look at what `git` has added. Raises OSError."""
    return _Looking(
        git.begin("ls-files", "--stage", "-z"),
        git.begin("check-attr", "-z", "--stdin", "filter", "working-tree-encoding", given=b""),
        git.begin("cat-file", "--buffer", "--batch-check=%(objectsize)", given=b""),
    )


def unconverted(
    git: GitTree, looking: _Looking, root: str, tree: str, replaced: Collection[bytes]
) -> str:
    """The tree that `git` wrote, with each file as it lies below `root`.

    `replaced` are the names of what git was told to read something else for.

    Raises UsageError for what cannot go to a worker; OSError or SubprocessError.
    """
    files = list(_files(git.answer(looking.listing)))
    encoded = set(_encoded(git, looking, files))
    sized = _of_another_size(git, looking, os.fsencode(root), files)
    suspect = {*sized, *(f for f in files if f.path in encoded or f.oid in replaced)}
    if not suspect:
        return tree
    names = b"".join(_quoted(file.path) + b"\n" for file in suspect)
    written = git.git("hash-object", "-w", "--no-filters", "--stdin-paths", given=names).split()
    entries = b"".join(
        b"%b %b\t%b\0" % (file.mode, oid, file.path)
        for file, oid in zip(suspect, written, strict=True)
    )
    git.git("update-index", "-z", "--index-info", given=entries)
    return git.git("write-tree").decode("ascii").strip()


def _files(listed: bytes) -> Iterator[_File]:
    """The regular files of the index. Raises UsageError for submodules."""
    for entry in listed.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        mode, oid, _ = facts.split(b" ")
        if mode == SUBMODULE:
            raise UsageError(f"the submodule {_shown(path)} cannot go to a worker", INSTEAD)
        if mode != _LINK:
            yield _File(mode, oid, path)


def _encoded(git: GitTree, looking: _Looking, files: list[_File]) -> Iterator[bytes]:
    """Those that lie here in another encoding. Raises UsageError for what a filter makes."""
    names = b"".join(file.path + b"\0" for file in files)
    told = git.answer(looking.attributes, names).split(b"\0")
    drivers: set[bytes] | None = None
    for path, attribute, value in zip(told[::3], told[1::3], told[2::3], strict=False):
        if value in (b"unspecified", b"unset", b"set"):
            continue
        if attribute != b"filter":
            yield path
            continue
        drivers = _drivers(git) if drivers is None else drivers
        if value == b"lfs":
            what = f"files of Git LFS ({_shown(path)}) cannot go to a worker"
            raise UsageError(what, INSTEAD)
        if value in drivers:
            what = (
                f"{_shown(path)}, which git's filter {_shown(value)} makes, cannot go to a worker"
            )
            raise UsageError(what, INSTEAD)


def _drivers(git: GitTree) -> set[bytes]:
    """The filters that are at work here; an attribute alone does nothing."""
    with suppress(subprocess.CalledProcessError):  # there is none
        told = git.git("config", "-z", "--name-only", "--get-regexp", _DRIVERS)
        return {name.partition(b".")[2].rpartition(b".")[0] for name in told.split(b"\0")}
    return set()


def _of_another_size(
    git: GitTree, looking: _Looking, root: bytes, files: list[_File]
) -> Iterator[_File]:
    """Those that are longer or shorter than what the tree has: git converted them once.

    Files that a sparse checkout left out are not there.
    """
    sizes = []
    for file in files:
        with suppress(FileNotFoundError, NotADirectoryError):
            sizes.append((file, os.lstat(os.path.join(root, file.path)).st_size))
    oids = b"".join(file.oid + b"\n" for file, _ in sizes)
    told = git.answer(looking.sizes, oids).split(b"\n")
    return (file for (file, size), there in zip(sizes, told, strict=False) if there != b"%d" % size)


def _quoted(path: bytes) -> bytes:
    """A path as git reads it from a line."""
    return b'"%b"' % path.replace(b"\\", rb"\\").replace(b'"', rb"\"").replace(b"\n", rb"\n")


def _shown(name: bytes) -> str:
    return sanitise(os.fsdecode(name))
