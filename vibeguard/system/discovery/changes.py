"""Which files have changed, as git tells it: against a base, or what is staged.

Where git cannot tell, nothing may be left out: `Changes.unknown` says why. Renames are a deletion
and an addition, so that both names count. Names are bytes, relative to the repository's root.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from subprocess import SubprocessError

from msgspec import Struct

from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.environment import of_this_repository
from vibeguard.system.discovery.vcs import SUBMODULE, AskedAhead, Git, answer_of_git
from vibeguard.system.discovery.whereabouts import git_root, repository_root

TIMEOUT_S = 30.0
_FILE = b"100644"
_ABSENT = b"000000"
FIELDS_BEFORE_PATH = {b"1": 8, b"u": 10, b"?": 1}  # of `git status --porcelain=v2`
_RAW = ("--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none", "--no-ext-diff")
# Not `git diff`: that writes what it has found out into the user's index, locks optional or not.
_STATUS = (
    "status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all",
    "--ignore-submodules=none",
)  # fmt: skip
_LIST = ("ls-files", "-co", "--exclude-standard", "-z")
_DEEPEST_SUBMODULE = 20
LIST_FLAGS = ("ls-files", "-v", "-z", "--recurse-submodules")
LIST_ENTRIES = ("ls-files", "-v", "-z", "--stage")


class Changes(Struct, frozen=True):
    """What has changed below `root`. With `unknown`, everything may have; `base` is for people."""

    root: str
    paths: frozenset[bytes] = frozenset()
    base: str = ""
    unknown: str = ""


class _Unknown(Exception):
    """Git cannot tell; the message says why."""


class _Change(Struct, frozen=True):
    """A path that differs: its mode before and now, and the object that it was."""

    old_mode: bytes
    new_mode: bytes
    old_oid: bytes
    path: bytes


class _Submodule(Struct, frozen=True):
    """A submodule that differs; `base` is the commit that it was at, empty where there was none."""

    path: bytes
    base: str
    removed: bool


def changed_since(folder: str, environment: Mapping[bytes, bytes], ref: str) -> Changes:
    """What has changed since `ref` and HEAD went apart: committed, staged, unstaged, untracked.

    Without `ref` the base is the merge base with the upstream, else with `origin/HEAD`.
    """
    root = git_root(folder)
    if root is None:
        return Changes(folder, unknown="this is no git repository")
    git = _git(root, environment)
    try:
        base, name = _base_of(git, ref)
        return Changes(root, frozenset(_since(git, base, 0)), base=name)
    except _Unknown as why:
        return Changes(root, unknown=str(why))


def base_commit(folder: str, environment: Mapping[bytes, bytes]) -> str:
    """The merge base with the upstream, else with `origin/HEAD`; empty where git knows none."""
    root = git_root(folder)
    if root is None:
        return ""
    try:
        return _base_of(_git(root, environment), "")[0]
    except _Unknown:
        return ""


def ignores(root: str, environment: Mapping[bytes, bytes], path: str) -> bool:
    """Whether git was told to leave this file of the work tree at `root` out."""
    told = _git(root, environment).try_to("check-ignore", "-q", "--", os.path.realpath(path))
    return told is not None


def staged(root: str, environment: Mapping[bytes, bytes]) -> Changes:
    """What the next commit would change: the index that the caller's git variables name."""
    git = _git(root, environment)
    try:
        paths, submodules = _parted(_in_diff(_told(git, "diff", "--cached", *_RAW)))
        return Changes(root, frozenset(paths | _inside(git, submodules, 1)), base="the index")
    except _Unknown as why:
        return Changes(root, unknown=str(why))


def list_ahead(folder: str, environment: Mapping[bytes, bytes]) -> AskedAhead | None:
    """Begin with `present_files`; None where git is missing."""
    own = {k: v for k, v in environment.items() if k != b"GIT_INDEX_FILE"}
    try:
        return AskedAhead(folder, _git(folder, own).begin(*_LIST))
    except OSError:
        return None


def present_files(
    folder: str, environment: Mapping[bytes, bytes], ahead: AskedAhead | None = None
) -> list[bytes] | None:
    """The files below `folder` that git tracks or would, in order; None where git cannot tell."""
    ahead = ahead or list_ahead(folder, environment)
    try:
        listed = answer_of_git(ahead.process, TIMEOUT_S) if ahead else None
    except SubprocessError:
        return None
    if listed is None:
        return None
    return sorted(dict.fromkeys(filter(None, listed.split(b"\0"))))  # in order but for a few


def tracked_at_least(folder: str) -> int:
    """How many files the index around `folder` names, read off its head; 0 where that is not told.

    (gitformat-index(5): "DIRC", a version, the number of entries. A split index names more.)
    """
    root = repository_root(folder)
    try:
        path = os.path.join(root or folder, ".git", "index")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as index:
            head = index.read(12) or b""
    except OSError:
        return 0
    return int.from_bytes(head[8:], "big") if len(head) == 12 and head[:4] == b"DIRC" else 0


def _git(root: str, environment: Mapping[bytes, bytes]) -> Git:
    return Git(root, of_this_repository(environment), TIMEOUT_S)


def _told(git: Git, *arguments: str) -> bytes:
    """What git prints. Raises _Unknown where it fails or takes too long."""
    output = git.try_to(*arguments)
    if output is None:
        raise _Unknown(f"git {arguments[0]} gives no answer in {sanitise(git.folder)}")
    return output


def _submodule(git: Git, path: bytes) -> Git:
    """Git for a submodule: the caller's git variables are not about it."""
    own = {k: v for k, v in git.environment.items() if not k.startswith(b"GIT_")}
    return _git(os.path.join(git.folder, os.fsdecode(path)), own)


def _base_of(git: Git, ref: str) -> tuple[str, str]:
    """The commit to compare with, and what people call it. Raises _Unknown."""
    if git.try_to("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None and not ref:
        return "", "no commit yet"
    names = [ref] if ref else ["@{upstream}", "origin/HEAD"]
    for name in names:
        found = git.try_to(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found is None:
            continue
        commit = found.decode("ascii", "replace").strip()
        base = git.try_to("merge-base", commit, "HEAD")
        if base is None:
            shallow = (git.try_to("rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
            why = ": this is a shallow clone" if shallow else ""
            raise _Unknown(f"{sanitise(name)} and HEAD have no commit in common here{why}")
        return base.decode("ascii", "replace").strip(), name
    if ref:
        raise _Unknown(f"there is no commit {sanitise(ref)} here")
    raise _Unknown("there is no upstream and no origin/HEAD to compare with")


def _since(git: Git, base: str, depth: int) -> set[bytes]:
    """Every path that differs from `base`: in the index, in the work tree, or untracked."""
    if depth > _DEEPEST_SUBMODULE:
        raise _Unknown("submodules are nested too deep")
    base = base or _told(git, "hash-object", "-t", "tree", os.devnull).decode("ascii").strip()
    committed, moved = _parted(_in_diff(_told(git, "diff", "--cached", *_RAW, base)))
    uncommitted, dirty = _parted(_unstaged(_told(git, *_STATUS)))
    paths = committed | uncommitted | set(_hidden(git))
    return paths | _inside(git, (*moved, *dirty, *_hidden_submodules(git)), depth + 1)


def _inside(git: Git, submodules: Iterable[_Submodule], depth: int) -> set[bytes]:
    """The paths of these submodules, or repositories of their own, and what differs below."""
    paths: set[bytes] = set()
    seen: set[bytes] = set()
    for submodule in submodules:
        if submodule.path in seen:
            continue  # the first is older: what it was at in the base
        seen.add(submodule.path)
        paths.add(submodule.path)
        if submodule.removed:
            raise _Unknown(f"the submodule {sanitise(os.fsdecode(submodule.path))} was removed")
        below = _since(_submodule(git, submodule.path), submodule.base, depth)
        paths.update(submodule.path + b"/" + path for path in below)
    return paths


def _parted(changes: Iterable[_Change]) -> tuple[set[bytes], list[_Submodule]]:
    """The paths of files that differ, and the submodules that do."""
    paths: set[bytes] = set()
    submodules = []
    for change in changes:
        if SUBMODULE not in (change.old_mode, change.new_mode):
            paths.add(change.path)
        elif change.old_mode in (SUBMODULE, _ABSENT):
            base = change.old_oid.decode("ascii") if change.old_mode == SUBMODULE else ""
            removed = change.new_mode == _ABSENT
            submodules.append(_Submodule(change.path, base, removed))
        else:
            submodules.append(_Submodule(change.path, "", removed=False))
    return paths, submodules


def _in_diff(raw: bytes) -> Iterator[_Change]:
    """What a raw diff lists."""
    fields = iter(raw.split(b"\0"))
    for header in fields:
        if header:
            old_mode, new_mode, old_oid, *_ = header[1:].split(b" ")
            yield _Change(old_mode, new_mode, old_oid, next(fields))


def _unstaged(status: bytes) -> Iterator[_Change]:
    """What `_STATUS` lists of the work tree: what differs from the index, and what is untracked."""
    for entry in status.split(b"\0")[:-1]:
        kind, *fields = entry.split(b" ", FIELDS_BEFORE_PATH.get(entry[:1], 1))
        path = fields[-1]
        if kind == b"?":
            # With a slash at its end it is a repository of its own.
            mode = SUBMODULE if path.endswith(b"/") else _FILE
            yield _Change(_ABSENT, mode, b"", path.rstrip(b"/"))
        elif kind == b"u":
            yield _Change(fields[3], fields[5], fields[7], path)
        elif kind == b"1" and not fields[0].endswith(b"."):
            yield _Change(fields[3], fields[4], fields[6], path)


def _hidden(git: Git) -> Iterator[bytes]:
    """Files that git was told not to look at: they may have changed, so they count as changed.

    What a sparse checkout left out is not there.
    """
    for path in flagged(_told(git, *LIST_FLAGS)):
        if os.path.lexists(os.path.join(os.fsencode(git.folder), path)):
            yield path


def _hidden_submodules(git: Git) -> Iterator[_Submodule]:
    """Those that git was told not to look into: with submodules, `LIST_FLAGS` does not tell."""
    for path in flagged(_told(git, "ls-files", "-v", "-z")):
        if os.path.isdir(os.path.join(os.fsencode(git.folder), path)):
            yield _Submodule(path, "", removed=False)


def look_again(git: Callable[..., bytes], listed: bytes, root: str) -> set[bytes]:
    """Have git look at each file that it was told not to look at, by the answer to `LIST_ENTRIES`.

    What a sparse checkout left out stays out: the paths of that.
    """
    hidden, left_out = [], set()
    for entry in listed.split(b"\0")[:-1]:
        tag = entry[:1]
        if tag in b"Ss" and not os.path.lexists(os.path.join(os.fsencode(root), entry_path(entry))):
            left_out.add(entry_path(entry))
        elif tag == b"S" or tag.islower():
            hidden.append(entry[2:] + b"\0")
    if hidden:
        # Entered anew, without the time and size that it was known by: git compares times to the
        # second, and every index written since has taken what it was not to look at for unchanged.
        git("update-index", "-z", "--index-info", given=b"".join(hidden))
    return left_out


def entry_path(entry: bytes) -> bytes:
    """The path in an entry of the answer to `LIST_ENTRIES`."""
    return entry.partition(b"\t")[2]


def flagged(listed: bytes) -> Iterator[bytes]:
    """The paths in the answer to `LIST_FLAGS` that git was told not to look at.

    Lower case marks assume-unchanged, S skip-worktree (git-ls-files(1)).
    """
    for entry in listed.split(b"\0"):
        if entry[:1] == b"S" or entry[:1].islower():
            yield entry[2:]
