"""Leftovers of runs of which every process was SIGKILLed at once: swept at the next command."""

import contextlib
import os

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.lock import writer_alive
from vibeguard.system.rundir.files import create_file, open_regular
from vibeguard.system.rundir.ids import run_folder, run_ids

SWEPT_NAME = "swept"
_SEAL = b'{"type":"log.sealed"'
_SEAL_WITHIN_BYTES = 512


def sweep_leftovers(state_dir: str) -> tuple[ProcessReport, ...]:
    """Kill what carries the mark of a dead run of this folder; what was found, as it was.

    A run is looked at once: afterwards its folder holds an empty file `swept`. Runs that are
    sealed or live cost one look at the end of their log.
    """
    dead = [run for run in run_ids(state_dir) if _died(run_folder(state_dir, run))]
    if not dead:
        return ()
    from vibeguard.system.process.sweep import sweep_marked  # noqa: PLC0415 - hardly ever needed

    swept = sweep_marked(dead)
    for run in dead:
        with contextlib.suppress(OSError):
            os.close(
                create_file(os.path.join(run_folder(state_dir, run), SWEPT_NAME), flags=os.O_WRONLY)
            )
    return swept


def _died(folder: str) -> bool:
    """Whether the run ended without a seal and has not been swept since."""
    try:
        descriptor = open_regular(os.path.join(folder, LOG_NAME))
    except OSError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, _SEAL_WITHIN_BYTES, max(0, size - _SEAL_WITHIN_BYTES))
        last_line = end.rstrip(b"\n").rpartition(b"\n")[2]
        if last_line.startswith(_SEAL) or writer_alive(descriptor) is not False:
            return False
    finally:
        os.close(descriptor)
    return not os.path.lexists(os.path.join(folder, SWEPT_NAME))
