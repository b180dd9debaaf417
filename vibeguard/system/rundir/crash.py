"""What a supervisor that broke left behind: its own traceback, in the run folder."""

import os
from typing import Final

from vibeguard.system.rundir.files import read_regular, write_new

TRACEBACK_NAME: Final = "supervisor-traceback.txt"
_END_BYTES: Final = 16 << 10


def write_traceback(run_folder: str, text: str) -> str:
    """Keep a traceback beside the log; its path. Raises OSError."""
    path = os.path.join(run_folder, TRACEBACK_NAME)
    write_new(path, text.encode("utf-8", "backslashreplace"))
    return path


def keep_traceback(text: str) -> str:
    """The same where there is no run folder: a file of its own; its path, or "" without room."""
    import tempfile  # noqa: PLC0415 - only for a defect

    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="vibeguard-traceback-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(text)
    except OSError:
        return ""
    return file.name


def crash_of(run_folder: str) -> str:
    """One sentence on the traceback that a supervisor left, with its path; empty without one."""
    path = os.path.join(run_folder, TRACEBACK_NAME)
    try:
        lines = read_regular(path, _END_BYTES, end=True).decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    # Groups of exceptions are framed: the innermost one is the last line with words in it.
    last = next((bare for line in reversed(lines) if (bare := line.strip(" |+-"))), "")
    return f"a defect of VibeGuard itself ended it: {last}; its traceback: {path}"
