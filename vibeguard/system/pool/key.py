"""The key of a pool: a file that nobody else may read."""

import os
import stat

from vibeguard.core.pool.sealing import FEWEST_KEY_BYTES
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.files import open_regular

KEY_VARIABLE = "VIBEGUARD_POOL_KEY_FILE"
_MOST_KEY_BYTES = 4096
_HOW = f"head -c 32 /dev/urandom | base64 > KEY; chmod 600 KEY; export {KEY_VARIABLE}=KEY"


def read_key(path: str) -> bytes:
    """The pool's key. Raises UsageError: missing, open to others, too short."""
    if not path:
        raise UsageError(f"{KEY_VARIABLE} is not set, and a pool needs a key", f"make one: {_HOW}")
    try:
        descriptor = open_regular(os.path.realpath(path))
    except OSError as error:
        what = f"the key of the pool, {path}, cannot be read: {error.strerror}"
        raise UsageError(what, f"name another file in {KEY_VARIABLE}") from error
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) & 0o077:
            what = f"the key of the pool, {path}, may be read or written by others"
            raise UsageError(what, f"chmod 600 {path}")
        key = file.read(_MOST_KEY_BYTES).strip()
    if len(key) < FEWEST_KEY_BYTES:
        what = f"the key of the pool, {path}, has {len(key)} bytes, fewer than {FEWEST_KEY_BYTES}"
        raise UsageError(what, f"make one: {_HOW}")
    return key
