"""The processes of a worker: the guardian that was started, and the one that works."""

import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import trio

from vibeguard.core.names import SAME_SIGNAL_S
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import plural
from vibeguard.system.detach import leave_session, wake_when_orphaned
from vibeguard.system.discovery.environment import caller_environment, without_git_locals
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool
from vibeguard.system.pool.listing import ask_or_end
from vibeguard.system.process.sweep import sweep_worker
from vibeguard.system.rundir.files import lock_file, replace_file
from vibeguard.system.worker.attempt import Tools
from vibeguard.system.worker.folders import Folders
from vibeguard.system.worker.guardian import LeasePage, guard
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.service import Service
from vibeguard.system.worker.showing import Offer
from vibeguard.system.worker.store import Store

_IDENTITY = "identity"  # whose processes are to be looked for once its worker is gone
_MOST_WORKERS = 1000
# Cycles are rare here, and Python's own 700 is reached by every few attempts.
YOUNG_OBJECTS = 10_000


def run_worker(
    access: Access, offer: Offer, *, repository: str, state_dir: str, say: Callable[[str], None]
) -> int:
    """Be a worker until it has drained (0) or the broker is lost (3).

    `say` tells people of its beginning, and of an end that nobody has asked for. Raises UsageError
    when it cannot begin: no broker, no repository.
    """
    ask_or_end(access, Pool.check_rights)
    parent = os.path.join(state_dir, access.pool)
    folder, lock = _own_folder(parent)
    _sweep(folder)
    _sweep_others(parent)
    replace_file(os.path.join(folder, _IDENTITY), offer.identity.encode())
    store = Store(folder, repository)
    store.open()
    having = f", with {', '.join(offer.labels)}" if offer.labels else ""
    say(f"{offer.name} is a worker of {access.pool}: {plural(offer.slots, 'slot')}{having}.")

    def say_ended(why: str) -> None:
        say(f"{offer.name} is a worker no longer: {why}.")

    alive, held = os.pipe()

    def work(page: LeasePage) -> int:
        os.close(held)
        gc.set_threshold(YOUNG_OBJECTS)
        leave_session()
        wake_when_orphaned()
        service_code, trouble = trio.run(_work, access, offer, store, page, alive)
        if trouble:
            say_ended(trouble)
        return service_code

    code = guard(work, say_ended)
    os.close(lock)
    return code


def _own_folder(parent: str) -> tuple[str, int]:
    """A folder that no other worker of this machine has, and the lock on it."""
    os.makedirs(parent, mode=0o700, exist_ok=True)
    for number in range(_MOST_WORKERS):
        folder = os.path.join(parent, str(number))
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = _locked(folder)
        if lock is not None:
            return folder, lock
    raise UsageError(f"there are {_MOST_WORKERS} workers already", "use --slots instead")


def _locked(folder: str) -> int | None:
    """The lock on a folder; None where a worker has it."""
    return lock_file(os.path.join(folder, "lock"))


def _sweep(folder: str) -> None:
    """End what the last worker in this folder left behind."""
    path = os.path.join(folder, _IDENTITY)
    with suppress(FileNotFoundError):
        with open(path, encoding="utf-8") as file:
            sweep_worker(file.read())
        os.unlink(path)


def _sweep_others(parent: str) -> None:
    """End what workers that are gone left behind where nobody has followed them yet."""
    for name in os.listdir(parent):
        folder = os.path.join(parent, name)
        if os.path.exists(os.path.join(folder, _IDENTITY)):
            lock = _locked(folder)
            if lock is not None:
                _sweep(folder)
                os.close(lock)


async def _work(
    access: Access, offer: Offer, store: Store, page: LeasePage, alive: int
) -> tuple[int, str]:
    environment = without_git_locals(caller_environment())
    async with open_local_executor() as executor, trio.open_nursery() as nursery:
        removing = Removing()
        folders = Folders(
            offer.identity, store, executor, removing, environment, most_ready=offer.slots
        )
        stop = trio.Event()
        tools = Tools(offer.identity, executor, store, folders, removing, environment, stop)
        service = Service(access, offer, tools, page)
        try:
            nursery.start_soon(_obey_signals, service)
            nursery.start_soon(_watch_guardian, service, alive)
            code = await service.serve()
        finally:
            page.set(None)
        nursery.cancel_scope.cancel()
    return code, service.trouble


async def _obey_signals(service: Service) -> None:
    """The first signal drains, the second one gives up; within 250 ms they are one."""
    with trio.open_signal_receiver(*ENDING) as received:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # see `guard`
        echo_ends = float("-inf")
        async for _ in received:
            if trio.current_time() >= echo_ends:
                echo_ends = trio.current_time() + SAME_SIGNAL_S
                service.drain()


async def _watch_guardian(service: Service, alive: int) -> None:
    """Its end closes the pipe: without a guardian nothing may run here."""
    await trio.lowlevel.wait_readable(alive)
    service.abandon("its worker's guardian died")
