"""The same path, other files: the work tree below an overlay that nobody but this run sees.

What is written in there goes to memory and away with the last process of the run. The layer below
stays the live work tree: whoever edits a file that is the same in both is seen, hence `moved`.
"""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable

from msgspec import Struct

from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.channel import Staged
from vibeguard.system.discovery.changes import (
    LIST_ENTRIES,
    LIST_FLAGS,
    entry_path,
    flagged,
    look_again,
)
from vibeguard.system.discovery.tree import INDEX, copy_index
from vibeguard.system.discovery.vcs import SUBMODULE
from vibeguard.system.staged.mounts import (
    bind,
    enter_namespace,
    mount_memory,
    mount_overlay,
    mounts_below,
    unmount,
)
from vibeguard.system.staged.repository import Repository

_Facts = tuple[int, int, int, int, int]


class Beneath:
    """A folder that others are mounted over. Opened in the namespace that mounts them."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._facts: dict[bytes, _Facts | None] = {}

    @property
    def path(self) -> bytes:
        """A path that leads there whatever is mounted above."""
        return b"/proc/self/fd/%d" % self._descriptor

    def come_through(self) -> None:
        """Be in its own place again, to be written for real. Raises OSError."""
        os.makedirs(self.folder, exist_ok=True)
        bind(self.path, os.fsencode(self.folder))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def remember(self, paths: Iterable[bytes]) -> None:
        """Note what lies at these paths."""
        self._facts = {path: self.facts(path) for path in paths}

    def forget(self, paths: Iterable[bytes]) -> None:
        """Stop watching these files: others cover them now."""
        for path in paths:
            self._facts.pop(path, None)

    def remembered(self) -> list[tuple[bytes, _Facts | None]]:
        """The paths that are seen through the overlay, with what was noted."""
        return list(self._facts.items())

    def facts(self, path: bytes) -> _Facts | None:
        """What an edit changes; None where nothing lies."""
        try:
            found = os.stat(path, dir_fd=self._descriptor, follow_symlinks=False)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mode, found.st_mtime_ns, found.st_ctime_ns


class Covered(Struct, frozen=True):
    """The work tree below its overlay, and folders in it that are to be seen as they are."""

    work_tree: Beneath
    through: tuple[Beneath, ...]


def cover(root: str, also: Collection[str], through: Collection[str]) -> Covered:
    """Mount the overlay over `root`, and one over each folder of `also`. Raises OSError.

    From then on this process and what it starts see that; the folders themselves stay as they are.
    """
    folders = (root, *also)
    for folder in folders:
        _refuse_foreign(folder)
        if any(mounts_below(folder)):
            raise OSError(f"something else is mounted below {folder}")
    # From here on only this process and its children see the mounts: killed at any moment, it
    # leaves nothing to undo in the work tree (ADR 0135).
    enter_namespace()
    lowers = [Beneath(folder) for folder in folders]
    covered = Covered(lowers[0], tuple(Beneath(folder) for folder in through))
    with contextlib.ExitStack() as undo:
        for lower in lowers:
            _mount(os.fsencode(lower.folder), lower.path, undo)
        undo.pop_all()
    os.chdir(root)
    return covered


def _refuse_foreign(folder: str) -> None:
    """In a user namespace there are no owners but this one: files of others cannot be written."""
    status = os.stat(folder)
    mine = status.st_uid == os.geteuid() and status.st_gid == os.getegid()
    if os.geteuid() != 0 and not mine:
        raise OSError(f"{folder} is not of this user and group")


def _mount(folder: bytes, lower: bytes, undo: contextlib.ExitStack) -> None:
    """The memory that takes what is written lies below the overlay, where nobody sees it."""
    status = os.stat(folder)
    mount_memory(folder)
    undo.callback(unmount, folder)
    upper, work = folder + b"/upper", folder + b"/work"
    os.mkdir(upper)
    os.mkdir(work)
    os.chmod(upper, status.st_mode & 0o7777)
    mount_overlay(lower, upper, work, folder)
    undo.callback(unmount, folder)


def lay_out(
    repository: Repository, staged: Staged, covered: Covered, keep: Collection[bytes]
) -> None:
    """Make the covered work tree what the index holds: its files, and nothing untracked.

    `keep` are paths relative to the root that stay whatever git says of them. Raises UsageError for
    what cannot be laid out, OSError where the overlay does not take it.
    """
    git_dir = os.path.realpath(os.fsdecode(staged.git_dir))
    _put_index(git_dir, os.path.join(os.fsdecode(staged.scratch), INDEX))
    _freeze_head(git_dir, os.path.realpath(os.fsdecode(staged.common_dir)), staged.head)
    # What was only announced (`git add --intent-to-add`) is in no tree: it is untracked now.
    tree = repository.git("write-tree").decode("ascii").strip()
    repository.git("read-tree", "-m", "-i", tree)
    listed = repository.git(*LIST_ENTRIES)
    lower = covered.work_tree
    lower.remember(entry_path(entry) for entry in listed.split(b"\0")[:-1])
    sparse = look_again(repository.git, listed, repository.root)
    # Every file is looked at again; that some differ is what is asked next.
    repository.git("update-index", "-q", "--really-refresh", "--ignore-submodules", "--unmerged")
    differing = _differing(repository) - sparse
    if differing:
        arguments = ("checkout-index", "--force", "--index", "-z", "--stdin")
        repository.git(*arguments, given=_list(sorted(differing)))
    lower.forget(differing)
    # Others write to these meanwhile, and may just be making what has git ignore them.
    through = [os.path.relpath(folder.folder, repository.root) for folder in covered.through]
    _hide_untracked(repository, [*keep, *map(os.fsencode, through)])
    for folder in covered.through:
        folder.come_through()
        folder.close()


def _put_index(git_dir: str, index: str) -> None:
    """The frozen index in the place of the present one, free of anybody's lock."""
    for name in ("index", "index.lock"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(git_dir, name))
    with contextlib.suppress(FileNotFoundError):
        copy_index(index, os.path.join(git_dir, "index"))


def _freeze_head(git_dir: str, common_dir: str, head: str) -> None:
    """Have the branch stay where it was: what is committed meanwhile is not of this run."""
    if not head:
        return
    with open(os.path.join(git_dir, "HEAD"), "rb") as file:
        named = file.read().strip()
    if named.startswith(b"ref: "):
        branch = os.path.join(os.fsencode(common_dir), named.removeprefix(b"ref: "))
    else:
        branch = os.path.join(os.fsencode(git_dir), b"HEAD")
    os.makedirs(os.path.dirname(branch), exist_ok=True)
    with open(branch, "wb") as file:
        file.write(head.encode() + b"\n")


def _differing(repository: Repository) -> set[bytes]:
    """The paths whose files are not what the index holds. Raises UsageError for submodules."""
    raw = repository.names("diff-files", "--raw", "-z", "--ignore-submodules=none", "--no-ext-diff")
    found = set()
    for header, path in zip(raw[::2], raw[1::2], strict=True):
        if SUBMODULE in header:
            name = sanitise(os.fsdecode(path))
            raise UsageError(
                f"the submodule {name} is not at the commit that is staged, or has changes",
                "stage or undo them there: git submodule status",
            )
        found.add(path)
    _refuse_hidden(repository)
    return found


def _refuse_hidden(repository: Repository) -> None:
    """Raises UsageError where git was told in a submodule not to look at a file: it may differ.

    The index here has no such marks of its own.
    """
    if not os.path.lexists(os.path.join(repository.root, ".gitmodules")):
        return
    for path in flagged(repository.git(*LIST_FLAGS)):
        if os.path.lexists(os.path.join(os.fsencode(repository.root), path)):
            name = sanitise(os.fsdecode(path))
            raise UsageError(
                f"git was told not to look at {name} in its submodule: it may be another",
                "have git look: update-index --no-assume-unchanged --no-skip-worktree, in there",
            )


def _hide_untracked(repository: Repository, keep: Collection[bytes]) -> None:
    """Take away what git does not know and was not told to ignore.

    Asked again while an untracked .gitignore goes, for what it had git ignore is untracked then.
    """
    while True:
        listed = repository.names("ls-files", "--others", "--exclude-standard", "--directory", "-z")
        untracked = [path for path in (p.rstrip(b"/") for p in listed) if not _is_kept(path, keep)]
        for path in untracked:
            _take_away(os.fsencode(repository.root), path, keep)
        if not any(path.rpartition(b"/")[2] == b".gitignore" for path in untracked):
            return


def _is_kept(path: bytes, keep: Collection[bytes]) -> bool:
    return any(path == kept or path.startswith(kept + b"/") for kept in keep)


def _take_away(root: bytes, path: bytes, keep: Collection[bytes]) -> None:
    """Remove what lies there, but for what is to stay."""
    full = os.path.join(root, path)
    if os.path.islink(full) or not os.path.isdir(full):
        os.unlink(full)
    elif any(kept.startswith(path + b"/") for kept in keep):
        for name in os.listdir(full):
            below = os.path.join(path, name)
            if not _is_kept(below, keep):
                _take_away(root, below, keep)
    else:
        shutil.rmtree(full)


def _list(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)
