"""The executables that a check depends on: which file a command means, what a tool says of itself.

A tool says it by the output of a short command, in bounded time.
"""

import os
import shlex
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


def first_word(command: str) -> str:
    """The name that a command line begins with, variables in front of it left out."""
    words = shlex.shlex(command, posix=True)
    words.whitespace_split = True
    try:
        return next((word for word in words if not _goes_before(word)), "")
    except ValueError:  # a quote that is not closed
        return next((word for word in command.split() if not _goes_before(word)), "")


def _goes_before(word: str) -> bool:
    return word in ("!", "exec") or "=" in word.partition("/")[0]


def resolved(name: str, search: bytes, cwd: bytes) -> bytes:
    """The file that the name of a command means; empty for what a shell does by itself."""
    word = os.fsencode(name)
    folders = [cwd] if b"/" in word else search.split(b":")
    for folder in folders if word else ():
        path = os.path.join(cwd, folder, word)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.realpath(path)
    return b""
