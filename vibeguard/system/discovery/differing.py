"""Which files of a work tree git calls changed, and their digests; or why that is not known."""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct

from vibeguard.core.model.differing import Differing, changed_since
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.wording.units import SECOND_NS, duration
from vibeguard.system.discovery.changes import FIELDS_BEFORE_PATH
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import AskedAhead, Git, answer_of_git, present_head
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
