"""The broker as a run and a worker use it: a real server, Valkey and Redis."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from tests.helpers.brokers import KEY, Server, broker, servers, submitted
from tests.helpers.executor_worlds import JOB
from tests.helpers.waiting import PATIENCE_S
from vibeguard.core.pool import broker_names
from vibeguard.core.pool.address import parse_address
from vibeguard.core.pool.messages import (
    PROTOCOL,
    FromClient,
    Job,
    Presence,
    Source,
    decode_from_client,
)
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool, Runs, open_pool
from vibeguard.system.pool.connection import BrokerLost, BrokerRefused
from vibeguard.system.pool.listing import send_pack
from vibeguard.system.pool.shipment import Shipment


@pytest.fixture(scope="module", params=servers(), ids=lambda path: path.rpartition("/")[2])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with broker(program=request.param) as started:
        yield started


def job(token: str, *labels: str) -> Job:
    return replace(JOB, token=token, labels=labels)


def with_pool(
    server: Server, name: str, work: Callable[[Pool], Awaitable[None]], **more: Any
) -> None:
    """Run `work` with a connection to this pool."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            messages = more.pop("messages", lambda _: None)
            address = parse_address(server.url, insecure=False)
            access = Access(address, name, more.pop("key", KEY))
            pool = await open_pool(access, nursery, messages=messages, **more)
            with trio.fail_after(PATIENCE_S):
                await work(pool)
            await pool.connection.close()

    trio.run(main)


def test_a_job_is_no_workers_that_speaks_another_protocol(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take it again and again, while one that could do it has no room."""

    async def work(pool: Pool) -> None:
        await submitted(pool, job("one", "gpu"))
        with monkeypatch.context() as other:
            other.setattr(broker_names, "PROTOCOL", PROTOCOL + 1)
            assert (await pool.claim("old", ("gpu",), 1)).jobs == []
        assert (await pool.claim("new", ("gpu",), 1)).jobs == [job("one", "gpu")]

    with_pool(server, "protocols", work)


def test_what_is_refused_without_anybody_waiting_for_it_is_known(server: Server) -> None:
    async def work(pool: Pool) -> None:
        connection = pool.connection
        connection.send("PUBLISH", "too few")
        await connection.call("PING")
        assert "wrong number of arguments" in connection.refusal
        connection.send("PUBLISH", pool.names.to("x"), "")
        await connection.call("PING")
        assert connection.refusal == ""

    with_pool(server, "refused", work)


def test_a_job_goes_to_the_worker_that_has_its_labels(server: Server) -> None:
    async def work(pool: Pool) -> None:
        await submitted(pool, job("one", "gpu", "linux"))
        await submitted(pool, job("two"))
        assert (await pool.claim("w", ("linux", "arm"), 1)).jobs == [job("two")]
        assert (await pool.claim("w", ("linux", "arm"), 1)).jobs == []
        assert (await pool.claim("w", ("linux", "gpu", "big"), 1)).jobs == [
            job("one", "gpu", "linux")
        ]
        assert (await pool.claim("w", ("linux", "gpu", "big"), 1)).jobs == []

    with_pool(server, "labels", work)


def test_what_asks_for_most_goes_first_and_else_what_waited_longest(server: Server) -> None:
    async def work(pool: Pool) -> None:
        for token, labels in (("a", ()), ("b", ("gpu",)), ("c", ("gpu",))):
            await submitted(pool, job(token, *labels))
        taken = (await pool.claim("w", ("gpu",), 2)).jobs + (
            await pool.claim("w", ("gpu",), 2)
        ).jobs
        assert [one.token for one in taken] == ["b", "c", "a"]

    with_pool(server, "order", work)


def test_submitting_twice_is_submitting_once(server: Server) -> None:
    async def work(pool: Pool) -> None:
        await submitted(pool, job("one"))
        await submitted(pool, job("one"))
        assert (await pool.claim("w", (), 1)).jobs == [job("one")]
        assert (await pool.claim("w", (), 1)).jobs == []

    with_pool(server, "twice", work)


def test_a_withdrawn_job_is_given_to_nobody(server: Server) -> None:
    async def work(pool: Pool) -> None:
        await submitted(pool, job("one"))
        await pool.withdraw("one")
        assert (await pool.claim("w", (), 1)).jobs == []

    with_pool(server, "withdrawn", work)


def test_a_job_wakes_whoever_listens(server: Server) -> None:
    woken = trio.Event()

    async def work(pool: Pool) -> None:
        await pool.listen(pool.names.to("w"))
        assert (await pool.claim("w", ("gpu",), 1)).jobs == []
        await submitted(pool, job("one", "gpu"))
        await woken.wait()

    with_pool(server, "wake", work, wake=woken.set)


def test_one_worker_is_woken_for_a_job_and_the_one_with_the_fewest_labels(server: Server) -> None:
    woken: list[str] = []

    async def work(pool: Pool) -> None:
        address = parse_address(server.url, insecure=False)
        async with trio.open_nursery() as nursery:
            workers = []
            for name in ("plain", "rare"):
                wake = partial(woken.append, name)
                one = await open_pool(
                    Access(address, "wakes", KEY), nursery, messages=lambda _: None, wake=wake
                )
                await one.listen(one.names.to(name))
                workers.append(one)
            for name, labels in (("dead", ()), ("plain", ()), ("rare", ("gpu",))):
                assert (await pool.claim(name, labels, 1)).jobs == []
            for token in ("one", "one", "three"):
                await submitted(pool, job(token))
                for one in workers:
                    await one.workers()  # what was pushed before this answer has arrived
            assert woken == ["plain", "rare"]
            assert len((await pool.claim("plain", (), 8)).jobs) == 2
            for one in workers:
                await one.connection.close()

    with_pool(server, "wakes", work)


def test_who_takes_nothing_has_another_one_woken(server: Server) -> None:
    """For a job that waits; and it is not woken again before it has asked for jobs."""
    woken: list[str] = []

    async def work(pool: Pool) -> None:
        address = parse_address(server.url, insecure=False)
        async with trio.open_nursery() as nursery:
            workers = {}
            for name, labels in (("plain", ()), ("rare", ("gpu",))):
                wake = partial(woken.append, name)
                workers[name] = one = await open_pool(
                    Access(address, "passes", KEY), nursery, messages=lambda _: None, wake=wake
                )
                await one.listen(one.names.to(name))
                assert (await one.claim(name, labels, 1)).jobs == []
            await submitted(pool, job("one"))
            await workers["plain"].pass_on("plain", ())
            await submitted(pool, job("two"))
            for one in workers.values():
                await one.workers()  # what was pushed before this answer has arrived
            assert woken == ["plain", "rare"]
            for one in workers.values():
                await one.connection.close()

    with_pool(server, "passes", work)


def test_a_message_arrives_as_it_was_sent(server: Server) -> None:
    arrived: list[bytes] = []
    there = trio.Event()

    def take(payload: bytes) -> None:
        arrived.append(payload)
        there.set()

    async def work(pool: Pool) -> None:
        await pool.listen(pool.names.to("w"))
        pool.tell(FromClient("run", "w", 1, 0))
        await there.wait()
        assert [decode_from_client(one) for one in arrived] == [FromClient("run", "w", 1, 0)]

    with_pool(server, "message", work, messages=take)


def test_what_another_key_sealed_is_not_believed(server: Server) -> None:
    arrived: list[bytes] = []

    async def forge(pool: Pool) -> None:
        await submitted(pool, job("forged"))
        await pool.show(Presence("w", "forged", PROTOCOL, "1"))

    async def honest(pool: Pool) -> None:
        await pool.listen(pool.names.to("w"))
        channel = pool.names.to("w")
        await pool.connection.call("PUBLISH", channel, b"unsigned")
        await pool.connection.call("PUBLISH", channel, bytes(32) + b"forged")
        assert (await pool.claim("w", (), 1)).jobs == []
        assert await pool.workers() == []
        assert await pool.strangers() == 1
        assert arrived == []

    with_pool(server, "forged", forge, key=b"x" * 44)
    with_pool(server, "forged", honest, messages=arrived.append)


def test_a_sealed_job_cannot_be_put_under_another_token(server: Server) -> None:
    async def work(pool: Pool) -> None:
        await submitted(pool, job("one"))
        moved = await pool.connection.call("GET", pool.names.job("one"))
        await pool.withdraw("one")
        assert isinstance(moved, bytes)
        altered = moved[:-1] + bytes([moved[-1] ^ 1])
        await pool.connection.call("SET", pool.names.job("one"), altered)
        await pool.connection.call("RPUSH", pool.names.queue(""), "one")
        await pool.connection.call("SADD", pool.names.queues, "")
        assert (await pool.claim("w", (), 1)).jobs == []

    with_pool(server, "altered", work)


def test_workers_are_shown_until_they_hide(server: Server) -> None:
    async def work(pool: Pool) -> None:
        shown = Presence("w1", "host", PROTOCOL, "1", labels=("gpu",))
        assert await pool.show(shown) == Runs(0, b"")
        await pool.announce("run")
        assert await pool.show(shown) == Runs(1, b"run")
        assert await pool.workers() == [shown]
        await pool.hide("w1")
        await pool.leave("run")
        assert await pool.workers() == []
        assert await pool.show(shown) == Runs(0, b"run"), "it was there since an earlier look"

    with_pool(server, "shown", work)


def test_a_pack_comes_back_whole(server: Server) -> None:
    pack = bytes(range(256)) * 10_000  # more than two parts

    async def work(pool: Pool) -> None:
        assert not await pool.keep_pack("d")
        await pool.put_pack("d", pack)
        assert await pool.keep_pack("d")
        parts = [part async for part in pool.parts_of_pack("d", len(pack))]
        assert (len(parts), b"".join(parts)) == (3, pack)
        with pytest.raises(BrokerRefused, match="forgotten"):
            [part async for part in pool.parts_of_pack("other", 10)]

    with_pool(server, "pack", work)


def test_what_a_run_says_to_workers_does_not_wait_behind_its_pack(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take longer than a lease, and what runs meanwhile would be lost."""
    put, by = Pool.put_pack, []

    async def noted(own: Pool, digest: str, pack: bytes) -> None:
        by.append(own.connection)
        await put(own, digest, pack)

    monkeypatch.setattr(Pool, "put_pack", noted)
    access = Access(parse_address(server.url, insecure=False), "sent", KEY)
    shipment = Shipment(Source("c", "t", "d", 4), b"pack")

    async def work(pool: Pool) -> None:
        await send_pack(access, pool, shipment)
        await send_pack(access, pool, shipment)
        assert [part async for part in pool.parts_of_pack("d", 4)] == [b"pack"]
        [one] = by
        assert one is not pool.connection

    with_pool(server, "sent", work)


def test_an_error_is_the_answer_of_its_command_alone(server: Server) -> None:
    async def work(pool: Pool) -> None:
        pool.connection.send("NONSENSE")
        with pytest.raises(BrokerRefused, match="NONSENSE2"):
            await pool.connection.call("NONSENSE2")
        assert await pool.connection.call("ECHO", "x") == b"x"

    with_pool(server, "errors", work)


def test_who_waits_when_the_broker_dies_is_told() -> None:
    with broker() as mortal:

        async def work(pool: Pool) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_for_an_answer, pool)
                await trio.testing.wait_all_tasks_blocked()
                mortal.process.kill()
            assert pool.connection.lost.is_set()
            with pytest.raises(BrokerLost):
                pool.connection.send("PING")

        async def wait_for_an_answer(pool: Pool) -> None:
            with pytest.raises(BrokerLost):
                await pool.connection.call("BLPOP", "nothing", 0)

        with_pool(mortal, "dies", work)


def test_a_port_where_nobody_listens_is_said_in_the_words_of_the_system() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def main() -> None:
            address = parse_address(f"redis://127.0.0.1:{port}", insecure=False)
            async with trio.open_nursery() as nursery:
                with pytest.raises(BrokerLost, match=r"cannot be reached: .*Connection refused"):
                    await open_pool(Access(address, "p", KEY), nursery, messages=lambda _: None)

        trio.run(main)
