"""`python -m vibeguard` from an interpreter that has its imports behind it.

Nine tenths of a short command are imports, and the suite runs thousands of commands. One server for
each test process imports everything once; each command is a fork of it: a process of its own, with
its own arguments, folder and streams. Another environment takes a fresh interpreter, and what only
one of those shows (its flags, signals that it was started with, modules of the working folder) asks
for it: `vibeguard(..., fresh=True)`. What a test changes in such a process before it is the command
is the `prepare` of a module of the tests, called there: `vibeguard(..., before=(MODULE, *WORDS))`.
Scripts that call `vibeguard` get it from `tests.helpers.client`.
"""

import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.helpers.environment import environment
from tests.helpers.shown_environment import show_environment

REQUEST_BYTES = 1 << 20
# What comes late, when a command asks for help, for completion, or is not understood.
LATE = (
    *("cyclopts.help.formatters.default", "cyclopts.completion.bash", "cyclopts.completion.zsh"),
    *("cyclopts.completion.fish", "cyclopts.completion.install", "cyclopts.config"),
    *("rich.console", "rich.panel", "rich.table", "rich.markdown", "docstring_parser"),
    *("encodings.ascii", "importlib.readers"),
)
# Read when an interpreter begins, or by the C library: a fork would be too late for them.
OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ")


@cache
def environment_of_server() -> dict[str, str]:
    """What the server begins with."""
    return environment()


def differing(env: Mapping[str, str]) -> set[str]:
    """What the server has otherwise (the name of the running test is no concern of a command)."""
    known = environment_of_server()
    names = {name for name in {*known, *env} if known.get(name) != env.get(name)}
    return names - {"PYTEST_CURRENT_TEST"}


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether a fork can have this environment."""
    return not any(name.startswith(OF_THE_INTERPRETER) for name in differing(env))


class Server(NamedTuple):
    """Its process id, where it listens, and the connection that ends it when it is closed."""

    pid: int
    address: str
    life: socket.socket


@cache
def servers() -> dict[tuple[str, ...], Server]:
    """The servers of this process, which end with it.

    By the words that make the world it is in. Whoever counts processes leaves these out.
    """
    return {}


def server(within: tuple[str, ...] = ()) -> Server:
    """The server in this world, which is started if need be."""
    if within not in servers():
        address = f"\0vibeguard-tests-{os.getpid()}-{len(servers())}"
        ours, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address)
            listener.listen()
            given = [listener.fileno(), theirs.fileno()]
            for descriptor in given:
                os.set_inheritable(descriptor, True)
            words = [*within, sys.executable, "-m", "tests.helpers.forking", *map(str, given)]
            pid = os.posix_spawnp(words[0], words, environment_of_server())
        servers()[within] = Server(pid, address, ours)
    return servers()[within]


class Command:
    """A command under way: what the tests use of a `subprocess.Popen` in text mode.

    `within` are the words of a command line before that of the server, such as `unshare -Ur`;
    `before` is what the process does first: a module with a `prepare`, and words for that.
    `program` is Python text that is the command in another way, with all imports behind it.
    """

    def __init__(
        self,
        argv: list[str],
        cwd: Path,
        env: Mapping[str, str],
        *,
        within: tuple[str, ...] = (),
        before: tuple[str, ...] = (),
        program: str = "",
    ) -> None:
        (stdin, write), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        other = dict(env) if differing(env) else None
        asked = {
            "argv": argv,
            "cwd": os.fspath(cwd),
            "env": other,
            "before": before,
            "program": program,
        }
        self._answer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._answer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST_BYTES)
        self._answer.connect(server(within).address)
        given = [stdin, stdout, stderr]
        socket.send_fds(self._answer, [marshal.dumps(asked)], given)
        for descriptor in given:
            os.close(descriptor)
        self.args = argv
        self.returncode: int | None = None
        self.stdin = open(write, "w", encoding="utf-8")  # noqa: SIM115 - `close` does
        self.stdout = open(out, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
        self.stderr = open(err, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
        self.pid = int.from_bytes(self._answer.recv(4))

    def close(self) -> None:
        """Give back the pipes."""
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def poll(self) -> int | None:
        """The exit code (-N for signal N), or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            readable, _, _ = select.select([self._answer], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int.from_bytes(self._answer.recv(4), signed=True)
            self._answer.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def communicate(self, stdin: str = "", timeout: float = 120) -> tuple[str, str]:
        """Both outputs to their ends; raises `subprocess.TimeoutExpired`."""
        if self.stdout.closed:
            self.close()
            return "", ""
        deadline = time.monotonic() + timeout
        said = {self.stdout.fileno(): b"", self.stderr.fileno(): b""}
        self._hand_in(stdin)
        with selectors.DefaultSelector() as selector:
            for descriptor in said:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready and time.monotonic() >= deadline:
                    raise subprocess.TimeoutExpired(self.args, timeout)
                for key, _ in ready:
                    if read := os.read(key.fd, 1 << 16):
                        said[key.fd] += read
                    else:
                        selector.unregister(key.fd)
        self.wait(max(0.0, deadline - time.monotonic()))
        self.close()
        out, err = said.values()
        return _text(out), _text(err)

    def _hand_in(self, stdin: str) -> None:
        """Write and close; a pipe holds what the tests hand in."""
        if not self.stdin.closed:
            with contextlib.suppress(BrokenPipeError), self.stdin:
                self.stdin.write(stdin)


def finish(command: Command, stdin: str, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    """Like `subprocess.run` with `capture_output`; raises `subprocess.TimeoutExpired`."""
    try:
        out, err = command.communicate(stdin, timeout_s)
    finally:
        command.kill()
        command.close()
    return subprocess.CompletedProcess(command.args, command.wait(), out, err)


def _text(data: bytes) -> str:
    said = data.decode(errors="surrogateescape")
    return said.replace("\r\n", "\n").replace("\r", "\n")  # as `text=True` does


def serve(listener: socket.socket, life: socket.socket) -> None:
    """Fork a process for each request, and tell how it ended, until the other end of life is gone."""
    import_everything()
    make_ready()
    gc.collect()
    gc.freeze()
    under_way: dict[int, tuple[int, socket.socket]] = {}  # by descriptor of the process
    readable = select.poll()
    for waited in (listener, life):
        readable.register(waited, select.POLLIN)
    while True:
        for descriptor, _ in readable.poll():
            if descriptor == life.fileno():
                return
            if descriptor in under_way:
                readable.unregister(descriptor)
                os.close(descriptor)
                _tell_the_end(*under_way.pop(descriptor))
                continue
            answer, _ = listener.accept()
            request, streams, _, _ = socket.recv_fds(answer, REQUEST_BYTES, 3)
            pid = os.fork()
            if pid == 0:
                for ours in (listener, life, answer, *(other for _, other in under_way.values())):
                    ours.close()
                for process in under_way:
                    os.close(process)
                _be_command(marshal.loads(request), streams)
            for stream in streams:
                os.close(stream)
            with contextlib.suppress(ConnectionError):
                answer.sendall(pid.to_bytes(4))
            process = os.pidfd_open(pid)
            under_way[process] = pid, answer
            readable.register(process, select.POLLIN)


def _tell_the_end(pid: int, answer: socket.socket) -> None:
    """Reap a command and tell its exit code."""
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ConnectionError), answer:
        answer.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))


def import_everything() -> None:
    """Every module of the product that can be imported here."""
    import vibeguard  # noqa: PLC0415

    for module in pkgutil.walk_packages(vibeguard.__path__, "vibeguard."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of an extra that is not installed
                importlib.import_module(module.name)
    for name in LATE:
        with contextlib.suppress(ImportError):  # of another version
            importlib.import_module(name)


def make_ready() -> None:
    """What the first reading of a log and of a config makes and keeps: decoders, tables of keys."""
    from vibeguard.core.config.load import load_config  # noqa: PLC0415
    from vibeguard.core.eventlog.decode import LogDecoder  # noqa: PLC0415

    LogDecoder()
    load_config(b"checks: [{id: a, run: 'true'}]", "vibeguard.yaml")


def _be_command(request: dict[str, object], streams: list[int]) -> None:
    """Become what `python -m vibeguard` would be. Never returns."""
    argv, cwd, env = (request[name] for name in ("argv", "cwd", "env"))
    before, program = request.get("before"), request.get("program")
    assert isinstance(argv, list)
    assert isinstance(before, tuple | None)
    assert isinstance(cwd, str)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", errors="strict")  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="strict")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    os.chdir(cwd)
    sys.path[0] = cwd
    if isinstance(env, dict) and not show_environment(env):
        assert not before, "an interpreter of its own is not prepared"
        words = ["-c", str(program)] if program else ["-m", "vibeguard"]
        os.execve(sys.executable, [sys.executable, *words, *argv], env)
    if before:
        importlib.import_module(before[0]).prepare(*before[1:])
    import vibeguard  # noqa: PLC0415
    from vibeguard.cli import command  # noqa: PLC0415

    sys.argv = [str(Path(vibeguard.__path__[0], "__main__.py")), *argv]
    if program:
        exec(str(program), {"__name__": "__main__"})
    command()


if __name__ == "__main__":
    serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
