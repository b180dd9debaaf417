"""Offers of workers, as the executor of a pool answers them. No broker: messages are handed in."""

import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from tests.helpers.executor_worlds import for_a_worker, make_spec
from tests.helpers.scripted_executor import ScriptedExecutor
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import LeakPolicy
from vibeguard.core.pool.address import Address
from vibeguard.core.pool.messages import (
    PROTOCOL,
    FromWorker,
    Presence,
    Report,
    Result,
    Source,
    Stage,
    encode,
)
from vibeguard.system import clock
from vibeguard.system.executors.base import Accepted, AttemptSpec, Callbacks
from vibeguard.system.executors.pool import PoolExecutor
from vibeguard.system.executors.pool_attempt import PoolAttempt
from vibeguard.system.executors.pool_waiting import Company
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.shipment import Shipment
from vibeguard.system.process import output
from vibeguard.system.process.start_refused import StartRefused


def executor_in(nursery: trio.Nursery, **settings: int) -> PoolExecutor:
    """One without a broker."""
    return PoolExecutor(
        Access(Address(path="/nowhere"), "p", b"k" * 44),
        PoolSettings(**settings),
        Shipment(top="/", source=Source("c", "t"), pack=b""),
        nursery,
        local=ScriptedExecutor({}),
        sleep_outside=trio.sleep,
    ).open()


def spec_of(token: str, folder: str) -> AttemptSpec:
    spec = make_spec("true", f"{folder}/{token}.log", leaks=LeakPolicy.WARN)
    return for_a_worker(spec, token=token, engine="p")


def test_a_submission_that_is_refused_late_takes_nothing_from_the_worker_that_has_it(
    tmp_path: Path,
) -> None:
    """A job is submitted again when the broker seems to have forgotten it, and it may be full."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery)
            attempts: list[PoolAttempt] = []

            async def start() -> None:
                attempts.append(await executor.start(spec_of("t", str(tmp_path)), Callbacks()))

            nursery.start_soon(start)
            await trio.testing.wait_all_tasks_blocked()
            name = executor._identity
            offer = Report(token="t", claim="t", stage=Stage.OFFERED)
            executor._receive(encode(FromWorker("w", "w", name, 1, asks=True, reports=(offer,))))
            executor._refuse("t", "OOM")
            empty = sha256(b"").hexdigest()
            ended = replace(
                offer,
                stage=Stage.ENDED,
                result=Result(exit_code=0, output_sha256=empty, parcel_sha256=empty),
            )
            executor._receive(encode(FromWorker("w", "w", name, 2, asks=True, reports=(ended,))))
            await trio.testing.wait_all_tasks_blocked()
            assert (await attempts[0].wait()).exit_code == 0
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_check_that_is_cancelled_by_the_start_of_another_one_in_the_same_message(
    tmp_path: object,
) -> None:
    """Both are offered at once, and the first one's start cancels the second: that one hears No."""
    started: list[str] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery)
            second = trio.CancelScope()

            def accepted(_: Accepted) -> None:
                started.append("first")
                second.cancel()

            async def start_first() -> None:
                await start("first", accepted)

            async def start_second() -> None:
                with second:
                    await start("second", lambda _: started.append("second"))

            async def start(token: str, told: object) -> None:
                await executor.start(
                    spec_of(token, str(tmp_path)),
                    Callbacks(told),  # type: ignore[arg-type]
                )

            nursery.start_soon(start_first)
            nursery.start_soon(start_second)
            await trio.testing.wait_all_tasks_blocked()
            offers = tuple(
                Report(token=token, claim=token, stage=Stage.OFFERED)
                for token in ("first", "second")
            )
            message = FromWorker(
                worker="w",
                name="w",
                client=executor._identity,
                number=1,
                asks=True,
                reports=offers,
            )
            executor._receive(encode(message))
            await trio.testing.wait_all_tasks_blocked()
            assert second.cancelled_caught
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert started == ["first"]


def test_a_job_that_three_workers_cannot_do_is_an_error_that_says_why(tmp_path: Path) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery)

            async def refuse() -> None:
                for number in range(1, 4):
                    await trio.testing.wait_all_tasks_blocked()
                    assert list(executor._waiting) == ["t"]
                    why = f"w{number}: no such commit"
                    unfit = Report(token="t", claim=f"c{number}", stage=Stage.UNFIT, why=why)
                    name = executor._identity
                    message = FromWorker("w", "w", name, number, asks=True, reports=(unfit,))
                    executor._receive(encode(message))

            nursery.start_soon(refuse)
            with pytest.raises(StartRefused, match="w3: no such commit"):
                await executor.start(spec_of("t", str(tmp_path)), Callbacks())
            nursery.cancel_scope.cancel()

    trio.run(main)


async def report(executor: PoolExecutor, number: int, stage: Stage, why: str = "") -> None:
    """A worker says this of the attempt `t`, which waits."""
    await trio.testing.wait_all_tasks_blocked()
    of = Report(token="t", claim=f"c{number}", stage=stage, why=why)
    message = FromWorker("w", "w", executor._identity, number, asks=True, reports=(of,))
    executor._receive(encode(message))
    await trio.testing.wait_all_tasks_blocked()


def test_a_job_that_one_worker_cannot_do_waits_for_another_that_has_no_room(tmp_path: Path) -> None:
    """The one that cannot takes it again and again meanwhile."""
    present = [Presence("w", "w", PROTOCOL, "1"), Presence("other", "other", PROTOCOL, "1")]

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery)

            class Known(Company):
                async def workers(self) -> list[Presence]:
                    return present

            executor._company = Known(executor._line, "run", {}, lambda *_: None)

            async def refuse() -> None:
                for number in range(1, 6):
                    assert list(executor._waiting) == ["t"] or number == 1
                    await report(executor, number, Stage.UNFIT, f"{number}: no such commit")
                present.pop()
                await report(executor, 6, Stage.UNFIT, "6: no such commit")

            nursery.start_soon(refuse)
            with pytest.raises(StartRefused, match="6: no such commit"):
                await executor.start(spec_of("t", str(tmp_path)), Callbacks())
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_folder_that_took_longer_than_the_queue_timeout_is_no_missing_worker(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery, queue_timeout_ns=300 * 10**6)
            nursery.start_soon(report, executor, 1, Stage.PREPARING)
            with pytest.raises(StartRefused, match="w took it, and was not ready to start it"):
                await executor.start(spec_of("t", str(tmp_path)), Callbacks())
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_what_is_lost_while_the_broker_refuses_says_so(tmp_path: Path) -> None:
    """Rights that were taken away in the middle of a run were a worker that was not heard of."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            executor = executor_in(nursery)
            executor._line.trouble = "NOPERM"
            attempts: list[PoolAttempt] = []

            async def start() -> None:
                attempts.append(await executor.start(spec_of("t", str(tmp_path)), Callbacks()))

            nursery.start_soon(start)
            await report(executor, 1, Stage.OFFERED)
            executor._line.trouble = "NOPERM"
            executor._carry_out(executor._client.tick(clock.monotonic_s() + 100))
            result = await attempts[0].wait()
            assert result.error.endswith("it may still be running there; the broker: NOPERM")
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_start_for_which_no_descriptor_is_left_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on this machine: what runs gives descriptors back, and the check is no error for it."""

    def none_left(path: str, *, flags: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(output, "create_file", none_left)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            with pytest.raises(StartRefused, match="ulimit -n") as refused:
                await executor_in(nursery).start(spec_of("t", str(tmp_path)), Callbacks())
            assert refused.value.transient
            assert refused.value.ours
            nursery.cancel_scope.cancel()

    trio.run(main)
