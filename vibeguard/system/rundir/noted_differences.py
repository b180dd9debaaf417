"""What a supervisor found changed when it ended, kept in the run folder for `wait` and `report`.

The front of a run hears it over a pipe; whoever looks at a background run later has the folder
only. The notes can make a run worse and never better, so it does not matter who writes them.
"""

import contextlib
import os
from collections.abc import Iterable
from typing import Final

from vibeguard.system.rundir.files import read_regular, write_new

NAME: Final = "differences"
KILLED: Final = "supervisor-killed"
_LARGEST_BYTES: Final = 64 << 10


def note_differences(run_folder: str, differences: Iterable[str]) -> None:
    """Keep the sentences beside the log, as far as there is still a folder and room for them."""
    text = "\n".join(differences).encode("utf-8", "backslashreplace")
    if not text:
        return
    with contextlib.suppress(OSError):
        write_new(os.path.join(run_folder, NAME), text[:_LARGEST_BYTES])


def note_killed(run_folder: str) -> None:
    """Keep that the supervisor was killed before it sealed the log. Without a folder, nothing."""
    if run_folder:
        with contextlib.suppress(OSError):
            write_new(os.path.join(run_folder, KILLED), b"")


def was_killed(run_folder: str) -> bool:
    """Whether it was noted that the supervisor was killed: a seal is not its own then."""
    return os.path.lexists(os.path.join(run_folder, KILLED))


def differences_of(run_folder: str) -> str:
    """What was noted, on one line; empty if nothing was. A note that tells nothing still counts."""
    try:
        note = read_regular(os.path.join(run_folder, NAME), _LARGEST_BYTES)
        lines = note.decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the note of what was found changed cannot be read ({error.strerror})"
    return "; ".join(lines) or "something was found changed when the run ended"
