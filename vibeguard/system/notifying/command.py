"""A command that is told: the document on its standard input, its output only for a failure."""

import os
import signal
import subprocess
import tempfile
from typing import IO

from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.system.own_group import Program, begin_group, end_group

BOUND_S = 60.0
_END_BYTES = 4096


def tell_command(job: NotifyJob, command: str) -> tuple[int, str]:
    """Run it once; attempts, and what went wrong."""
    with tempfile.TemporaryFile() as document, tempfile.TemporaryFile() as output:
        document.write(job.document)
        document.seek(0)
        try:
            process = begin_group(
                ["sh", "-c", command],
                stdin=document,
                stdout=output,
                cwd=job.folder,
                env=without_git_locals(job.environment),
            )
        except OSError as error:
            return 1, f"it could not be started: {error.strerror}"
        code = _wait(process)
        if code is None:
            return 1, f"it was ended after {BOUND_S:.0f} s"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return 1, f"{how}{_last_line(output)}" if code else ""


def _wait(process: Program) -> int | None:
    """Its exit code; None where it, with all of its group, had to be ended."""
    try:
        return process.wait(BOUND_S)
    except subprocess.TimeoutExpired:
        end_group(process)
        return None


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _END_BYTES))
    last = output.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f": {last}" if last else ""
