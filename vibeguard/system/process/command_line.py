"""The command line that runs a check's command by its shell. Nothing is started here."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence

from vibeguard.system.process import batches
from vibeguard.system.process.batches import WORD_COST
from vibeguard.system.process.start_refused import StartRefused

# Of a command line: what Linux takes with the usual stack, and what the dynamic loader may add.
_MOST_ARGUMENT_BYTES = 2 << 20
_ROOM_TO_SPARE = 64 << 10


def arguments_for(shell: str, command: str) -> list[bytes]:
    """The words that run `command` by this shell of a config, the program's name first."""
    try:
        text = os.fsencode(command)
    except UnicodeEncodeError:
        raise StartRefused("the command holds text that the system cannot take") from None
    if b"\0" in text:
        raise StartRefused("the command holds a NUL character")
    if shell == "sh":
        return [b"sh", b"-c", text]
    if shell == "bash":
        return [b"bash", b"-e", b"-o", b"pipefail", b"-c", text]
    words = [os.fsencode(word) for word in shlex.split(shell)]
    if not words:
        raise StartRefused("the shell is an empty command line")
    return [*words, text]


def with_files(
    words: list[bytes],
    files: Sequence[bytes],
    environment: Mapping[bytes, bytes],
    read_at_end: str = "",
) -> list[bytes]:
    """The command line with the files as "$@", or that of `batches` where they are too many.

    Several calls would each write a file anew that is `read_at_end`, and only the last would count.
    """
    words = [*words, b"vibeguard"]
    most = min(os.sysconf("SC_ARG_MAX"), _MOST_ARGUMENT_BYTES)
    taken = sum(len(word) + WORD_COST for word in words) + _ROOM_TO_SPARE
    taken += sum(len(name) + len(value) + 1 + WORD_COST for name, value in environment.items())
    room = max(most - taken, 1)
    if sum(len(file) + WORD_COST for file in files) <= room:
        return [*words, *files]
    if read_at_end:
        raise StartRefused(
            f"its {len(files):,} files take several calls, and each would write {read_at_end} anew:"
            " let it read the list that VIBEGUARD_FILES names, without pass_files"
        )
    python = os.fsencode(sys.executable)
    return [python, b"-I", b"-S", os.fsencode(batches.__file__), str(room).encode(), *words]


def find_shell(program: bytes, environment: Mapping[bytes, bytes]) -> str:
    """The shell as the check itself would find it: on its PATH, from its working folder."""
    import shutil  # noqa: PLC0415 - for a shell of one's own alone; supervisor.preload has it

    name = os.fsdecode(program)
    path = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
    found = shutil.which(name, path=path)
    if found is None:
        raise StartRefused(
            f"the shell {name} is not found on PATH: install it, or name another one"
        )
    return found
