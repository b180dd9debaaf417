"""What a session needs of its machine: the time, an executor, forks.

A fork does work that can be killed (`answering`), and is waited for under Trio.
"""

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import trio
from msgspec import Struct

from vibeguard.system import clock
from vibeguard.system.executors.local import LocalExecutor, open_local_executor
from vibeguard.system.supervisor.answering import MOST_BYTES, end_answering, start_answering
from vibeguard.system.supervisor.run_clock import PausingClock

# Does work where it can be killed, in so many seconds at most: what `in_fork` promises.
Fork = Callable[[Callable[[], bytes], float], Awaitable[bytes]]
# The same, told first whom to tell of the process: the executor, which reaps all others.
ForkSparing = Callable[[Callable[[int], None], Callable[[], bytes], float], Awaitable[bytes]]


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


async def sleep_outside(seconds: float) -> None:
    """Sleep by the machine's clock, also in a pause. RuntimeError: there is no thread for it."""
    await trio.to_thread.run_sync(clock.sleep_s, seconds, abandon_on_cancel=True)


class Host(Struct, frozen=True):
    """The machine as it is. The simulation has one of its own (tests/simulation)."""

    clock: Callable[[int], PausingClock] = PausingClock
    sleep_outside: Callable[[float], Awaitable[None]] = sleep_outside
    open_executor: Callable[[], AbstractAsyncContextManager[LocalExecutor]] = open_local_executor
    in_fork: ForkSparing = in_fork
