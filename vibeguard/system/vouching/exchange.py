"""One question to one supervisor, and its answer: one message there, one back, then the end."""

import os
import socket
import struct
from typing import Final

import msgspec

from vibeguard.core.problems import UNDECODABLE
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.vouching.place import all_claimants
from vibeguard.system.vouching.statement import Ask, Request, Statement

# A supervisor answers from a thread that does nothing else; one that was stopped never does.
PATIENCE_S: Final = 2.0
REFUSED_S: Final = 0.25
POLL_S: Final = 0.01
_TIMEVAL: Final = struct.pack("ll", int(PATIENCE_S), 0)
_LARGEST_BYTES: Final = 32 << 20
_CREDENTIALS: Final = struct.Struct("iII")
_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(Request).decode
_decode_statement = msgspec.msgpack.Decoder(Statement).decode


class SomebodyElse(Exception):
    """The socket is another user's, who has no say in this folder."""


def exchange(name: str, request: Request) -> Statement | None:
    """The answer of whoever listens at the socket of this name; None without one in time.

    Raises SomebodyElse.
    """
    deadline = monotonic_s() + PATIENCE_S
    give_up = monotonic_s() + REFUSED_S
    while True:
        try:
            answer = _exchange_once(name, request, deadline)
            if not answer.starting or request == Ask(starting=True):
                return answer
            sleep_s(POLL_S)  # it knows soon what it is asked
        except ConnectionRefusedError:
            # It is not listening yet, or no more, and then soon no longer listed.
            if name not in all_claimants() or monotonic_s() >= give_up:
                return None
            sleep_s(POLL_S)
        except (OSError, *UNDECODABLE):
            return None


def _exchange_once(name: str, request: Request, deadline: float) -> Statement:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        # A full queue makes connect() wait, which a timeout of Python's would not.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        connection.connect(f"\0{name}")
        if peer_of(connection)[1] != os.geteuid():
            raise SomebodyElse
        send(connection, request, deadline)
        return _decode_statement(_receive(connection, deadline))


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Pid and uid of whoever is at the other end, as the kernel knows them. Raises OSError."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    return pid, uid


def send(connection: socket.socket, message: Request | Statement, deadline: float) -> None:
    """Send the one message, whole, by `deadline` (monotonic seconds). Raises OSError."""
    _allow(connection, deadline)
    connection.sendall(_encode(message))
    connection.shutdown(socket.SHUT_WR)


def receive_request(connection: socket.socket, deadline: float) -> Request:
    """The message of a client. Raises OSError or one of UNDECODABLE."""
    request: Request = _decode_request(_receive(connection, deadline))
    return request


def _receive(connection: socket.socket, deadline: float) -> bytes:
    """All that comes: half a message cannot be decoded."""
    data = bytearray()
    while len(data) <= _LARGEST_BYTES:
        _allow(connection, deadline)
        chunk = connection.recv(1 << 16)
        if not chunk:
            return bytes(data)
        data += chunk
    raise OSError("the message is too long")


def _allow(connection: socket.socket, deadline: float) -> None:
    left = deadline - monotonic_s()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
