"""The executables that a check depends on: which a command names, what a tool says of itself.

A tool says it by the output of a short command, in bounded time.
"""

import os
import re
import select
import subprocess
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, cast

from vibeguard.core.reuse.command_words import words_of
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


def programs_named(command: str, environment: Mapping[bytes, bytes], cwd: bytes) -> Iterator[bytes]:
    """The programs that a command line may mean, by PATH or by a path: as they are called from cwd.

    Paths begin there or in a folder that the line names, for it may go there first.
    """
    home = os.path.join(environment.get(b"HOME", b""), b"")
    words = [re.sub(rb"^~/", lambda _: home, os.fsencode(word)) for word in words_of(command)]
    folders = {b"": None}
    for word in words:
        inside = (os.path.normpath(os.path.join(folder, word)) for folder in folders)
        folders |= {path: None for path in inside if os.path.isdir(os.path.join(cwd, path))}
    search = environment.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    for word in words:
        found = (os.path.join(f, word) for f in search if b"/" not in word)
        yield from islice((path for path in found if _is_program(os.path.join(cwd, path))), 1)
        for path in dict.fromkeys(os.path.join(folder, word) for folder in folders):
            if _is_program(os.path.join(cwd, path)):
                yield path


def _is_program(path: bytes) -> bool:
    """Whether it may be executed, or says what is to execute it."""
    return os.path.isfile(path) and (os.access(path, os.X_OK) or interpreter_line(path) != "")


def interpreter_line(path: bytes) -> str:
    """The first line of a script that names what it is for; empty where it has none."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_LONGEST_INTERPRETER)
    except OSError:
        return ""
    return os.fsdecode(head.partition(b"\n")[0]) if head.startswith(b"#!") else ""
