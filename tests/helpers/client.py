"""A `vibeguard` for scripts that is a fork of the server of `tests.helpers.forking`."""

import sys
from pathlib import Path

from tests.helpers.forking import server

CLIENT = """\
#!{python} -ISE
import marshal, os, sys, _socket
asked = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, 1 << 20)
server.connect({address!r})
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)
server.sendmsg([marshal.dumps(asked)], [rights])
server.recv(4)
code = int.from_bytes(server.recv(4), signed=True)
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def write_client(path: Path) -> None:
    """Write a program there that runs `vibeguard` in its own environment, folder and streams.

    It takes a tenth of what an interpreter with the product takes. A signal reaches only the client.
    """
    program = CLIENT.format(python=sys.executable, address=server().address)
    path.write_text(program, encoding="utf-8")
    path.chmod(0o755)
