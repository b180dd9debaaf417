"""Work that can be killed: done in a fork of this process, its answer read from a pipe.

A fork, and not a new interpreter: a check may have reinstalled packages since the run began, and
what judges it must be what was loaded before the first check started. No thread of ours may be
inside RE2 at that moment, for its locks would be copied as they are: RE2 runs here or in the task
that forks (ADR 0091).
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import trio

from vibeguard.system.detach import signal_when_orphaned
from vibeguard.system.ending_signals import ignore

_MOST_BYTES = 64 << 20  # of an answer
_PIPE = 3


class CutShort(Exception):
    """There is no answer; the message says why."""


async def in_fork(
    work: Callable[[], bytes], *, timeout_s: float, spare: Callable[[int], None]
) -> bytes:
    """What `work` returns. A cancel from outside ends it at once, and is no `Cancelled` here.

    `spare` is told the number of the process before anything else can see it. Raises `CutShort`
    when the time is over, on a cancel, and when the process ends without an answer; OSError when
    there is no process to be had.
    """
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        _answer(work, writer)
    os.close(writer)
    spare(pid)
    try:
        with trio.move_on_after(timeout_s) as bound:
            try:
                answer = await _read(reader)
            except trio.Cancelled:
                if bound.cancel_called:
                    raise
                # The next one to wait is told again; first the caller records what is known.
                raise CutShort("the run was cancelled meanwhile") from None
            if not answer:
                raise CutShort("the process that did it ended without an answer")
            return answer
        raise CutShort(f"it took longer than {timeout_s:g} s")
    finally:
        os.close(reader)
        _end(pid)


def _end(pid: int) -> None:
    """Kill and reap: what SIGKILL has hit is gone in the time that its memory takes."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


async def _read(reader: int) -> bytes:
    os.set_blocking(reader, False)
    chunks = bytearray()
    while len(chunks) <= _MOST_BYTES:
        await trio.lowlevel.wait_readable(reader)
        chunk = os.read(reader, 1 << 20)
        if not chunk:
            return bytes(chunks)
        chunks += chunk
    return b""


def _answer(work: Callable[[], bytes], writer: int) -> NoReturn:
    """The child: no descriptor of the run, above all not the log's lock, and no way back."""
    status = 1
    with suppress(BaseException):
        signal.set_wakeup_fd(-1)
        ignore()  # who ends the run ends this too
        os.dup2(writer, _PIPE)
        os.closerange(_PIPE + 1, os.sysconf("SC_OPEN_MAX"))
        with suppress(OSError, AttributeError):
            signal_when_orphaned(signal.SIGKILL)
        data = memoryview(work())
        while data:
            data = data[os.write(_PIPE, data) :]
        status = 0
    os._exit(status)
