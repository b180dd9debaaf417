"""Git's name for what is in the working folder: the tree that a commit of all of it would have.

Nothing of the user's repository changes: a copy of the index is filled, and new objects go to a
temporary folder (docs/adr/0071).
"""

import os
import stat
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from vibeguard.system.discovery.changes import LIST_ENTRIES, look_again
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import (
    SUBMODULE,
    Git,
    answer_of_git,
    mode_in_git,
    paths_told,
    quoted_path,
    tree_of_commit,
    with_settings,
)
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.own_group import Program, end_group, kill_group
from vibeguard.system.removal import remove_tree

TIMEOUT_S: Final = 5.0
# In the folder of what is done apart from the user's repository.
INDEX: Final = "index"
OBJECTS: Final = "objects"
_TEMPORARY: Final = "/tmp"  # noqa: S108 - a folder with a random name is made there
_PREFIX: Final = "vibeguard-tree-"
_PART_BYTES: Final = 1 << 20  # of an index that is copied
_MOST_AT_ONCE: Final = 2_000  # files that git is asked for at once, and their bytes
_MOST_BYTES_AT_ONCE: Final = 32 << 20
# What is added goes into one pack instead of a file in a folder for each: to make and to remove
# those takes longer than all else. It is thrown away, so nothing waits for the disk.
_ONE_PACK: Final = with_settings("core.bigFileThreshold=1", "core.fsync=none")
_ADD: Final = (*_ONE_PACK, *with_settings("advice.addEmbeddedRepo=false"), "add", "--all")
# Nothing is written beside the user's index, nor started, where ours is written.
_PRIVATELY: Final = with_settings("core.splitIndex=false", "core.hooksPath=/dev/null")
# What a user may have told git to make of files, instead of taking them as they lie there.
AS_THEY_LIE: Final = with_settings(
    *("core.fileMode=true", "core.ignoreCase=false", "core.safecrlf=false", "core.symlinks=true")
)


def tree_of(
    folder: str,
    environment: Mapping[bytes, bytes],
    *,
    exact: bool = False,
    within: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> str:
    """The tree that a commit of everything that is there would have; "" where that is unknown.

    What that takes lies in a folder of its own meanwhile, `within` another or where the system has
    such. What git ignores is left out. Unknown is what takes longer than `timeout_s`, cannot be
    read, or is in no repository of git; and where it is to be `exact`, what is not, byte for byte,
    what git would check out: it goes by its index and by filters, and does not look at what it was
    told not to look at.
    """
    root = git_root(folder)
    if root is None:
        return ""
    scratch = make_scratch(within)
    try:
        git = GitTree(root, environment, scratch, timeout_s)
        tree = git.write()
        return tree if not exact or git.is_checked_out(tree) else ""
    except (OSError, subprocess.SubprocessError):
        return ""
    finally:
        remove_tree(scratch)


def make_scratch(within: str | None = None) -> str:
    """A new folder for its owner alone, `within` another or where the system has such.

    Raises OSError.
    """
    with suppress(OSError):
        above = os.path.abspath(within or os.environ.get("TMPDIR") or _TEMPORARY)
        path = os.path.join(above, f"{_PREFIX}{os.urandom(8).hex()}")
        os.mkdir(path, stat.S_IRWXU)
        return path
    from tempfile import mkdtemp  # noqa: PLC0415 - slow to import; it finds where else one can be

    return mkdtemp(prefix=_PREFIX, dir=within)


def own_index(scratch: str, index: str) -> dict[bytes, bytes]:
    """A copy of this index in `scratch`; the variable by which git takes it. Raises OSError."""
    own = os.path.join(scratch, INDEX)
    if os.path.exists(index):
        copy_index(index, own)
    return {b"GIT_INDEX_FILE": os.fsencode(own)}


def copy_index(source: str, target: str) -> None:
    """Copy an index with its time, by which git tells which files may have changed unnoticed.

    Not with its mode, which some mounts refuse. Raises OSError.
    """
    with open(source, "rb") as read, open(target, "wb") as written:
        while part := read.read(_PART_BYTES):
            written.write(part)
    status = os.stat(source)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def own_objects(scratch: str, shared: str, also: bytes | None = None) -> dict[bytes, bytes]:
    """A folder in `scratch`; the variables by which git writes there and reads there and elsewhere.

    `shared` is the folder of the repository's objects, `also` a list of others. Raises OSError.
    """
    own = os.path.join(scratch, OBJECTS)
    os.mkdir(own)
    return {
        b"GIT_OBJECT_DIRECTORY": os.fsencode(own),
        b"GIT_ALTERNATE_OBJECT_DIRECTORIES": b":".join(filter(None, [quoted_path(shared), also])),
    }


class _Blob(NamedTuple):
    """An entry of a tree, and the file that is to hold it."""

    oid: bytes
    path: bytes
    file: bytes
    mode: int


class GitTree:
    """Writes the tree of a work tree; what that takes goes to `scratch`."""

    def __init__(
        self, root: str, environment: Mapping[bytes, bytes], scratch: str, timeout_s: float
    ) -> None:
        self._root = root
        # In a hook git lends an index of its own; what is there is what is meant here.
        self._environment = without_git_locals(environment)
        self._alternates = environment.get(b"GIT_ALTERNATE_OBJECT_DIRECTORIES")
        self._scratch = scratch
        self._timeout_s = timeout_s
        self._look = threading.Lock()  # at the next two
        self._begun: list[Program] = []
        self._stopped = False

    def stop(self) -> None:
        """End what git does for another thread, which gets SubprocessError from now on."""
        with self._look:
            self._stopped = True
            for process in self._begun:
                if process.poll() is None:
                    kill_group(process.pid)

    def write(self, *, as_they_lie: bool = False) -> str:
        """The id of the tree. Raises OSError or SubprocessError."""
        self.add_all(as_they_lie=as_they_lie)
        return self.written()

    def written(self) -> str:
        """The id of the tree of what has been added. Raises OSError or SubprocessError."""
        return self.git("write-tree").decode("ascii").strip()

    def add_all(self, *, as_they_lie: bool) -> None:
        """Add all that is there to an index of its own. Raises OSError or SubprocessError.

        With `as_they_lie`, git looks at files too that it was told not to look at, and no setting
        of the user's says what they are; what it has converted is for `pool.unconverted` to find.
        """
        places = (("--git-path", "index"), ("--git-path", "objects"))
        index, objects = paths_told(self._root, self.git, *places)
        self._environment |= own_index(self._scratch, index)
        self._environment |= own_objects(self._scratch, objects, self._alternates)
        listing = None
        if as_they_lie:
            self._environment[b"GIT_NO_REPLACE_OBJECTS"] = b"1"
            listing = self.begin(*LIST_ENTRIES)
        taken = AS_THEY_LIE if as_they_lie else ()
        # Files as young as the index, as in a new clone, `add` would compress to compare them.
        self.git(*taken, "update-index", "-q", "--unmerged", "--refresh")
        if listing is not None:
            look_again(self.git, self.answer(listing), self._root)
        self.git(*taken, *_ADD)

    def is_checked_out(self, tree: str) -> bool:
        """Whether what lies there is what git would check out for the tree, that of `write`.

        Raises OSError or SubprocessError.
        """
        batch, size = [], 0
        for entry in self.git("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]:
            told, _, path = entry.partition(b"\t")
            mode, _, oid = told.split(b" ")
            full = os.path.join(os.fsencode(self._root), path)
            if mode == SUBMODULE:
                if not self._is_at(full, oid.decode("ascii")):
                    return False
                continue
            status = os.lstat(full)
            if mode_in_git(status.st_mode) != mode:
                return False
            batch.append(_Blob(oid, path, full, status.st_mode))
            size += status.st_size
            if len(batch) == _MOST_AT_ONCE or size > _MOST_BYTES_AT_ONCE:
                if not self._lie_there(batch):
                    return False
                batch, size = [], 0
        return self._lie_there(batch)

    def _is_at(self, folder: bytes, commit: str) -> bool:
        """Whether a submodule is empty, or exactly that commit."""
        name = os.fsdecode(folder)
        if not os.listdir(folder):
            return True
        own = {k: v for k, v in self._environment.items() if not k.startswith(b"GIT_")}
        known = tree_of_commit(name, own, commit)
        return (
            known != ""
            and tree_of(name, own, exact=True, within=self._scratch, timeout_s=self._timeout_s)
            == known
        )

    def _lie_there(self, blobs: list[_Blob]) -> bool:
        """Whether each file holds what git's filters make of its blob; a link is not filtered."""
        links = [blob for blob in blobs if stat.S_ISLNK(blob.mode)]
        files = [blob for blob in blobs if not stat.S_ISLNK(blob.mode)]
        odd = [blob for blob in files if b"\n" in blob.path]  # git reads one name a line
        plain = [blob for blob in files if b"\n" not in blob.path]
        return (
            self._are(links, b"".join(b.oid + b"\n" for b in links))
            and self._are(
                plain, b"".join(b.oid + b" " + b.path + b"\n" for b in plain), "--filters"
            )
            and all(_content(b) == self.git("cat-file", *_filtered(b)) for b in odd)
        )

    def _are(self, blobs: list[_Blob], asked: bytes, *how: str) -> bool:
        told = self.git("cat-file", "--batch=", *how, given=asked)
        return told == b"".join(b"\n" + _content(blob) + b"\n" for blob in blobs)

    def git(self, *arguments: str, given: bytes | None = None) -> bytes:
        """What git prints, with `given` as its input. Raises OSError or SubprocessError."""
        return self.answer(self.begin(*arguments, given=given), given)

    def begin(self, *arguments: str, given: bytes | None = None) -> Program:
        """Start git without waiting for its `answer`, which may be given something. OSError."""
        git = Git(self._root, self._environment, self._timeout_s)
        process = git.begin(*_PRIVATELY, *arguments, given=given)
        with self._look:
            self._begun.append(process)
        return process

    def answer(self, process: Program, given: bytes | None = None) -> bytes:
        """What the git prints that was begun. Raises SubprocessError."""
        try:
            return answer_of_git(process, self._timeout_s, given, began=self._go_on)
        finally:
            with self._look:
                self._begun.remove(process)

    def end(self) -> None:
        """End what has begun and is not wanted any more."""
        while self._begun:
            process = self._begun[-1]
            with process:
                end_group(process)
            with self._look:
                self._begun.remove(process)

    def _go_on(self, _: Program) -> None:
        if self._stopped:
            raise subprocess.SubprocessError("it was stopped")


def _filtered(blob: _Blob) -> tuple[str, ...]:
    return "--filters", f"--path={os.fsdecode(blob.path)}", blob.oid.decode("ascii")


def _content(blob: _Blob) -> bytes:
    if stat.S_ISLNK(blob.mode):
        return os.readlink(blob.file)
    with open(blob.file, "rb") as file:
        return file.read()
