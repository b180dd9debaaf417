"""One question to one supervisor, and its answer."""

import os
import socket
import struct
from typing import Final

from vibeguard.core.problems import UNDECODABLE
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.vouching.place import all_claimants
from vibeguard.system.vouching.statement import (
    Ask,
    Request,
    Statement,
    peer_of,
    receive_statement,
    send,
)

# A supervisor answers from a thread that does nothing else; one that was stopped never does.
PATIENCE_S: Final = 2.0
REFUSED_S: Final = 0.25
POLL_S: Final = 0.01
_TIMEVAL: Final = struct.pack("ll", int(PATIENCE_S), 0)


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
        except (OSError, EOFError, *UNDECODABLE):
            return None


def _exchange_once(name: str, request: Request, deadline: float) -> Statement:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        # A full queue makes connect() wait, which a timeout of Python's would not.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        connection.connect(f"\0{name}")
        if peer_of(connection)[1] != os.geteuid():
            raise SomebodyElse
        send(connection, request, deadline)
        return receive_statement(connection, deadline)
