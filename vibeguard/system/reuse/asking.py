"""What a tool says of itself: the output of a short command, in bounded time."""

import os
import signal
import subprocess
from collections.abc import Mapping

TIMEOUT_S = 10.0
MOST_BYTES = 1 << 20


class ToolSilent(Exception):
    """There is no answer to go by; the message says why, as the end of a sentence."""


def answer_of(command: str, cwd: bytes, environment: Mapping[bytes, bytes]) -> bytes:
    """What the command writes. Raises ToolSilent where it fails or hangs, or writes too much."""
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolSilent(f"cannot be started: {error.strerror}") from error
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ToolSilent(f"takes longer than {TIMEOUT_S:g} s") from error
    if process.returncode != 0:
        raise ToolSilent(f"ends with {process.returncode}")
    if len(output) > MOST_BYTES:
        raise ToolSilent("says too much")
    return output
