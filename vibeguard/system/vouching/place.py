"""Which state folder is meant, and the names of the sockets on which its supervisors answer.

A name in the abstract namespace lives in the kernel and dies with its process: a check can neither
remove one nor rename it. It holds keys of the folder: two of its path, one of its inode, and one of
its name in the folder above, which lasts when both are renamed. One key that fits is enough.
"""

import os
from hashlib import sha256
from typing import Final

LISTING: Final = "/proc/net/unix"
_PREFIX: Final = "vibeguard"
_KEY_LENGTH: Final = 12


def new_name(keys: frozenset[str]) -> str:
    """A name for one more supervisor; its last part is random, so that none can be taken first."""
    unique = f"{os.getpid()}.{os.urandom(4).hex()}"
    return f"{_PREFIX}/{os.geteuid()}/{'.'.join(sorted(keys))}/{unique}"


def keys_of(state_dir: str) -> frozenset[str]:
    """The keys by which the folder can be known now; one that is not there has no inode."""
    above, name = os.path.split(state_dir)
    found = {_key("path", state_dir), _key("path", os.path.realpath(state_dir))}
    for kind, path, more in (("folder", state_dir, ""), ("above", above, name)):
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.add(_key(kind, f"{status.st_dev}:{status.st_ino}:{more}"))
    return frozenset(found)


def claimants(state_dir: str) -> list[str]:
    """The names of the sockets on which somebody claims to be a supervisor of this folder.

    They are only listed. Nobody is asked, and anybody may have bound them.
    """
    names = all_claimants()
    if not names:
        return []
    keys = keys_of(state_dir)
    return [name for name in names if keys & _keys_in(name)]


def all_claimants() -> list[str]:
    """The names of the sockets of supervisors, in any folder; none where no sockets are listed.

    Those of every user: a user has other numbers in other user namespaces. Whose a socket really
    is, the kernel says to whoever connects.
    """
    try:
        with open(LISTING, "rb") as file:
            listing = file.read()
    except OSError:
        return []
    mark = f"@{_PREFIX}/".encode()
    if mark not in listing:
        return []
    names = {line[line.index(mark) + 1 :] for line in listing.splitlines() if mark in line}
    return sorted(name.decode("ascii", "replace") for name in names)


def _keys_in(name: str) -> frozenset[str]:
    parts = name.split("/")
    return frozenset(parts[2].split(".")) if len(parts) == 4 else frozenset()


def _key(kind: str, what: str) -> str:
    text = f"{kind}\0{what}".encode(errors="surrogateescape")
    return sha256(text).hexdigest()[:_KEY_LENGTH]
