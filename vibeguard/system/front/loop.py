"""Waiting for many descriptors and one deadline at once: the front's only way to wait."""

import os
import select
import stat
from collections.abc import Callable

from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.outlets import Output

Handler = Callable[[], None]


class Loop:
    """Calls handlers of readable descriptors; hands over output as readers take it."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._handlers: dict[int, tuple[int, Handler]] = {}

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever `descriptor` is readable or at its end."""
        self._handlers[descriptor] = (select.POLLIN, handler)

    def watch_reader(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` as long as nobody is left who could read what is written to `descriptor`.

        Of a pipe or a socket alone: nothing else is told when a reader leaves.
        """
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            self._handlers[descriptor] = (0, handler)

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""
        self._handlers.pop(descriptor, None)

    def turn(self, deadline: float) -> None:
        """Wait until something happens or `deadline` (monotonic seconds), and handle it."""
        poller = select.poll()
        for descriptor, (events, _) in self._handlers.items():
            poller.register(descriptor, events)
        waiting = self.output.waiting()
        for descriptor in waiting:
            poller.register(descriptor, select.POLLOUT)
        for descriptor, events in poller.poll(max(0.0, (deadline - monotonic_s()) * 1000)):
            outlet = waiting.get(descriptor)
            if outlet is not None:
                if events & select.POLLOUT:
                    outlet.hand_over()
                else:
                    outlet.discard()
            elif descriptor in self._handlers:
                self._handlers[descriptor][1]()
