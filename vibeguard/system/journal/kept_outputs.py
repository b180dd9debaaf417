"""Whether output files are still what the log says of them (`report --verify`)."""

import os
from collections.abc import Iterable
from hashlib import sha256

from vibeguard.core.model.events import CheckAttemptFinished
from vibeguard.system.rundir.files import open_regular

_CHUNK_BYTES = 1 << 20


def altered_outputs(folder: str, attempts: Iterable[CheckAttemptFinished]) -> list[str]:
    """A sentence for each output in the run folder whose SHA-256 is not the recorded one."""
    return [
        f"{attempt.output_path} is not the output that was recorded"
        for attempt in attempts
        if attempt.output_sha256 and _digest(folder, attempt.output_path) != attempt.output_sha256
    ]


def _digest(folder: str, name: str) -> str:
    """The SHA-256 of a file; empty when it cannot be read, or lies outside the folder."""
    path = os.path.normpath(os.path.join(folder, name))
    if not path.startswith(folder + os.sep):
        return ""
    digest = sha256()
    try:
        descriptor = open_regular(path)
        with open(descriptor, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
