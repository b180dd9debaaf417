"""Whether git tracks anything in a folder, mostly without starting git.

The index of git holds every tracked path as plain text (versions 2 and 3), so a folder that does
not occur in it is not tracked. Anything else (version 4 shortens paths, an index can be split, a
work tree can be linked) is git's to answer.
"""

import os
from typing import Final

from vibeguard.system.discovery.whereabouts import upwards

_PLAIN_VERSIONS: Final = (2, 3)
_HEADER_BYTES: Final = 12
_PATIENCE_S: Final = 10.0
_SPLIT_INDEX: Final = b"link"


def is_tracked(folder: str) -> bool:
    """Whether the repository around `folder`, if there is one, tracks a file in it."""
    around = _repository_around(folder)
    if around is None:
        return False
    try:
        # It may be a link; a FIFO in its place, as a check can put there, holds nobody up.
        path = os.path.join(around, ".git", "index")
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
    return _repository_around(folder) is not None


def _repository_around(folder: str) -> str | None:
    above = upwards(os.path.dirname(folder))
    return next((one for one in above if os.path.lexists(os.path.join(one, ".git"))), None)


def _git_says_tracked(folder: str) -> bool:
    """Ask git. Where it cannot answer (not installed, not its repository) nothing is tracked."""
    from vibeguard.system.discovery.vcs import Git  # noqa: PLC0415 - it imports subprocess

    parent, name = os.path.split(folder)
    git = Git(parent, os.environb, _PATIENCE_S)
    return bool(git.try_to("--literal-pathspecs", "ls-files", "-z", "--", name))
