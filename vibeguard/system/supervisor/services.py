"""What goes on beside the checks: orders of the front, signals, requests, the run's own timeout."""

import math
import signal
from collections.abc import Awaitable, Callable

import trio
from msgspec import Struct

from vibeguard.core.names import SAME_SIGNAL_S, CancelReason
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.channel import Interrupt, Kill, Order, OrderReader, Pause, Resume
from vibeguard.system.detach import has_no_reader
from vibeguard.system.ending_signals import not_ignored
from vibeguard.system.rundir.control import take_requests
from vibeguard.system.supervisor.run import Run

REQUEST_POLL_S = 0.1


class Services(Struct, frozen=True):
    """The tasks that can end a run from outside; cancelled when every check has settled."""

    nursery: trio.Nursery
    run: Run
    orders: OrderReader
    reports: int
    run_folder: str
    sleep_outside: Callable[[float], Awaitable[None]]

    async def serve(self, *, early: list[Order]) -> None:
        """Start every service; `early` are orders that came with the launch."""
        nursery = self.nursery
        for order in early:
            self.obey(order)
        await nursery.start(self._signals)
        nursery.start_soon(self._front)
        nursery.start_soon(self._requests)
        limit_ns = self.run.scheduler.settings.run_timeout_ns
        if limit_ns is not None:
            nursery.start_soon(self._run_timeout, limit_ns / SECOND_NS)

    def obey(self, order: Order) -> None:
        """One order of the front."""
        if isinstance(order, Interrupt):
            self.run.cancel(CancelReason.SIGNAL, by=order.signal)
        elif isinstance(order, Kill):
            self.run.kill(self.nursery)
        elif isinstance(order, Pause):
            self._pause()
        elif isinstance(order, Resume):
            self.run.resume()

    async def _front(self) -> None:
        """Obey the front; its end of file means that nobody guards this run any more."""
        while True:
            await trio.lowlevel.wait_readable(self.orders.descriptor)
            orders = self.orders.read()
            if orders is None:
                break
            for order in orders:
                self.obey(order)
        self.run.cancel(CancelReason.FRONT_LOST)
        self.run.kill(self.nursery)

    async def _signals(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Signals sent to the supervisor itself count like those of the front.

        What was ignored at the start (nohup) does not. A second one kills at once; within 250 ms
        it is the first one's echo.
        """
        handled = not_ignored()
        if not handled:
            task_status.started()
            return
        with trio.open_signal_receiver(*handled) as received:
            task_status.started()
            echo_ends = math.inf
            async for number in received:
                if trio.current_time() >= echo_ends:
                    self.run.kill(self.nursery)
                    continue
                echo_ends = min(echo_ends, trio.current_time() + SAME_SIGNAL_S)
                self.run.cancel(CancelReason.SIGNAL, by=signal.Signals(number).name)

    async def _requests(self) -> None:
        """Obey requests of other commands: files in the control folder."""
        while self._take_requests():  # noqa: ASYNC110 - inotify may not be had
            await trio.sleep(REQUEST_POLL_S)

    def _pause(self) -> None:
        if not self.run.paused:
            self.run.pause()
            self.nursery.start_soon(self._watch_pause)

    async def _watch_pause(self) -> None:
        """Trio's time stands still in a pause; requests and the front's end still count.

        A front that dies in it will not resume a run that it may leave (--max-wait): then we do.
        """
        while self.run.paused and self._take_requests():
            if has_no_reader(self.reports):
                self.run.resume()
                return
            try:
                await self.sleep_outside(REQUEST_POLL_S)
            except RuntimeError:
                return  # no thread is to be had: requests wait until the pause is over

    def _take_requests(self) -> bool:
        """Obey what has been asked; False when nobody can ask any more."""
        try:
            requests = take_requests(self.run_folder)
        except OSError as error:
            self.run.abandon(f"the run folder cannot be read any more: {error.strerror}")
            return False
        for request in requests:
            if request.kind != "cancel":
                continue
            check = request.payload.get("check", "")
            if check:
                self.run.cancel_check(check)
            else:
                self.run.cancel(CancelReason.CANCEL)
        return True

    async def _run_timeout(self, limit_s: float) -> None:
        await trio.sleep(limit_s)
        self.run.cancel(CancelReason.RUN_TIMEOUT)
