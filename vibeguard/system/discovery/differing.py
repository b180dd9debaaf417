"""Which files of a work tree git calls changed, and their digests; or why that is not known."""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha1, sha256
from typing import Final, NamedTuple

from msgspec import Struct

from vibeguard.core.model.differing import Differing, changed_since
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.wording.units import SECOND_NS, duration
from vibeguard.system.discovery.changes import FIELDS_BEFORE_PATH, LIST_FLAGS, flagged
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import (
    SUBMODULE,
    AskedAhead,
    Git,
    answer_of_git,
    mode_in_git,
    present_head,
)
from vibeguard.system.discovery.whereabouts import git_root, repository_root

MOST_FILES: Final = 2_000
LARGEST_READ: Final = 4 << 20  # of larger files size and times must do
_STATUS: Final = (
    "status",
    "--porcelain=v2",
    "--branch",
    "--untracked-files=all",
    "--no-renames",
    "--ignore-submodules=dirty",
    "-z",
)
_SHA1_LENGTH: Final = 40
EXCLUDE_FILE: Final = ("rev-parse", "--git-path", "info/exclude")
_HEAD: Final = b"# branch.oid "
_BRANCH: Final = b"# branch.head "


class Named(Struct, frozen=True):
    """The paths from the root that git names as changed or untracked; `untold` is why it does not.

    `head` and `branch` are those of `Differing`.
    """

    paths: frozenset[bytes] = frozenset()
    head: str = ""
    branch: str = ""
    untold: str = ""


class Committed(NamedTuple):
    """A file as a commit has it."""

    path: bytes
    mode: bytes
    oid: bytes


def ask_ahead(folder: str, environment: Mapping[bytes, bytes]) -> AskedAhead | None:
    """Begin with `named_by_git`; None where there is nothing to begin."""
    root = git_root(folder)
    if root is None:
        return None
    try:
        return AskedAhead(root, _git(root, environment, 0).begin(*_STATUS))
    except OSError:
        return None


def _git(folder: str, environment: Mapping[bytes, bytes], timeout_s: float) -> Git:
    """Git, asked about the repository around a folder, whatever the caller's variables name."""
    return Git(repository_root(folder) or folder, without_git_locals(environment), timeout_s)


def named_by_git(
    folder: str,
    environment: Mapping[bytes, bytes],
    timeout_s: float,
    ahead: AskedAhead | None = None,
) -> Named | None:
    """What git says differs in the repository around `folder`; None outside of git.

    `ahead` is taken where it is about this repository.
    """
    root = git_root(folder)
    if root is None:
        return None
    try:
        if ahead is not None and ahead.root == root:
            told = answer_of_git(ahead.process, timeout_s)
        else:
            told = _git(root, environment, timeout_s).ask(*_STATUS)
    except subprocess.TimeoutExpired:
        return Named(untold=f"git takes over {duration(round(timeout_s * SECOND_NS))}")
    except (OSError, subprocess.SubprocessError):
        return Named(untold="git gives no answer")
    entries = told.split(b"\0")[:-1]
    head, branch = _after(_HEAD, entries), _after(_BRANCH, entries)
    return Named(
        frozenset(_paths(entries)),
        "" if head == b"(initial)" else head.decode("ascii", "replace"),
        "" if branch == b"(detached)" else branch.decode("utf-8", "replace"),
    )


def differing(
    folder: str,
    environment: Mapping[bytes, bytes],
    timeout_s: float,
    ahead: AskedAhead | None = None,
) -> Differing | None:
    """What differs in the repository around `folder`, and what lies there; None outside of git."""
    named = named_by_git(folder, environment, timeout_s, ahead)
    if named is None:
        return None
    untold = f"more than {MOST_FILES} files differ" if len(named.paths) > MOST_FILES else ""
    if named.untold or untold:
        return Differing(untold=named.untold or untold)
    files = _digests(repository_root(folder) or folder, named.paths)
    return Differing(named.head, files, branch=named.branch)


def _after(mark: bytes, entries: list[bytes]) -> bytes:
    """What stands after a mark in the first entry that has it."""
    return next((entry.removeprefix(mark) for entry in entries if entry.startswith(mark)), b"")


def version_control(
    folder: str, environment: Mapping[bytes, bytes], told: Differing | None
) -> VersionControl | None:
    """Commit, branch and dirty flag, by what `differing` told; None outside of git.

    Untracked files count as changes, for checks see them; what is ignored does not. What git does
    not tell in time is not known to be clean.
    """
    if told is None:
        return None
    head = present_head(folder, environment) if told.untold else told.head
    return VersionControl(head, dirty=bool(told.files or told.untold), branch=told.branch)


def changed_files(folder: str, before: Differing, now: Differing | None) -> tuple[list[bytes], str]:
    """The files that were changed between the two; else why nobody can say."""
    untold = before.untold or ("it is no git repository any more" if now is None else now.untold)
    if untold or now is None:
        return [], untold
    root = repository_root(folder) or folder
    gone = _digests(root, before.files.keys() - now.files.keys())
    return changed_since(before, now.files | gone), ""


def written_unseen(
    folder: str, environment: Mapping[bytes, bytes], since_ns: int, timeout_s: float
) -> list[bytes]:
    """The files that were written since this moment, and that git was told not to look at.

    The rules of the repository by which it ignores others are among them. None where git gives no
    answer.
    """
    git = _git(folder, environment, timeout_s)
    listed, rules = git.try_to(*LIST_FLAGS), git.try_to(*EXCLUDE_FILE)
    if listed is None or rules is None:
        return []
    paths = (*flagged(listed), rules.rstrip(b"\n"))
    start = os.fsencode(git.folder)
    return [p for p in paths if _written_at(os.path.join(start, p)) >= since_ns]


def committed_and_written(
    folder: str,
    environment: Mapping[bytes, bytes],
    before: Differing,
    since_ns: int,
    timeout_s: float,
) -> list[Committed]:
    """The files of the commit of then that were written since this moment.

    Those of `before` are left out: of them is known what they held.
    """
    if not before.head:
        return []
    git = _git(folder, environment, timeout_s)
    listed = git.try_to("ls-tree", "-r", "-z", "--full-tree", before.head) or b""
    start = os.path.join(os.fsencode(git.folder), b"")
    found = []
    for entry in listed.split(b"\0")[:-1]:
        told, _, path = entry.partition(b"\t")
        if _written_at(start + path) < since_ns or path in before.files:
            continue  # nearly all of them
        mode, _, oid = told.split(b" ")
        found.append(Committed(path, mode, oid))
    return found


def hold_otherwise(folder: str, committed: Iterable[Committed]) -> list[bytes]:
    """Those that hold other bytes than they were committed with.

    Where git's filters and settings make them equal, or a commit, git names none of them.
    """
    start = os.path.join(os.fsencode(repository_root(folder) or folder), b"")
    return [
        path
        for path, mode, oid in committed
        if mode != SUBMODULE and not _is_blob(start + path, mode, oid)
    ]


def _is_blob(path: bytes, mode: bytes, oid: bytes) -> bool:
    """Whether what lies there is this blob as git would check it out without filters."""
    try:
        status = os.lstat(path)
        if mode_in_git(status.st_mode) != mode:
            return False
        digest = sha1(usedforsecurity=False) if len(oid) == _SHA1_LENGTH else sha256()
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(path)
            digest.update(b"blob %d\0%b" % (len(target), target))
        else:
            digest.update(b"blob %d\0" % status.st_size)
            with open(path, "rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest().encode() == oid


def _written_at(path: bytes) -> int:
    """When it was written last; of what is gone, when anything was put into its folder or out."""
    try:  # asked of every file of a commit: `suppress` takes half as long as lstat does
        return os.lstat(path).st_ctime_ns
    except OSError:
        with suppress(OSError):
            return os.lstat(os.path.dirname(path)).st_ctime_ns
    return 0


def _paths(entries: Iterable[bytes]) -> Iterator[bytes]:
    """The paths in `git status --porcelain=v2 -z`."""
    for entry in entries:
        before = FIELDS_BEFORE_PATH.get(entry[:1])
        if before is not None:
            yield entry.split(b" ", before)[before]


def _digests(root: str, paths: Iterable[bytes]) -> dict[bytes, str]:
    return {path: _digest(os.path.join(os.fsencode(root), path)) for path in paths}


def _digest(path: bytes) -> str:
    """Of mode and content; empty where nothing lies."""
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    try:
        content = _content(path, status)
    except OSError as error:
        content = str(error.errno).encode()
    return sha256(b"%o\0%b" % (status.st_mode, content)).hexdigest()


def _content(path: bytes, status: os.stat_result) -> bytes:
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(status.st_mode):
        return b""
    if status.st_size > LARGEST_READ:
        return b"%d %d %d" % (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    with open(path, "rb") as file:
        return file.read(status.st_size + 1)  # a buffer of the bound itself costs more than reading
