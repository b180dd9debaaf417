"""The executables that a check depends on: which file a command means, what a tool says of itself.

A tool says it by the output of a short command, in bounded time.
"""

import os
import select
import shlex
import subprocess
from collections.abc import Mapping
from typing import IO, cast

from vibeguard.system.clock import monotonic_s
from vibeguard.system.ending_signals import kill_group

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
    until = monotonic_s() + TIMEOUT_S
    with process:
        try:
            output = _all_of(cast("IO[bytes]", process.stdout), until)
            code = process.wait(max(until - monotonic_s(), 0.0))
        except BaseException as error:
            kill_group(process.pid)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolSilent(f"takes longer than {TIMEOUT_S:g} s") from error
            raise
    if code != 0:
        raise ToolSilent(f"ends with {code}")
    return output


def _all_of(pipe: IO[bytes], until: float) -> bytes:
    """What is written into the pipe; whoever keeps it open is not waited for beyond the moment."""
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    output = bytearray()
    while len(output) <= MOST_BYTES:
        if not poller.poll(max(until - monotonic_s(), 0.0) * 1000):
            raise subprocess.TimeoutExpired("", TIMEOUT_S)
        chunk = os.read(pipe.fileno(), 1 << 16)
        if not chunk:
            return bytes(output)
        output += chunk
    raise ToolSilent("says too much")


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
