"""What goes out on a broker's connection, and when; the other end is a socket of the test's own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio
import trio.testing
from outcome import Error, acapture

from vibeguard.system.pool.connection import BrokerRefused, Connection
from vibeguard.system.pool.parts import send_parts, send_what_fits

MESSAGE = b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"
PING = b"*1\r\n$4\r\nPING\r\n"


@contextmanager
def two_ends() -> Iterator[tuple[trio.SocketStream, socket.socket]]:
    """A stream, and the socket that it leads to."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        yield trio.SocketStream(trio.socket.from_stdlib_socket(ours)), theirs


def read_all(end: socket.socket) -> bytes:
    """What has arrived there."""
    found = bytearray()
    with suppress(BlockingIOError):
        while data := end.recv(1 << 20):
            found += data
    return bytes(found)


def test_an_answer_goes_before_the_tasks_that_its_message_woke() -> None:
    async def main() -> None:
        seen: list[bytes] = []
        with two_ends() as (stream, end):
            woken = trio.Event()

            def pushed(_: bytes, __: bytes) -> None:
                woken.set()
                connection.send("PING")

            connection = Connection(stream, pushed)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.read)
                nursery.start_soon(connection.write)
                for _ in range(20):  # Trio lets tasks have their turn in any order
                    end.send(MESSAGE)
                    await woken.wait()
                    seen.append(read_all(end))
                    woken = trio.Event()
                    await trio.testing.wait_all_tasks_blocked()
                    seen[-1] += read_all(end) and b" too late"
                await connection.close()
        assert seen == [PING] * 20

    trio.run(main)


def test_what_a_socket_has_no_room_for_follows_in_order() -> None:
    parts = [bytes([number % 251]) * (number % 7 * 1000) for number in range(1500)]
    taken = bytearray()

    async def take(end: socket.socket) -> None:
        while len(taken) < sum(map(len, parts)):
            taken.extend(read_all(end))
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        with two_ends() as (stream, end):
            left = send_what_fits(stream, list(parts))
            assert 0 < sum(map(len, left)) < sum(map(len, parts))
            assert send_what_fits(stream, left) == left
            async with trio.open_nursery() as nursery:
                nursery.start_soon(take, end)
                await send_parts(stream, left)
        assert bytes(taken) == b"".join(parts)

    trio.run(main)


def test_commands_that_do_not_wait_for_each_other_go_as_one() -> None:
    async def main() -> None:
        with two_ends() as (stream, end):
            connection = Connection(stream, lambda *_: None)
            refused = Error(ValueError())

            async def ask() -> None:
                nonlocal refused
                refused = await acapture(connection.calls, ("PING",), ("PING",))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.read)
                nursery.start_soon(connection.write)
                nursery.start_soon(ask)
                await trio.testing.wait_all_tasks_blocked()
                assert read_all(end) == PING * 2
                end.send(b"+PONG\r\n-ERR not here\r\n")
                await trio.testing.wait_all_tasks_blocked()
                await connection.close()
            assert isinstance(refused.error, BrokerRefused)

    trio.run(main)


def test_a_connection_that_is_closed_before_it_is_read_ends_nobody() -> None:
    async def main() -> None:
        with two_ends() as (stream, _):
            connection = Connection(stream, lambda *_: None)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.read)
                nursery.start_soon(connection.write)
                await connection.close()
            assert connection.why == "the connection was closed"

    trio.run(main)
