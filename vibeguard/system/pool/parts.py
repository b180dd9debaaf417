"""Many pieces go out by one call to the system, to a socket without a copy that joins them."""

import os
from contextlib import suppress
from typing import Final

import trio

Part = bytes | memoryview
MOST_PARTS: Final = 512  # the system takes a thousand


async def receive(stream: trio.abc.Stream, room: memoryview) -> bytes:
    """Some of what arrives, by way of `room`: memory for the most is not taken each time."""
    if not isinstance(stream, trio.SocketStream):
        return bytes(await stream.receive_some(len(room)))
    while stream.socket.fileno() >= 0:
        await trio.lowlevel.wait_readable(stream.socket)
        with suppress(BlockingIOError):  # asked for again: it may have been closed meanwhile
            return bytes(room[: os.readv(stream.socket.fileno(), [room])])
    raise trio.ClosedResourceError


async def send_parts(stream: trio.abc.Stream, parts: list[Part]) -> None:
    """Send all of them."""
    if not isinstance(stream, trio.SocketStream):
        await stream.send_all(b"".join(parts))
        return
    while parts:
        parts = _after(parts, await stream.socket.sendmsg(parts[:MOST_PARTS]))


def send_what_fits(stream: trio.abc.Stream, parts: list[Part]) -> list[Part]:
    """Send what a socket takes without waiting; what is left. Trouble is left to `send_parts`."""
    if isinstance(stream, trio.SocketStream):
        with suppress(OSError):
            return _after(parts, os.writev(stream.socket.fileno(), parts[:MOST_PARTS]))
    return parts


def _after(parts: list[Part], sent: int) -> list[Part]:
    """What is left of them when so many bytes have been sent."""
    first = 0
    while first < len(parts) and sent >= len(parts[first]):
        sent -= len(parts[first])
        first += 1
    left = parts[first:]
    if sent:
        left[0] = memoryview(left[0])[sent:]
    return left
