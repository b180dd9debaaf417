"""A copy of the index from when the command began: later changes to it do not reach this run."""

import os
from collections.abc import Iterator, Mapping
from typing import Self

from msgspec import Struct

from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import of_this_repository, without_git_locals
from vibeguard.system.discovery.tree import own_index, own_objects
from vibeguard.system.discovery.vcs import SUBMODULE, paths_told, present_head
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.rundir.files import advice_for
from vibeguard.system.staged.repository import Repository
from vibeguard.system.staged.scratch import Scratch, make_scratch, sweep_scratch


class Frozen(Struct, frozen=True):
    """What is staged: `environment` has git read the copy of the index in the scratch folder.

    `tree` is the id of the tree that a commit would have, read with the variables of `objects`,
    `head` the commit it would follow, empty where there is none.
    """

    root: str
    git_dir: str
    common_dir: str
    head: str
    tree: str
    objects: dict[bytes, bytes]
    scratch: Scratch
    environment: dict[bytes, bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the folder to the supervisor; without one it goes."""
        self.scratch.leave()
        sweep_scratch(os.path.dirname(os.path.dirname(self.scratch.path)))

    def content_of(self, path: str) -> bytes | None:
        """What is staged at this place; None where nothing is."""
        name = os.path.relpath(os.path.realpath(path), os.path.realpath(self.root))
        if name.startswith("..") or os.fsencode(name) not in self._listed(name):
            return None
        return Repository(self.root, self.environment).git("cat-file", "blob", f":{name}")

    def paths(self) -> frozenset[bytes]:
        """What is staged, submodules left out, relative to the root."""
        return frozenset(self._listed())

    def _listed(self, *names: str) -> Iterator[bytes]:
        """What the tree has, at these places if any are given: the index lists announced files."""
        repository = Repository(self.root, self.environment | self.objects)
        listed = repository.names("ls-tree", "-r", "-z", "--full-tree", self.tree, "--", *names)
        return (e.partition(b"\t")[2] for e in listed if not e.startswith(SUBMODULE))


def freeze(folder: str, state_dir: str, environment: Mapping[bytes, bytes]) -> Frozen:
    """Take the index that the caller's git variables name.

    Raises UsageError outside of git, for an index with unmerged paths, and where git fails.
    """
    root = git_root(folder)
    if root is None:
        raise UsageError("nothing is staged here: this is no git repository", "leave out --staged")
    asked = Repository(root, of_this_repository(environment))
    places = (("--absolute-git-dir",), ("--git-common-dir",), ("--git-path", "index"))
    git_dir, common_dir, index = paths_told(root, asked.git, *places)
    try:
        scratch = make_scratch(state_dir)
        # The index stands for itself: whose hook this is decides about nothing else.
        own = without_git_locals(environment) | own_index(scratch.path, index)
        apart = own_objects(scratch.path, os.path.join(common_dir, "objects"))
    except OSError as error:
        what = f"the index cannot be copied to {state_dir}: {error.strerror}"
        raise UsageError(what, advice_for(error)) from error
    repository = Repository(root, own)
    try:
        _refuse_unmerged(repository)
        head = present_head(root, environment)
        tree = Repository(root, own | apart).git("write-tree").decode("ascii").strip()
    except UsageError:
        scratch.remove()
        raise
    return Frozen(root, git_dir, common_dir, head, tree, apart, scratch, own)


def _refuse_unmerged(repository: Repository) -> None:
    if repository.git("ls-files", "--unmerged", "-z"):
        raise UsageError("some paths are unmerged", "resolve the conflicts: git status")
