"""Work that can be killed: done in a fork of this process (`answering`), waited for under Trio."""

import os
from collections.abc import Callable

import trio

from vibeguard.system.supervisor.answering import MOST_BYTES, end_answering, start_answering


class CutShort(Exception):
    """There is no answer; the message says why."""


async def in_fork(
    spare: Callable[[int], None], work: Callable[[], bytes], timeout_s: float
) -> bytes:
    """What `work` returns. A cancel from outside ends it at once, and raises `CutShort` here.

    `spare` is called with the process id before anything else can see the process. `CutShort` is
    also raised when the time is over, and when the process ends without an answer; OSError when
    there is no process to be had.
    """
    pid, reader = start_answering(lambda tell: tell(work()))
    spare(pid)
    try:
        with trio.move_on_after(timeout_s) as bound:
            try:
                answer = await _read(reader)
            except trio.Cancelled:
                # The caller has something to record first; its next checkpoint is cancelled again.
                if not bound.cancel_called:
                    raise CutShort("the check or the run was cancelled meanwhile") from None
            else:
                if not answer:
                    raise CutShort("the process that did it ended without an answer")
                return answer
        raise CutShort(f"it took longer than {timeout_s:g} s")
    finally:
        end_answering(pid, reader)


async def _read(reader: int) -> bytes:
    os.set_blocking(reader, False)
    chunks = bytearray()
    while len(chunks) <= MOST_BYTES:
        await trio.lowlevel.wait_readable(reader)
        chunk = os.read(reader, 1 << 20)
        if not chunk:
            return bytes(chunks)
        chunks += chunk
    return b""
