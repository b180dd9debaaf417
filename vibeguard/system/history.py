"""`.vibeguard/history`: durations of earlier runs, a line a check, derived from the logs.

Nothing but estimates depends on it: damaged lines are passed over, and it may be deleted
(ADR 0048).
"""

import hashlib
import os
from collections.abc import Iterable
from typing import Final

from msgspec import json

from vibeguard.core.history import Estimate, Sample, definition_of, estimates
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.problems import UNDECODABLE
from vibeguard.system.rundir.files import append_lines, read_regular, replace_file

NAME: Final = "history"
# Some ten thousand lines: beyond it the older half goes.
LARGEST_BYTES: Final = 2 << 20
_MACHINE_FILES: Final = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_decode = json.Decoder(Sample).decode
_encode = json.Encoder().encode


def load_estimates(
    state_dir: str, checks: Iterable[CheckConfig | PlannedCheck]
) -> dict[str, Estimate]:
    """What earlier runs on this machine let expect of these checks, by id.

    Nothing where there is no history, or none that can be read.
    """
    definitions = {check.id: definition_of(check.run, check.cwd, check.where) for check in checks}
    return estimates(_read(state_dir), definitions, machine_id())


def append_history(state_dir: str, samples: Iterable[Sample]) -> None:
    """Add the checks of a run, in one write, so that runs that end together do not mix lines.

    Raises OSError; the run that is over does not depend on it.
    """
    lines = b"".join(_encode(sample) + b"\n" for sample in samples)
    if not lines:
        return
    path = os.path.join(state_dir, NAME)
    if append_lines(path, lines) > LARGEST_BYTES:
        # Half of it, so that this is done once in a while. Lines that another run adds meanwhile
        # may be lost.
        latest = read_regular(path, LARGEST_BYTES // 2, end=True)
        replace_file(path, latest.partition(b"\n")[2])


def machine_id() -> str:
    """A short name for this machine and its size: other machines take other times."""
    name = next(filter(None, map(_first_line, _MACHINE_FILES)), os.uname().nodename)
    facts = f"{name}\0{os.uname().machine}\0{os.cpu_count()}"
    return hashlib.sha256(facts.encode(errors="replace")).hexdigest()[:16]


def _read(state_dir: str) -> list[Sample]:
    """The samples that can be read, oldest first; at most the last `LARGEST_BYTES`."""
    try:
        lines = read_regular(os.path.join(state_dir, NAME), LARGEST_BYTES, end=True).split(b"\n")
    except OSError:
        return []  # none yet, or not for us: no estimates
    return [sample for sample in map(_sample, lines) if sample is not None]


def _sample(line: bytes) -> Sample | None:
    try:
        return _decode(line)
    except UNDECODABLE:
        return None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
