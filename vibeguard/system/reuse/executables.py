"""The executables that a check depends on: which a command names, what a tool says of itself.

A tool says it by the output of a short command, in bounded time.
"""

import os
import re
import select
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from itertools import islice
from typing import IO, cast

from vibeguard.core.reuse.command_words import words_of
from vibeguard.system.clock import monotonic_s
from vibeguard.system.own_group import begin_group, end_group

TIMEOUT_S = 10.0
MOST_BYTES = 1 << 20
_VARIABLE = re.compile(rb"\$(?:\{(\w+)\}|(\w+))")
_TILDE = re.compile(rb"^~([^/]*)(?=/|$)")
_LONGEST_INTERPRETER = 256  # what the kernel reads of it


class _Kind(Enum):
    FOLDER = auto()
    PROGRAM = auto()
    OTHER = auto()


def variables_for(command: str) -> list[bytes]:
    """The variables by which the programs that a command line names are found."""
    named = [at[1] or at[2] for at in _VARIABLE.finditer(os.fsencode(command))]
    return [b"PATH", b"HOME", b"CDPATH", *named]


class ToolSilent(Exception):
    """There is no answer to go by; the message says why, as the end of a sentence."""


def answer_of(command: str, cwd: bytes, environment: Mapping[bytes, bytes]) -> bytes:
    """What the command writes. Raises ToolSilent where it fails or hangs, or writes too much."""
    try:
        process = begin_group(["/bin/sh", "-c", command], cwd=cwd, env=environment)
    except OSError as error:
        raise ToolSilent(f"cannot be started: {error.strerror}") from error
    until = monotonic_s() + TIMEOUT_S
    with process:
        try:
            output = _all_of(cast("IO[bytes]", process.stdout), until)
            code = process.wait(max(until - monotonic_s(), 0.0))
        except BaseException as error:
            end_group(process)
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


class Programs:
    """Which programs commands may name: each folder is listed, and each path looked at, once."""

    def __init__(self) -> None:
        self._lists: dict[bytes, frozenset[bytes] | None] = {}
        self._kinds: dict[bytes, _Kind] = {}

    def named_in(
        self, command: str, environment: Mapping[bytes, bytes], cwd: bytes
    ) -> Iterator[bytes]:
        """The programs that a command line may mean, by PATH or by a path.

        Paths begin in the working folder or in one that the line names, for it may go there first;
        words count with their variables filled in, too.
        """
        home = environment.get(b"HOME", b"")
        known = {**environment, b"PWD": cwd}
        filled_in = _VARIABLE.sub(lambda at: known.get(at[1] or at[2], at[0]), os.fsencode(command))
        both = dict.fromkeys((*words_of(command), *words_of(os.fsdecode(filled_in))))
        words = [_TILDE.sub(lambda at: _home(at[1], home), os.fsencode(word)) for word in both]
        folders = {cwd: None}
        by_cd = [os.path.join(cwd, f) for f in environment.get(b"CDPATH", b"").split(b":")]
        for word in words:
            searched = (*folders, *by_cd)
            inside = [os.path.normpath(p) for p in self._lying(_Kind.FOLDER, word, searched)]
            folders |= dict.fromkeys(inside)
        path = environment.get(b"PATH", os.fsencode(os.defpath))
        search = [os.path.join(cwd, folder) for folder in path.split(b":")]
        for word in words:
            if b"/" not in word:
                yield from islice(self._lying(_Kind.PROGRAM, word, search), 1)
            yield from self._lying(_Kind.PROGRAM, word, folders)

    def _lying(self, kind: _Kind, word: bytes, folders: Iterable[bytes]) -> Iterator[bytes]:
        """Where something of this kind lies by the word."""
        for folder in folders:
            if b"/" in word or self._may_hold(folder, word):
                path = os.path.join(folder, word)
                if path not in self._kinds:
                    self._kinds[path] = _kind_of(path)
                if self._kinds[path] is kind:
                    yield path

    def _may_hold(self, folder: bytes, name: bytes) -> bool:
        """Whether there is such a name, as far as the folder may be listed."""
        if folder not in self._lists:
            try:
                self._lists[folder] = frozenset((b".", b"..", *os.listdir(folder)))
            except OSError:
                self._lists[folder] = None
        names = self._lists[folder]
        return names is None or name in names


def _home(of: bytes, own: bytes) -> bytes:
    """What `~` and a name stand for; `~+` and `~-` are a folder that the line was in."""
    if of in (b"+", b"-"):
        return b"."
    return own if not of else os.path.expanduser(b"~" + of)


def _kind_of(path: bytes) -> _Kind:
    """A program may be executed, or says what is to execute it."""
    if os.path.isdir(path):
        return _Kind.FOLDER
    runs = os.path.isfile(path) and (os.access(path, os.X_OK) or interpreter_line(path) != "")
    return _Kind.PROGRAM if runs else _Kind.OTHER


def interpreter_line(path: bytes) -> str:
    """The first line of a script that names what it is for; empty where it has none."""
    try:  # what only looks like a file (/proc/kmsg) may have nothing to say for long
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            head = file.read(_LONGEST_INTERPRETER) or b""
    except OSError:
        return ""
    return os.fsdecode(head.partition(b"\n")[0]) if head.startswith(b"#!") else ""
