"""Notes that are kept in a run folder beside the log, for whoever looks at the run later.

What its supervisor found changed when it ended (the front of a run hears it over a pipe; of a
background run there is the folder only), its traceback if it broke, and who could not be told how
the run ended. The notes can make a run worse and never better, so it does not matter who writes
them.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from vibeguard.core.model.notification import Told
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.wording.units import plural
from vibeguard.system.rundir.files import read_regular, write_new

DIFFERENCES: Final = "differences"
KILLED: Final = "supervisor-killed"
TRACEBACK: Final = "supervisor-traceback.txt"
NOTIFIED: Final = "notified.jsonl"
_LARGEST_BYTES: Final = 64 << 10
_END_BYTES: Final = 16 << 10


def note_differences(run_folder: str, differences: Iterable[str]) -> None:
    """Keep the sentences beside the log, as far as there is still a folder and room for them."""
    text = "\n".join(differences).encode("utf-8", "backslashreplace")
    if not text:
        return
    with suppress(OSError):
        write_new(os.path.join(run_folder, DIFFERENCES), text[:_LARGEST_BYTES])


def note_killed(run_folder: str) -> None:
    """Keep that the supervisor was killed before it sealed the log. Without a folder, nothing."""
    if run_folder:
        with suppress(OSError):
            write_new(os.path.join(run_folder, KILLED), b"")


def was_killed(run_folder: str) -> bool:
    """Whether it was noted that the supervisor was killed: a seal is not its own then."""
    return os.path.lexists(os.path.join(run_folder, KILLED))


def differences_of(run_folder: str) -> str:
    """What was noted, on one line; empty if nothing was. A note that tells nothing still counts."""
    try:
        note = read_regular(os.path.join(run_folder, DIFFERENCES), _LARGEST_BYTES)
        lines = note.decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"the note of what was found changed cannot be read ({error.strerror})"
    return "; ".join(lines) or "something was found changed when the run ended"


def write_traceback(run_folder: str, text: str) -> str:
    """Keep a traceback beside the log; its path. Raises OSError."""
    path = os.path.join(run_folder, TRACEBACK)
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
    """What ended a supervisor that left a traceback, with its path; empty without one."""
    path = os.path.join(run_folder, TRACEBACK)
    try:
        lines = read_regular(path, _END_BYTES, end=True).decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    # Of earlier versions, the innermost error: groups of exceptions are framed.
    last = next((bare for line in reversed(lines) if (bare := line.strip(" |+-"))), "")
    return f"{last}; its traceback: {path}"


def note_told(run_folder: str, told: Iterable[Told]) -> None:
    """Keep it, as far as there is still a folder and room."""
    with suppress(OSError):
        write_new(os.path.join(run_folder, NOTIFIED), msgspec.json.Encoder().encode_lines(told))


def untold(run_folder: str) -> tuple[str, ...]:
    """A sentence for each of those that could not be told."""
    try:
        lines = read_regular(os.path.join(run_folder, NOTIFIED), _LARGEST_BYTES)
        told = msgspec.json.Decoder(Told).decode_lines(lines)
    except FileNotFoundError:
        return ()
    except (OSError, *UNDECODABLE):
        return ("who was told of this run cannot be read",)
    return tuple(
        f"{one.target} was not told of this run ({plural(one.attempts, 'attempt')}): {one.error}"
        for one in told
        if one.error
    )
