"""What a worker keeps on disk: a store of git objects, packs, and a folder for each attempt.

Everything lies below one folder of its own; what an earlier worker left there is swept at start.
"""

import os
import re
import subprocess
from glob import escape as glob_escape
from glob import glob
from typing import Final

from vibeguard.core.pool.messages import Source
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import Git, quoted_path
from vibeguard.system.removal import remove_tree
from vibeguard.system.rundir.files import make_folder

GIT_TIMEOUT_S: Final = 60.0
FETCH_TIMEOUT_S: Final = 3600.0  # a large repository, from far away


class Store:
    """Below `folder`: `store.git`, `packs/`, `attempts/` and `outputs/`.

    `packs/` has what runs sent, as it came and then as git's objects, a folder for each tree.
    `repository` is a path or a URL that has the commits which runs are based on; the file
    `shallow` says, if it is there, at which of them its history ends.
    """

    def __init__(self, folder: str, repository: str) -> None:
        self.folder = os.path.realpath(folder)  # as commands are told it
        self.repository = repository
        self.git = os.path.join(self.folder, "store.git")
        self.shallow = os.path.join(self.git, "shallow")

    def objects_of(self, source: Source) -> tuple[str, ...]:
        """Where all objects are that a folder with these files needs."""
        sent = self.pack_path(source)
        return (*([f"{sent}.objects"] if sent else []), os.path.join(self.git, "objects"))

    def make_room(self, source: Source) -> str:
        """Where the objects of these files go, which is made where it is not there."""
        first, *others = self.objects_of(source)
        if others:
            _read_from(first, *others)
        return first

    def open(self) -> None:
        """Make what is not there. Raises UsageError."""
        for name in ("packs", "attempts", "outputs"):
            remove_tree(os.path.join(self.folder, name))
            make_folder(os.path.join(self.folder, name))
        if not os.path.isdir(self.git):
            self._git("init", "-q", "--bare", "--template=", "--object-format=sha1", self.git)
        objects = self._path_in_repository("objects")
        self.shallow = self._path_in_repository("shallow") or self.shallow
        self._refuse_partial(objects)
        _read_from(os.path.join(self.git, "objects"), objects)
        if not objects:
            arguments = (f"--git-dir={self.git}", "fetch", "-q", self.repository)
            refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            self._git(*arguments, *refs, timeout_s=FETCH_TIMEOUT_S)

    def without_password(self, said: str) -> str:
        """What git or a script said, as the run and others may read it."""
        shown = re.sub("(?<=://)[^/]*@", "", self.repository)
        return said.replace(self.repository, shown)

    def attempt_folder(self, claim: str) -> str:
        """Where the tree of this claim is."""
        return os.path.join(self.folder, "attempts", claim)

    def output_path(self, claim: str, kind: str) -> str:
        """A file of this claim: `output`, `parcel`, `files` or `script`."""
        return os.path.join(self.folder, "outputs", f"{claim}.{kind}")

    def pack_path(self, source: Source) -> str:
        """Where the pack of a run is kept; empty where the run has none.

        One pack may fit to two commits, which do not come and go together.
        """
        name = f"{source.commit}-{source.pack}"
        return os.path.join(self.folder, "packs", name) if source.pack else ""

    def _refuse_partial(self, objects: str) -> None:
        """Raises UsageError for a clone that has only those files that were needed there."""
        if objects and glob(os.path.join(glob_escape(objects), "pack", "*.promisor")):
            what = f"the repository {self.repository} is a partial clone: it lacks files"
            raise UsageError(what, "name a whole one with --repository")

    def _path_in_repository(self, name: str) -> str:
        """Where a repository on this machine has something; empty for a URL."""
        if not os.path.isdir(self.repository):
            return ""
        found = self._git("-C", self.repository, "rev-parse", "--git-path", name)
        return os.path.realpath(os.path.join(self.repository, found.strip()))

    def _git(self, *arguments: str, timeout_s: float = GIT_TIMEOUT_S) -> str:
        environment = {**without_git_locals(os.environb), b"GIT_TERMINAL_PROMPT": b"0"}
        try:
            return os.fsdecode(Git(self.folder, environment, timeout_s).ask(*arguments))
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
            fatal = [line for line in lines if line.startswith("fatal: ")]  # what follows is advice
            said = (fatal or lines or ["no message"])[0].removeprefix("fatal: ")
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        what = self.without_password(f"the repository {self.repository} cannot be used: {said}")
        raise UsageError(what, "name another one with --repository")


def _read_from(objects: str, others: str) -> None:
    """Have git look in `others`, if there are any, for objects that are not in the first folder."""
    info = os.path.join(objects, "info")
    os.makedirs(info, exist_ok=True)
    with open(os.path.join(info, "alternates"), "wb") as file:
        file.write(quoted_path(others) + b"\n" if others else b"")
