"""A file with a key that nobody else may read."""

import os
import stat
from typing import Final

from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.files import open_of_users

FEWEST_KEY_BYTES: Final = 32
_MOST_KEY_BYTES: Final = 4096


def read_key(path: str, *, of: str, variable: str) -> bytes:
    """The key of something, whose path a variable gives.

    Raises UsageError: none is named, it is missing, open to others, too short.
    """
    how = f"head -c 32 /dev/urandom | base64 > KEY; chmod 600 KEY; export {variable}=KEY"
    if not path:
        raise UsageError(f"{variable} is not set, so there is no key of {of}", f"make one: {how}")
    try:
        descriptor = open_of_users(path)
    except OSError as error:
        what = f"the key of {of}, {path}, cannot be read: {error.strerror}"
        raise UsageError(what, f"name another file in {variable}") from error
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) & 0o077:
            what = f"the key of {of}, {path}, may be read or written by others"
            raise UsageError(what, f"chmod 600 {path}")
        key = file.read(_MOST_KEY_BYTES + 1).strip()
    if len(key) > _MOST_KEY_BYTES:
        what = f"the key of {of}, {path}, has more than {_MOST_KEY_BYTES} bytes"
        raise UsageError(what, f"make one: {how}")
    if len(key) < FEWEST_KEY_BYTES:
        what = f"the key of {of}, {path}, has {len(key)} bytes, fewer than {FEWEST_KEY_BYTES}"
        raise UsageError(what, f"make one: {how}")
    return key
