"""The executables that a check depends on: which file a word means, what a tool says of itself.

A tool says it by the output of a short command, in bounded time.
"""

import os
import select
import subprocess
from collections.abc import Mapping
from typing import IO, cast

from vibeguard.system.clock import monotonic_s
from vibeguard.system.ending_signals import kill_group

TIMEOUT_S = 10.0
MOST_BYTES = 1 << 20
_LONGEST_INTERPRETER = 256  # what the kernel reads of it


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


def resolved(word: str, environment: Mapping[bytes, bytes], cwd: bytes) -> bytes:
    """The file that a word means as a command, links not followed.

    Empty for what a shell does by itself.
    """
    name = os.fsencode(word)
    if name.startswith(b"~/"):
        name = environment.get(b"HOME", b"") + name[1:]
    search = environment.get(b"PATH", os.fsencode(os.defpath))
    for folder in [b""] if b"/" in name else search.split(b":"):
        path = os.path.join(folder, name)
        full = os.path.join(cwd, path)
        if name and os.path.isfile(full) and os.access(full, os.X_OK):
            return path
    return b""


def interpreter_line(path: bytes) -> str:
    """The first line of a script that names what it is for; empty where it has none."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_LONGEST_INTERPRETER)
    except OSError:
        return ""
    return os.fsdecode(head.partition(b"\n")[0]) if head.startswith(b"#!") else ""
