"""`vibeguard mcp`: lines of a client in, our own commands run, answers out.

Nothing is kept here that a run needs: a server that is killed and started again answers for the
same runs. A thread a call waits for its command, so that a long wait holds no other call up.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

from vibeguard.commands.options import GlobalOptions
from vibeguard.core.mcp.answers import Ended
from vibeguard.core.mcp.conversation import Abandon, Call, Conversation, Reply, progress_line
from vibeguard.core.mcp.jsonrpc import MOST_BYTES
from vibeguard.core.mcp.tools import Text
from vibeguard.system.clock import monotonic_s, wall_time
from vibeguard.system.own_group import begin_group, end_group, kill_group

PROGRESS_S = 5
PARTING_S = 1.0
MOST_TEXT = 64 << 10  # of an output: more is no help to a reader who pays by the line
MOST_DOCUMENT = 16 << 20
MOST_NOTES = 8 << 10


def mcp(*, common: GlobalOptions) -> int:
    """Serve until the client closes stdin, or a signal comes; its runs go on."""
    server = Server(_own_command(common), sys.stdout.buffer)
    try:
        for line in lines(sys.stdin.buffer):
            server.take(line)
    finally:
        server.close()
    return 0


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that hold something; of one that is too long as much as shows that it is."""
    while line := stream.readline(MOST_BYTES + 1):
        rest = line
        while len(line) > MOST_BYTES and rest and not rest.endswith(b"\n"):
            rest = stream.readline(MOST_BYTES)
        if line.strip():
            yield line


def _own_command(common: GlobalOptions) -> list[str]:
    """How a command of ours is called, with the global flags that the server was started with."""
    flags, defaults = [], GlobalOptions()
    for field in common.__struct_fields__:
        value = getattr(common, field)
        if value == getattr(defaults, field) or field in ("json", "verbose"):
            continue
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        name = f"--{field.replace('_', '-')}"
        flags.append(name if value is True else f"{name}={text}")
    return [sys.executable, "-I", "-m", "vibeguard", *flags]


class Server:
    """The calls of one client that go on, and the commands that answer them."""

    def __init__(self, own_command: list[str], output: BinaryIO) -> None:
        self._own_command = own_command
        self._output = output
        self._lock = threading.Lock()  # for all below, and for the output
        self._conversation = Conversation()
        self._processes: dict[Call, subprocess.Popen[bytes]] = {}
        self._closed = False

    def take(self, line: bytes) -> None:
        """Do what a line asks for; a call is answered later."""
        with self._lock:
            move = self._conversation.receive(line)
            match move:
                case Reply():
                    self._write(move.line)
                case Abandon():
                    self._kill(move.call)
                case Call():
                    name = f"call {move.id}"
                    threading.Thread(
                        target=self._serve, args=(move,), name=name, daemon=True
                    ).start()

    def close(self) -> None:
        """End the commands. What they have started goes on: it lives in the run folder."""
        self._closed = True
        if self._lock.acquire(timeout=PARTING_S):
            self._lock.release()
        else:  # an answer that the client does not read: to flush would wait for that, too
            sys.stdout = None
        for call in tuple(self._processes):
            self._kill(call)

    def _serve(self, call: Call) -> None:
        """Run the command of a call, and write its answer."""
        try:
            ended = self._ended(call)
        except OSError as error:  # too long a command line, no process or no file to be had
            what = f"vibeguard: the command cannot be started: {error.strerror}\n"
            ended = Ended(2, b"", what.encode(), at=wall_time())
        with self._lock:
            self._processes.pop(call, None)
            line = self._conversation.answer(call, ended)
            if line is not None:
                self._write(line)

    def _ended(self, call: Call) -> Ended:
        """How its command ended, and what it said. Raises OSError."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = self._run(call, out, err)
            most = MOST_TEXT if call.tool.answer is Text else MOST_DOCUMENT
            said, cut = _last(out, most)
            return Ended(code, said, _last(err, MOST_NOTES)[0], cut, wall_time())

    def _run(self, call: Call, out: BinaryIO, err: BinaryIO) -> int | None:
        """The exit code; None where the call's time was over first, and the command was ended."""
        argv = [*self._own_command, *call.arguments.words()]
        with self._lock:
            if self._closed or not self._conversation.awaits(call):
                return None
            process = begin_group(argv, stdout=out, stderr=err)
            self._processes[call] = process
        began, bound = monotonic_s(), call.arguments.bound_s
        for waited in range(0, bound, PROGRESS_S):
            if waited:
                self._tell_progress(call, waited)
            end = began + min(waited + PROGRESS_S, bound)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(max(end - monotonic_s(), 0))
        end_group(process)
        return None

    def _tell_progress(self, call: Call, waited_s: int) -> None:
        token = call.progress_token
        with self._lock:
            if token is not None and self._conversation.awaits(call):
                self._write(progress_line(token, waited_s, call.arguments.bound_s))

    def _kill(self, call: Call) -> None:
        """End a command and whatever it started in its session; a run is in another one."""
        process = self._processes.get(call)
        if process is not None and process.poll() is None:
            kill_group(process.pid)

    def _write(self, line: bytes) -> None:
        try:
            self._output.write(line)
            self._output.flush()
        except (OSError, ValueError):
            self._closed = True  # nobody reads any more; the end of stdin comes next


def _last(file: BinaryIO, most: int) -> tuple[bytes, bool]:
    """The last `most` bytes, and whether any are left out."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - most, 0))
    return file.read(most), size > most
