"""What became of telling others how a run ended, kept in the run folder beside the log."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from vibeguard.core.model.notification import Told
from vibeguard.core.wording.units import plural
from vibeguard.system.rundir.files import read_regular, write_new

NAME: Final = "notified.jsonl"
_LARGEST_BYTES: Final = 64 << 10


def note_told(run_folder: str, told: Iterable[Told]) -> None:
    """Keep it, as far as there is still a folder and room."""
    with suppress(OSError):
        write_new(os.path.join(run_folder, NAME), msgspec.json.Encoder().encode_lines(told))


def untold(run_folder: str) -> tuple[str, ...]:
    """A sentence for each of those that could not be told."""
    try:
        lines = read_regular(os.path.join(run_folder, NAME), _LARGEST_BYTES)
        told = msgspec.json.Decoder(Told).decode_lines(lines)
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError):
        return ("who was told of this run cannot be read",)
    return tuple(
        f"{one.target} was not told of this run ({plural(one.attempts, 'attempt')}): {one.error}"
        for one in told
        if one.error
    )
