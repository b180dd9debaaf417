"""A worker at work, without a broker: messages are handed in."""

import errno
import os
from pathlib import Path
from typing import Any

import trio
import trio.testing
from msgspec.structs import replace

from tests.helpers.executor_worlds import JOB
from tests.helpers.waiting import PATIENCE_S
from vibeguard.core.pool.address import Address
from vibeguard.core.pool.messages import (
    PROTOCOL,
    Answer,
    FromClient,
    Order,
    Source,
    Stage,
    encode,
)
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.pool.access import Access
from vibeguard.system.worker.attempt import Tools
from vibeguard.system.worker.folders import Folders
from vibeguard.system.worker.guardian import LeasePage
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.service import Service
from vibeguard.system.worker.showing import Offer
from vibeguard.system.worker.store import Store


class FullFolders(Folders):
    """Folders for which there is no room."""

    async def make(self, source: Source, path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


class EmptyFolders(Folders):
    """Folders of no files."""

    async def arrive(self, source: Source) -> None:
        """Nothing has to come."""

    async def make(self, source: Source, path: str) -> None:
        os.mkdir(path)


def service_of(folder: Path, executor: Any, folders_class: type[Folders] | None = None) -> Service:
    store = Store(str(folder), "")
    for name in ("packs", "attempts", "outputs"):
        (folder / name).mkdir()
    environment = dict(os.environb)
    removing = Removing()
    folders = (folders_class or EmptyFolders)(
        "w", store, executor, removing, environment, most_ready=0
    )
    return Service(
        Access(Address(path="/nowhere"), "p", b"k" * 44),
        Offer(identity="w", name="w", labels=(), slots=1),
        Tools("w", executor, store, folders, removing, environment, trio.Event()),
        LeasePage(),
    )


def order(number: int, claim: str, answer: Answer, *, over: bool) -> bytes:
    orders = (Order(claim=claim, answer=answer, over=over),)
    return encode(FromClient(client="run", worker="w", number=number, heard=0, orders=orders))


def test_a_go_that_comes_together_with_the_end_of_its_claim_starts_nothing(tmp_path: Path) -> None:
    """As when a worker that was stopped reads all at once what its run has said meanwhile."""
    mark = tmp_path / "ran"

    async def main() -> int:
        async with open_local_executor() as executor, trio.open_nursery() as nursery:
            service = service_of(tmp_path, executor)
            codes: list[int] = []

            async def serve() -> None:
                codes.append(await service.serve())

            nursery.start_soon(serve)
            await trio.testing.wait_all_tasks_blocked()
            source = Source("c", "t")
            command = f"touch {mark}"
            service._take(replace(JOB, command=command, source=source, lease_ns=60 * 10**9))
            [held] = service._machine._held.values()
            with trio.fail_after(PATIENCE_S):
                while held.stage is not Stage.OFFERED:  # noqa: ASYNC110 - nothing tells
                    await trio.sleep(0.001)
            service._receive(order(1, held.claim, Answer.GO, over=False))
            service._receive(order(2, held.claim, Answer.NO, over=True))
            service.drain()
        return codes[0]

    assert trio.run(main) == 0
    assert not mark.exists()


def test_a_job_of_another_protocol_is_one_that_others_may_do(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_local_executor() as executor, trio.open_nursery() as nursery:
            service = service_of(tmp_path, executor)
            nursery.start_soon(service.serve)
            await trio.testing.wait_all_tasks_blocked()
            source = Source("c", "t")
            service._take(replace(JOB, protocol=PROTOCOL + 1, source=source, lease_ns=10**12))
            [held] = service._machine._held.values()
            with trio.fail_after(PATIENCE_S):
                while held.stage is Stage.PREPARING:  # noqa: ASYNC110 - nothing tells
                    await trio.sleep(0.001)
            assert held.stage is Stage.UNFIT
            assert f"speaks protocol {PROTOCOL}, the run's {PROTOCOL + 1}" in held.why
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_signals_before_the_beginning_and_after_the_end_are_borne(tmp_path: Path) -> None:
    async def main() -> int:
        async with open_local_executor() as executor:
            service = service_of(tmp_path, executor)
            service.drain()
            code = await service.serve()
            service.drain()
            service.abandon("its worker's guardian died")
        return code

    assert trio.run(main) == 0


def test_a_disk_without_room_is_said_and_gets_some(tmp_path: Path) -> None:
    """What runs have sent and no attempt has would keep it full."""

    async def main() -> None:
        async with open_local_executor() as executor, trio.open_nursery() as nursery:
            service = service_of(tmp_path, executor, FullFolders)
            trees = service._tools.folders.trees
            trees.note(Source("c", "earlier"), "t")
            nursery.start_soon(service.serve)
            await trio.testing.wait_all_tasks_blocked()
            source = Source("c", "t")
            service._take(replace(JOB, source=source, lease_ns=10**12))
            [held] = service._machine._held.values()
            with trio.fail_after(PATIENCE_S):
                while held.stage is Stage.PREPARING:  # noqa: ASYNC110 - nothing tells
                    await trio.sleep(0.001)
            assert held.why == "w: the folder could not be made: No space left on device"
            assert not trees.head_tree(Source("c", "earlier"))
            nursery.cancel_scope.cancel()

    trio.run(main)
