"""Carries one attempt's output from its pipe to its file, whenever the reactor says so."""

import os
from collections.abc import Callable

import trio

from vibeguard.system.process import output
from vibeguard.system.process.output import OutputFile, StoredOutput
from vibeguard.system.process.reactor import Reactor

FLOOD_BYTES = 1 << 20


class Pump:
    """Moves chunks until it is finished; never waits for the end of the output.

    `last_output` is the Trio time of the last output, or of the start. `on_exceeded` is called
    once, when the output passes its limit or cannot be stored; what comes after is read and
    discarded.
    """

    def __init__(
        self, pipe: int, stored: OutputFile, reactor: Reactor, on_exceeded: Callable[[], None]
    ) -> None:
        self.stored = stored
        self.last_output = trio.current_time()
        self._pipe = pipe
        self._reactor = reactor
        self._on_exceeded = on_exceeded
        self._read_bytes = 0
        self._told = False
        self._open = True
        reactor.watch(pipe, self._move)

    def drain(self) -> None:
        """Move what is in the pipe at this moment."""
        if self._open:
            output.drain(self._pipe, self.stored)
            self._tell()

    def finish(self, *, goes_on_reading: bool = False) -> StoredOutput:
        """Move what is there, close pipe and file; returns what is known of the file.

        With `goes_on_reading`, what leftovers write is read and forgotten until `close`.
        """
        self.drain()
        self._told = True
        if not goes_on_reading:
            self.close()
        return self.stored.close()

    def close(self) -> None:
        """Close the pipe; a writer gets SIGPIPE from now on."""
        if self._open:
            self._open = False
            self._reactor.unwatch(self._pipe)
            os.close(self._pipe)

    def _move(self) -> None:
        moved = output.move_chunk(self._pipe, self.stored)
        if moved == 0:
            self.close()
        elif moved is not None:
            self.last_output = trio.current_time()
            if self._read_bytes < FLOOD_BYTES <= self._read_bytes + moved:
                output.enlarge(self._pipe)
            self._read_bytes += moved
            self._tell()

    def _tell(self) -> None:
        if (self.stored.exceeded or self.stored.error) and not self._told:
            self._told = True
            self._on_exceeded()
