"""Whether git tracks anything in a folder, mostly without starting git.

The index of git holds every tracked path as plain text (versions 2 and 3), so a folder that does
not occur in it is not tracked. Anything else (version 4 shortens paths, an index can be split, a
work tree can be linked) is git's to answer.
"""

import os
from typing import Final

_PLAIN_VERSIONS: Final = (2, 3)
_HEADER_BYTES: Final = 12
_PATIENCE_S: Final = 10.0
_SPLIT_INDEX: Final = b"link"


def is_tracked(folder: str) -> bool:
    """Whether the repository around `folder`, if there is one, tracks a file in it."""
    git_dir = _git_dir(os.path.dirname(folder))
    if git_dir is None:
        return False
    try:
        # It may be a link; a FIFO in its place, as a check can put there, holds nobody up.
        path = os.path.join(git_dir, "index")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as index:
            content = index.read()
    except FileNotFoundError:
        return False  # nothing was ever added
    except NotADirectoryError:
        return _git_says_tracked(folder)  # a linked work tree: .git is a file
    if not content:
        return False
    header = content[:_HEADER_BYTES]
    plain = int.from_bytes(header[4:8]) in _PLAIN_VERSIONS and _SPLIT_INDEX not in content
    if plain and os.fsencode(os.path.basename(folder)) + b"/" not in content:
        return False
    return _git_says_tracked(folder)


def in_repository(folder: str) -> bool:
    """Whether there is a repository around `folder`."""
    return _git_dir(os.path.dirname(folder)) is not None


def _git_dir(folder: str) -> str | None:
    """The nearest `.git` at or above `folder`."""
    while True:
        candidate = os.path.join(folder, ".git")
        if os.path.lexists(candidate):
            return candidate
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _git_says_tracked(folder: str) -> bool:
    """Ask git. Where it cannot answer (not installed, not its repository) nothing is tracked."""
    import subprocess  # noqa: PLC0415 - slow to import and seldom needed

    parent, name = os.path.split(folder)
    command = ["git", "--literal-pathspecs", "ls-files", "-z", "--", name]
    try:
        answer = subprocess.run(
            command, cwd=parent, capture_output=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout != b""
