"""A run in which every check may be reused: passes are looked up first, without Trio.

If each check has a pass that stands, all are settled here, by the scheduler, recorder and seal of
every other run. Otherwise, and whenever anything else needs attention (an order, a signal, a
request, a full disk), the run goes on in a `Session`, with what has been found (ADR 0193).
"""

import os
import select
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Final

from msgspec import msgpack

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import Event, FrontierAdvanced
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.scheduling.moves import LookUp
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import reused
from vibeguard.system.channel import Launch, OrderReader
from vibeguard.system.clock import monotonic_s
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.process import process_tree
from vibeguard.system.reuse.lookup import LOOK_UP_S, Found, look_up
from vibeguard.system.reuse.moment import subject_of
from vibeguard.system.rundir.control import has_requests
from vibeguard.system.supervisor.answering import end_answering, start_answering
from vibeguard.system.supervisor.run_log import RunLog

_LOOK_MS: Final = 100  # requests announce themselves by nothing
# Comes before the answer, as soon as it is known that a check has to run: msgpack's nil.
_ONE_RUNS: Final = b"\xc0"


class Looking:
    """A process that looks up passes, while this one records the start of the run."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._process: tuple[int, int] | None = None

    def begin(self) -> None:
        """Look for what stands for the checks that are ready first, and is decided with them."""
        # One that need not wait for what it requires is looked up when that has passed.
        ready = [check.id for check in self._launch.plan.checks if not check.requires]
        subject = subject_of(self._launch)

        def work(tell: Callable[[bytes], None]) -> None:
            found = look_up(subject, ready, (), (), one_runs=lambda: tell(_ONE_RUNS))
            tell(msgpack.encode(found))

        with suppress(OSError):  # no process is to be had
            self._process = start_answering(work)

    def found(self, log: RunLog, orders: OrderReader, prepare: Callable[[], None]) -> Found | None:
        """What was found, once it is; None where that was cut short, or cannot be told.

        `prepare` is called once it is known that a check has to run, while what it depends on is
        still looked at.
        """
        if self._process is None:
            return None
        try:
            answer = _answer_of(self._process[1], orders, log.folder, prepare)
        finally:
            self.end()
            if process_tree.own_children():  # orphans of tools come to us
                log.unattributed += _end_leftovers()
        try:
            return msgpack.decode(answer.removeprefix(_ONE_RUNS), type=Found)
        except UNDECODABLE:
            return None

    def end(self) -> None:
        """Give it up, if it has not ended yet; what it has started comes to this process."""
        if self._process is not None:
            process, self._process = self._process, None
            end_answering(*process)


def undisturbed(
    orders: OrderReader, run_folder: str, *descriptors: int
) -> Iterator[Collection[int]]:
    """Which descriptors can be read, again and again, until something wants to be attended to.

    That is an order of the front or its end, a signal, or a request.
    """
    poller = select.poll()
    for descriptor in (orders.descriptor, *descriptors):
        poller.register(descriptor, select.POLLIN)
    while not orders.has_left_over:
        told = {descriptor for descriptor, _ in poller.poll(_LOOK_MS)}
        ordered = orders.descriptor in told and orders.take_in()
        if ordered or signal.sigpending() & set(ENDING) or has_requests(run_folder):
            break
        yield told


def wait_for_the_front(orders: OrderReader, run_folder: str) -> None:
    """Wait until the front is ready, or something wants to be attended to."""
    turns = undisturbed(orders, run_folder)
    while not orders.front_is_ready and next(turns, None) is not None:
        pass


def settle_reused(log: RunLog, found: Found) -> bool:
    """Settle every check by its pass; whether the run has come to its end by that.

    Where not, nothing was recorded, or as many frontiers, whole, as there was room for.
    """
    if set(found.passes) != set(log.state.checks):
        return False
    scheduler = Scheduler(log.state, tuple(found.passes))
    while (move := scheduler.next_move()) is not None:
        if isinstance(move, FrontierAdvanced) and log.journal.on_reserve:
            return False  # what has not begun is cancelled, by who runs checks
        for event in _passed(move, log, found) if isinstance(move, LookUp) else (move,):
            if not isinstance(event, Event):
                raise TypeError(f"a run that reuses everything was told to {move}")
            log.recorder.record(event)
            if log.recorder.failure is not None:
                return True  # and `finish` says so
            scheduler.feed(event)
    return True


def _passed(move: LookUp, log: RunLog, found: Found) -> Iterator[Event]:
    """The events by which the checks of a look-up settle."""
    for check in move.checks:
        yield from reused(log.state.checks[check], found.passes[check])


def _answer_of(
    reader: int, orders: OrderReader, run_folder: str, prepare: Callable[[], None]
) -> bytes:
    """The whole answer; nothing as soon as anything else wants the attention of this process."""
    os.set_blocking(reader, False)
    chunks = bytearray()
    give_up = monotonic_s() + LOOK_UP_S
    for told in undisturbed(orders, run_folder, reader):
        if reader in told:
            chunk = os.read(reader, 1 << 20)
            if not chunk:
                return bytes(chunks)
            if not chunks and chunk.startswith(_ONE_RUNS):
                prepare()
            chunks += chunk
        if monotonic_s() >= give_up:
            break
    return b""


def _end_leftovers() -> tuple[ProcessReport, ...]:
    """What the tools have left behind, ended."""
    from vibeguard.system.process import sweep  # noqa: PLC0415 - seldom any

    return sweep.kill_descendants(sweep.SWEEP_S)
