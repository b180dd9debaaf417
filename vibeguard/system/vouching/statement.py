"""What supervisors and readers say to each other: one message there, one back, then the end."""

import socket
import struct
from typing import Final

import msgspec

from vibeguard.system.clock import monotonic_s
from vibeguard.system.rundir.order import OrderedRun

_LENGTH_BYTES: Final = 4
_LARGEST_BYTES: Final = 32 << 20
_CREDENTIALS: Final = struct.Struct("iII")


class Ask(msgspec.Struct, tag=True, frozen=True):
    """The question what a supervisor knows; one that starts itself waits for no other's start."""

    starting: bool = False


class Tell(msgspec.Struct, tag=True, frozen=True):
    """A run of my own that has begun, or was sealed."""

    run: OrderedRun


class Forget(msgspec.Struct, tag=True, frozen=True):
    """Runs that were pruned."""

    run_ids: tuple[str, ...]


class Statement(msgspec.Struct, frozen=True):
    """What a supervisor knows: every run, in the order of their starts.

    `live` holds those that go on, with pid and start time of the process that runs them. One that
    is `starting` knows nothing yet.
    """

    runs: tuple[OrderedRun, ...] = ()
    live: dict[str, tuple[int, int]] = {}
    starting: bool = False


Request = Ask | Tell | Forget

_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(Request).decode
_decode_statement = msgspec.msgpack.Decoder(Statement).decode


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Pid and uid of whoever is at the other end, as the kernel knows them. Raises OSError."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    return pid, uid


def send(connection: socket.socket, message: Request | Statement, deadline: float) -> None:
    """Send one message whole by `deadline` (monotonic seconds). Raises OSError."""
    payload = _encode(message)
    _allow(connection, deadline)
    connection.sendall(len(payload).to_bytes(_LENGTH_BYTES) + payload)


def receive_request(connection: socket.socket, deadline: float) -> Request:
    """The message of a client. Raises OSError, EOFError or one of UNDECODABLE."""
    request: Request = _decode_request(_receive(connection, deadline))
    return request


def receive_statement(connection: socket.socket, deadline: float) -> Statement:
    """The message of a supervisor. Raises OSError, EOFError or one of UNDECODABLE."""
    return _decode_statement(_receive(connection, deadline))


def _receive(connection: socket.socket, deadline: float) -> bytes:
    length = int.from_bytes(_receive_exactly(connection, _LENGTH_BYTES, deadline))
    if length > _LARGEST_BYTES:
        raise OSError("the message is too long")
    return _receive_exactly(connection, length, deadline)


def _receive_exactly(connection: socket.socket, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        _allow(connection, deadline)
        chunk = connection.recv(min(size - len(data), 1 << 16))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def _allow(connection: socket.socket, deadline: float) -> None:
    left = deadline - monotonic_s()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
