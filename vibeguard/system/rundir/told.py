"""How often in a row a session of an agent was told of failures: a small file a session.

Agents' own flags for it may lie. A count is about the runs of its time, and goes with them.
"""

import contextlib
import os

from vibeguard.system.rundir.files import read_regular, replace_file

_FOLDER = "told"
_MOST_DIGITS = 3


def count_file(state_dir: str, session: str) -> str:
    """Where the count of a session is; `session` is a name for a file."""
    return os.path.join(state_dir, _FOLDER, session)


def counted(path: str) -> int:
    """The count; 0 where none can be read."""
    try:
        text = read_regular(path, _MOST_DIGITS + 1).decode("ascii")
    except (OSError, ValueError):
        return 0
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def set_count(path: str, count: int) -> None:
    """Write the count down; 0 is no file. Raises OSError."""
    if count == 0:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.dirname(path))
    replace_file(path, str(count).encode())


def forget_counts(state_dir: str, before_ns: int) -> None:
    """Remove the counts that were written before this moment, by the wall clock."""
    try:
        entries = os.scandir(os.path.join(state_dir, _FOLDER))
    except OSError:
        return  # nobody was ever told
    with entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime_ns < before_ns:
                    os.unlink(entry.path)
