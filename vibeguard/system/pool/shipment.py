"""The files of a run as its workers get them: a commit that they have, and a pack of the rest.

Captured once, without touching the user's index or work tree (docs/adr/0112).
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct

from vibeguard.core.pool.messages import Source
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.tree import GitTree, make_scratch
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.in_thread import InThread
from vibeguard.system.pool.unconverted import INSTEAD, begin_looking, unconverted
from vibeguard.system.removal import remove_tree

CAPTURE_S: Final = 60.0
# Another thread imports meanwhile: after each answer of git this one would wait 5 ms for its turn.
TURN_S: Final = 0.0005
MOST_PACK_BYTES: Final = 256 << 20
SHA1_DIGITS: Final = 40
_HEAD: Final = ("HEAD^{commit}", "HEAD^{tree}")
_REPLACED: Final = ("--symbolic-full-name", "--glob=refs/replace/*")


class Shipment(Struct, frozen=True):
    """Where the files are, and the pack with what their commit lacks; `top` is the real path."""

    source: Source
    pack: bytes = b""
    top: str = ""


class Capture:
    """The files of a run, captured in a thread while what else it needs is done."""

    def __init__(self, git: GitTree, root: str, scratch: str) -> None:
        self._git = git
        self._root = root
        self._scratch = scratch
        self._captured = InThread(self._work)

    def begin(self) -> None:
        """Start to capture them."""
        self._captured.begin()

    def result(self) -> Shipment:
        """Wait for it. Raises UsageError."""
        return self._captured.result()

    def stop(self) -> None:
        """End the capture, whether it was over or not."""
        self._git.stop()
        self._captured.wait()

    def _work(self) -> Shipment:
        usual_s = sys.getswitchinterval()
        sys.setswitchinterval(TURN_S)
        try:
            return _capture(self._git, self._root)
        except (OSError, subprocess.SubprocessError) as error:
            what = f"the files cannot be packed for workers: {_words_of(error)}"
            raise UsageError(what, INSTEAD) from error
        finally:
            sys.setswitchinterval(usual_s)
            self._git.end()
            remove_tree(self._scratch)


def begin_capture(folder: str, environment: Mapping[bytes, bytes]) -> Capture:
    """Begin to capture the files around `folder`, ignored ones left out. Raises UsageError."""
    root = git_root(folder)
    if root is None:
        raise UsageError(
            "the checks with where need a git repository, and this folder is in none", INSTEAD
        )
    scratch = make_scratch()
    begun = Capture(GitTree(root, environment, scratch, CAPTURE_S), root, scratch)
    begun.begin()
    return begun


def _capture(git: GitTree, root: str) -> Shipment:
    # What needs no answer of another git is begun before that has come, what does at least begun.
    asked = git.begin("--no-replace-objects", "rev-parse", *_HEAD, *_REPLACED)
    git.add_all(as_they_lie=True)
    looking = begin_looking(git)
    packing = git.begin("pack-objects", "--revs", "--thin", "--stdout", "-q", given=b"")
    tree = git.written()
    try:
        commit, committed, *replaced = git.answer(asked).decode().split()
    except subprocess.CalledProcessError:
        what = "the repository has no commit yet: workers have nothing to begin with"
        raise UsageError(what, "commit and push first") from None
    if len(commit) != SHA1_DIGITS:
        what = "a repository whose names are SHA-256 cannot go to a worker"
        raise UsageError(what, INSTEAD)
    tree = unconverted(
        git, looking, root, tree, {ref.rpartition("/")[2].encode() for ref in replaced}
    )
    top = os.path.realpath(root)
    if committed == tree:
        return Shipment(Source(commit, tree), top=top)
    # A commit that is left out does not leave out its files where a bare tree is asked for.
    wanted = f"{tree}\n^{committed}\n".encode()
    pack = git.answer(packing, wanted)
    if len(pack) > MOST_PACK_BYTES:
        size = f"{len(pack) >> 20} MiB"
        what = f"what the commit {commit[:12]} lacks of the files is {size}, more than 256 MiB"
        raise UsageError(what, "commit and push, or let git ignore what checks do not need")
    return Shipment(Source(commit, tree, sha256(pack).hexdigest(), len(pack)), pack, top)


def _words_of(error: OSError | subprocess.SubprocessError) -> str:
    """Why there was no answer: git's own words where it had any."""
    if isinstance(error, subprocess.CalledProcessError):
        if error.returncode < 0:  # the system has no memory, or a file may not be so large
            return f"git was ended by signal {-error.returncode}"
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        return sanitise(lines[0] if lines else "git gave no reason")
    if isinstance(error, subprocess.TimeoutExpired):
        return f"git took longer than {CAPTURE_S:g} s"
    return str(error)
