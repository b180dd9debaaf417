"""`.vibeguard/latest`: a convenience for people; VibeGuard itself looks into runs/."""

import errno
import os
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final

from vibeguard.system.rundir.files import read_regular, replace_file, unique_sibling
from vibeguard.system.rundir.ids import is_run_id, run_folder
from vibeguard.system.rundir.order import outermost, read_order

# What symlink() says on a file system that has none, and readlink() of what is none.
_NO_SYMLINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_LONGEST: Final = 4096


def update_latest(state_dir: str, *, leaving_out: AbstractSet[str] = frozenset()) -> None:
    """Let `latest` point to the newest run, atomically. Raises OSError.

    Of runs that start at once each looks again after it has written, so that the last word is
    that of one who has seen them all. Those of `leaving_out` are about to go and do not count.
    """
    newest = _newest(state_dir, leaving_out)
    while newest:
        written = newest
        _point_to(state_dir, written)
        newest = _newest(state_dir, leaving_out)
        if newest == written:
            return


def _newest(state_dir: str, leaving_out: AbstractSet[str]) -> str:
    """The newest run's id; empty where there is none."""
    for run_id in reversed(outermost(read_order(state_dir))):
        if run_id not in leaving_out and os.path.isdir(run_folder(state_dir, run_id)):
            return run_id
    return ""


def read_latest(state_dir: str) -> str:
    """The run id that `latest` names; empty when it is missing or not ours."""
    path = os.path.join(state_dir, "latest")
    try:
        folder, run_id = os.path.split(os.readlink(path))
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno not in _NO_SYMLINKS:
            raise
        link = read_regular(path, _LONGEST).decode("utf-8", "replace").strip()
        folder, run_id = os.path.split(link)
    return run_id if folder == "runs" and is_run_id(run_id) else ""


def _point_to(state_dir: str, run_id: str) -> None:
    path = os.path.join(state_dir, "latest")
    target = os.path.join("runs", run_id)
    temporary = unique_sibling(path)
    try:
        os.symlink(target, temporary)
        os.readlink(temporary)  # a sandbox may refuse this alone
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        if error.errno not in _NO_SYMLINKS:
            error.filename, error.filename2 = path, None
            raise
        replace_file(path, target.encode() + b"\n")
