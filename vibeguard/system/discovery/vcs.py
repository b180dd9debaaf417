"""What git says of the working folder: commit and dirty flag, cheap and in bounded time.

One `git status` says both, without optional locks and without the file system monitor, which is a
hook of the repository. Where git is missing or slow the tree is dirty: it is not known to be clean.
Untracked files count, for checks see them.
"""

import os
import subprocess
from collections.abc import Mapping

from vibeguard.core.model.event_parts import VersionControl
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.whereabouts import repository_root

TIMEOUT_S = 1.0
GIT = (
    "git",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
)
_STATUS = ("status", "--porcelain=v2", "--branch", "--ignore-submodules=dirty", "-z")
_HEAD = ("rev-parse", "--verify", "HEAD")


def version_control(
    folder: str, environment: Mapping[bytes, bytes], timeout_s: float = TIMEOUT_S
) -> VersionControl | None:
    """Commit and dirty flag of the git repository around `folder`; None outside one.

    Untracked files count as changes, for checks see them; what is ignored does not. If git is not
    there or takes longer than `timeout_s`, the flag says dirty: it is not known to be clean.
    """
    root = repository_root(folder)
    if root is None or not os.path.lexists(os.path.join(root, ".git")):
        return None
    status = _git(_STATUS, folder, environment, timeout_s)
    if status is None:
        head = _git(_HEAD, folder, environment, timeout_s) or b""
        return VersionControl(head.strip().decode("ascii", "replace"), dirty=True)
    head_line = b"# branch.oid "
    branch_line = b"# branch.head "
    head_name, branch, dirty = "", "", False
    for entry in status.split(b"\0"):
        if entry.startswith(head_line):
            oid = entry[len(head_line) :].decode("ascii", "replace")
            head_name = "" if oid == "(initial)" else oid
        elif entry.startswith(branch_line):
            name = entry[len(branch_line) :].decode("utf-8", "replace")
            branch = "" if name == "(detached)" else name
        elif entry and not entry.startswith(b"# "):
            dirty = True
            break
    return VersionControl(head_name, dirty=dirty, branch=branch)


def present_head(folder: str, environment: Mapping[bytes, bytes]) -> str:
    """The commit that the repository around `folder` is at; empty where nothing tells."""
    if repository_root(folder) is None:
        return ""
    head = _git(_HEAD, folder, environment, TIMEOUT_S) or b""
    return head.strip().decode("ascii", "replace")


def tree_of_commit(folder: str, environment: Mapping[bytes, bytes], commit: str) -> str:
    """The id of a commit's tree; empty where nothing tells."""
    tree = _git(("rev-parse", "--verify", f"{commit}^{{tree}}"), folder, environment, TIMEOUT_S)
    return (tree or b"").strip().decode("ascii", "replace")


def answer_of_git(
    arguments: tuple[str, ...], folder: str, environment: Mapping[bytes, bytes], timeout_s: float
) -> bytes:
    """What git prints. Raises OSError if it is missing, SubprocessError if it fails or is slow."""
    return subprocess.run(
        [*GIT, *arguments],
        cwd=folder,
        env={**without_git_locals(environment), b"LC_ALL": b"C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=timeout_s,
        check=True,
    ).stdout


def _git(
    arguments: tuple[str, ...], folder: str, environment: Mapping[bytes, bytes], timeout_s: float
) -> bytes | None:
    """What git prints; None if it is missing, fails or takes too long."""
    try:
        return answer_of_git(arguments, folder, environment, timeout_s)
    except (OSError, subprocess.SubprocessError):
        return None
