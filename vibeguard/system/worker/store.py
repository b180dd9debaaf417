"""What a worker keeps on disk: a store of git objects, packs, and a folder for each attempt.

Everything lies below one folder of its own; what an earlier worker left there is swept at start.
"""

import os
import shutil
import subprocess
from typing import Final

from vibeguard.core.pool.messages import Source
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.files import make_folder

GIT_TIMEOUT_S: Final = 60.0


class Store:
    """Below `folder`: `store.git`, `packs/`, `attempts/` and `outputs/`.

    `repository` is a path or a URL that has the commits which runs are based on.
    """

    def __init__(self, folder: str, repository: str) -> None:
        self.folder = folder
        self.repository = repository
        self.git = os.path.join(folder, "store.git")

    def open(self) -> None:
        """Make what is not there. Raises UsageError."""
        for name in ("packs", "attempts", "outputs"):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
            make_folder(os.path.join(self.folder, name))
        if not os.path.isdir(self.git):
            self._git("init", "-q", "--bare", "--template=", self.git)
        objects = self._objects_of_repository()
        info = os.path.join(self.git, "objects", "info")
        os.makedirs(info, exist_ok=True)
        with open(os.path.join(info, "alternates"), "w", encoding="utf-8") as file:
            file.write(f"{objects}\n" if objects else "")
        if not objects:
            arguments = (f"--git-dir={self.git}", "fetch", "-q", self.repository)
            self._git(*arguments, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

    def attempt_folder(self, claim: str) -> str:
        """Where the tree of this claim is."""
        return os.path.join(self.folder, "attempts", claim)

    def output_path(self, claim: str, kind: str) -> str:
        """A file of this claim: `output`, `parcel`, `files` or `script`."""
        return os.path.join(self.folder, "outputs", f"{claim}.{kind}")

    def pack_path(self, source: Source) -> str:
        """Where the pack of a run is kept; empty where the run has none."""
        return os.path.join(self.folder, "packs", source.pack) if source.pack else ""

    def all_of(self, claim: str) -> tuple[str, ...]:
        """Whatever there may be of a claim."""
        kinds = ("output", "parcel", "files")
        return (self.attempt_folder(claim), *(self.output_path(claim, kind) for kind in kinds))

    def _objects_of_repository(self) -> str:
        """The objects of a repository on this machine; empty for a URL."""
        if not os.path.isdir(self.repository):
            return ""
        found = self._git("-C", self.repository, "rev-parse", "--git-path", "objects")
        return os.path.realpath(os.path.join(self.repository, found.strip()))

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=GIT_TIMEOUT_S,
                env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
            fatal = [line for line in lines if line.startswith("fatal: ")]  # what follows is advice
            said = (fatal or lines or ["no message"])[0].removeprefix("fatal: ")
            what = f"the repository {self.repository} cannot be used: {said}"
            raise UsageError(what, "name another one with --repository") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            what = f"the repository {self.repository} cannot be used: {error}"
            raise UsageError(what, "name another one with --repository") from error
        return os.fsdecode(done.stdout)
