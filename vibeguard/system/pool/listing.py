"""What goes to a pool's broker by a connection of its own: who is there, the pack of a run."""

import signal
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio
from outcome import Error, Outcome, Value

from vibeguard.core.pool.messages import Presence
from vibeguard.core.problems import UsageError
from vibeguard.system import clock
from vibeguard.system.ending_signals import ENDING, not_ignored
from vibeguard.system.pool.access import KEY_VARIABLE, URL_VARIABLE, Access
from vibeguard.system.pool.broker import Pool, open_pool
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.shipment import Shipment
from vibeguard.system.unexpected import try_to_wake

PACK_AGAIN_S: Final = 300.0  # the broker keeps it for an hour
T = TypeVar("T")


def list_workers(access: Access) -> list[Presence]:
    """The workers of a pool, by name. Raises UsageError where the broker cannot be asked."""
    return ask_or_end(access, workers_of) or []


async def workers_of(pool: Pool) -> list[Presence]:
    """The workers that are there, by name. Raises UsageError where all of them have another key."""
    present = await pool.workers()
    if not present and await pool.strangers():
        raise UsageError(
            "the workers of the pool have another key than this command",
            f"use the same file on both sides: {KEY_VARIABLE}",
        )
    return present


def ask_or_end(access: Access, question: Callable[[Pool], Awaitable[T]]) -> T | None:
    """The answer, for a command, which signals end: the first one is raised again here.

    Raised inside of Trio it may leave a task in an Event that has ended (docs/upstream.md).
    """
    came: list[int] = []

    async def signalled() -> None:
        # SIGWINCH ends nothing: a receiver needs something to receive, under nohup as well.
        with trio.open_signal_receiver(*not_ignored(), signal.SIGWINCH) as received:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            try:
                while (number := await anext(received)) not in ENDING:
                    continue
                came.append(number)
            finally:
                signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        answer = ask_once(access, question, signalled)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number in came:
        signal.raise_signal(number)
    return answer


def ask_once(
    access: Access,
    question: Callable[[Pool], Awaitable[T]],
    unless: Callable[[], Awaitable[None]],
) -> T | None:
    """Connect, ask, and go; None where `unless` came to its end first, however silent the broker.

    Raises UsageError: that of the question, or one that names the variable and the broker's words.
    """
    try_to_wake()
    answer = trio.run(ask_beside, access, question, unless)
    if isinstance(answer, Error) and not isinstance(answer.error, UsageError):
        raise UsageError(
            f"the broker of {URL_VARIABLE} ({access.address.shown}): {answer.error}",
            "see docs/workers.md for what a pool asks of its broker",
        )
    return answer.unwrap()


async def ask_beside(
    access: Access,
    question: Callable[[Pool], Awaitable[T]],
    unless: Callable[[], Awaitable[None]] = trio.sleep_forever,
) -> Outcome[T | None]:
    """The answer by a connection of its own, or what the broker does not allow."""
    answer: Outcome[T | None] = Value(None)
    async with trio.open_nursery() as nursery:

        async def end_early() -> None:
            await unless()
            nursery.cancel_scope.cancel()

        nursery.start_soon(end_early)
        try:
            pool = await open_pool(access, nursery, messages=lambda _: None)
            try:
                answer = Value(await question(pool))
            finally:  # it waits for nothing
                await pool.connection.close()
        except (BrokerLost, BrokerRefused, UsageError) as error:
            answer = Error(error)
        nursery.cancel_scope.cancel()
    return answer


class Packing:
    """Sees that the files of a run are with its broker before a job that needs them, and stay."""

    def __init__(self, access: Access, shipment: Shipment) -> None:
        self._access = access
        self._shipment = shipment
        self._due_s = 0.0
        self._sending = trio.Lock()

    @property
    def is_due(self) -> bool:
        """Whether they are to be sent (again) first."""
        return bool(self._shipment.pack) and clock.monotonic_s() >= self._due_s

    def doubt(self) -> None:
        """Perhaps they are not there."""
        self._due_s = 0.0

    async def send(self, pool: Pool) -> None:
        """Send them, where they are due. Raises BrokerLost or BrokerRefused."""
        async with self._sending:
            if self.is_due:
                await send_pack(self._access, pool, self._shipment)
                self._due_s = clock.monotonic_s() + PACK_AGAIN_S


async def send_pack(access: Access, pool: Pool, shipment: Shipment) -> None:
    """See that the broker has the files for an hour. Raises BrokerLost or BrokerRefused.

    By the run's connection all that it says to workers would wait behind them, longer than a lease:
    what runs meanwhile, after a broker that came back empty, would be lost.
    """
    digest = shipment.source.pack
    if not await pool.keep_pack(digest):
        put = await ask_beside(access, lambda own: own.put_pack(digest, shipment.pack))
        put.unwrap()
