"""One wait for many descriptors: whoever watches one is called back when it is readable.

All attempts of a run share one epoll object and one task, so that an attempt needs no task of its
own. Where there is no epoll, each descriptor has a task that waits for it.
"""

import select
import sys
from collections.abc import Callable

import trio

Callback = Callable[[], None]


class Reactor:
    """Calls `callback` whenever its descriptor is readable, until it is unwatched.

    A callback does a bounded amount of work; a descriptor with more to read is reported again.
    """

    def watch(self, descriptor: int, callback: Callback) -> None:
        """Call back when the descriptor is readable."""
        raise NotImplementedError

    def unwatch(self, descriptor: int) -> None:
        """Forget the descriptor; to be called before it is closed."""
        raise NotImplementedError

    def close(self) -> None:
        """Forget everything."""
        raise NotImplementedError


def open_reactor() -> Reactor:
    """The best reactor of this system; needs a running Trio."""
    return EpollReactor() if sys.platform == "linux" else TaskReactor()


class TaskReactor(Reactor):
    """One system task per descriptor: works wherever Trio does."""

    def __init__(self) -> None:
        self._scopes: dict[int, trio.CancelScope] = {}

    def watch(self, descriptor: int, callback: Callback) -> None:
        """Call back when the descriptor is readable."""
        scope = trio.CancelScope()
        self._scopes[descriptor] = scope
        trio.lowlevel.spawn_system_task(self._run, descriptor, callback, scope)

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

    async def _run(self, descriptor: int, callback: Callback, scope: trio.CancelScope) -> None:
        with scope:
            while not scope.cancel_called:  # Trio must not see a descriptor that is closed by now
                try:
                    await trio.lowlevel.wait_readable(descriptor)
                except trio.ClosedResourceError:
                    return
                if not scope.cancel_called:
                    callback()


if sys.platform == "linux":

    class EpollReactor(Reactor):
        """One epoll object that holds them all, and one system task that waits for it."""

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self._callbacks: dict[int, Callback] = {}
            self._scope = trio.CancelScope()
            trio.lowlevel.spawn_system_task(self._run)

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

        async def _run(self) -> None:
            with self._epoll, self._scope:
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    self._dispatch()

        def _dispatch(self) -> None:
            for descriptor, _ in self._epoll.poll(0):
                callback = self._callbacks.get(descriptor)
                if callback is not None:
                    callback()
