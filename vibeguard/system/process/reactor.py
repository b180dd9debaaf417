"""One wait for many descriptors: whoever watches one is called back when it is readable.

All attempts of a run share one epoll object and one task, so that an attempt needs no task of its
own. Where there is no epoll, each descriptor has a task that waits for it. The tasks belong to the
nursery that a reactor is opened in (docs/adr/0030).
"""

import select
import sys
from collections.abc import Callable
from typing import Protocol

import trio

Callback = Callable[[], None]


class Reactor(Protocol):
    """Calls `callback` whenever its descriptor is readable, until it is unwatched.

    A callback does a bounded amount of work; a descriptor with more to read is reported again.
    """

    def watch(self, descriptor: int, callback: Callback) -> None:
        """Call back when the descriptor is readable."""

    def unwatch(self, descriptor: int) -> None:
        """Forget the descriptor; to be called before it is closed."""

    def close(self) -> None:
        """Forget everything and end what waits."""


Opening = Callable[[trio.Nursery], Reactor]


def open_reactor(nursery: trio.Nursery) -> Reactor:
    """The best reactor of this system."""
    return open_epoll(nursery) if sys.platform == "linux" else TaskReactor(nursery)


class TaskReactor:
    """One task per descriptor: works wherever Trio does."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._scopes: dict[int, trio.CancelScope] = {}

    def watch(self, descriptor: int, callback: Callback) -> None:
        """Call back when the descriptor is readable."""
        scope = trio.CancelScope()
        self._scopes[descriptor] = scope
        self._nursery.start_soon(_call_back, descriptor, callback, scope)

    def unwatch(self, descriptor: int) -> None:
        """Forget the descriptor."""
        scope = self._scopes.pop(descriptor, None)
        if scope is not None:
            scope.cancel()
            trio.lowlevel.notify_closing(descriptor)

    def close(self) -> None:
        """Forget everything."""
        for descriptor in list(self._scopes):
            self.unwatch(descriptor)


async def _call_back(descriptor: int, callback: Callback, scope: trio.CancelScope) -> None:
    with scope:
        while not scope.cancel_called:  # Trio must not see a descriptor that is closed by now
            try:
                await trio.lowlevel.wait_readable(descriptor)
            except trio.ClosedResourceError:
                return
            if not scope.cancel_called:
                callback()


if sys.platform == "linux":

    class EpollReactor:
        """One epoll object that holds them all, and one task that waits for it."""

        def __init__(self, epoll: select.epoll) -> None:
            self._epoll = epoll
            self._callbacks: dict[int, Callback] = {}
            self._scope = trio.CancelScope()

        def watch(self, descriptor: int, callback: Callback) -> None:
            """Call back when the descriptor is readable."""
            self._epoll.register(descriptor, select.EPOLLIN)
            self._callbacks[descriptor] = callback

        def unwatch(self, descriptor: int) -> None:
            """Forget the descriptor."""
            if self._callbacks.pop(descriptor, None) is not None:
                self._epoll.unregister(descriptor)

        def close(self) -> None:
            """Forget everything and end the task."""
            self._callbacks.clear()
            self._scope.cancel()

        async def run(self) -> None:
            """Call back whoever has something to read, until `close`."""
            with self._epoll, self._scope:
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    self._dispatch()

        def _dispatch(self) -> None:
            for descriptor, _ in self._epoll.poll(0):
                callback = self._callbacks.get(descriptor)
                if callback is not None:
                    callback()

    def open_epoll(nursery: trio.Nursery) -> EpollReactor:
        """An epoll object, and the task that waits for it."""
        reactor = EpollReactor(select.epoll())
        nursery.start_soon(reactor.run)
        return reactor
