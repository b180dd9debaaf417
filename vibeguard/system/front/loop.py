"""Waiting for many descriptors and one deadline at once: the front's only way to wait."""

import select
from collections.abc import Callable

from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.outlets import Output

Handler = Callable[[], None]


class Loop:
    """Calls handlers of readable descriptors; hands over output as readers take it."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._handlers: dict[int, Handler] = {}

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever `descriptor` is readable or at its end."""
        self._handlers[descriptor] = handler

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""
        self._handlers.pop(descriptor, None)

    def turn(self, deadline: float) -> None:
        """Wait until something happens or `deadline` (monotonic seconds), and handle it."""
        poller = select.poll()
        for descriptor in self._handlers:
            poller.register(descriptor, select.POLLIN)
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
                self._handlers[descriptor]()
