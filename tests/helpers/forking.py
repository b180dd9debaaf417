"""`python -m vibeguard` from an interpreter that has its imports behind it.

Nine tenths of a short command are imports, and the suite runs thousands of commands. One server for
each test process imports everything once; each command is a fork of it: a process of its own, with
its own arguments, folder, environment and streams. What only a fresh interpreter shows (its flags,
PYTHON* variables, the encoding of its streams, modules of the working folder) is for
`vibeguard(..., fresh=True)`.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Read by the interpreter when it starts: too late for a fork.
OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
REQUEST_BYTES = 1 << 20


def of_the_interpreter(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that only a fresh interpreter would honour."""
    return {name: value for name, value in env.items() if name.startswith(OF_THE_INTERPRETER)}


@cache
def server(interpreter_env: str) -> socket.socket:
    """The server of this process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST_BYTES)
    root = str(Path(__file__).parents[2])
    theirs.set_inheritable(True)
    command = [sys.executable, "-m", "tests.helpers.forking", str(theirs.fileno())]
    env = os.environ | {"PYTHONPATH": root} | json.loads(interpreter_env)
    os.posix_spawn(command[0], command, env)
    theirs.close()
    return ours


def run(
    argv: list[str], cwd: Path, env: Mapping[str, str], stdin: str, timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Like `subprocess.run` with `capture_output`; raises `subprocess.TimeoutExpired`."""
    inputs, outputs, errors = os.pipe(), os.pipe(), os.pipe()
    ours, theirs = socket.socketpair()
    request = json.dumps({"argv": argv, "cwd": os.fspath(cwd), "env": dict(env)}).encode()
    given = [inputs[0], outputs[1], errors[1], theirs.fileno()]
    control = server(json.dumps(of_the_interpreter(env), sort_keys=True))
    socket.send_fds(control, [request], given)
    for descriptor in given[:3]:
        os.close(descriptor)
    theirs.close()
    with ours:
        pid = int.from_bytes(ours.recv(4))
        try:
            out, err = _communicate(inputs[1], outputs[0], errors[0], stdin.encode(), timeout_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(argv, timeout_s) from None
        code = int.from_bytes(ours.recv(4), signed=True)
    return subprocess.CompletedProcess(argv, code, _text(out), _text(err))


def _text(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n").replace("\r", "\n")  # as `text=True` does


def _communicate(
    write: int, out: int, err: int, stdin: bytes, timeout_s: float
) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + timeout_s
    said = {out: b"", err: b""}
    with selectors.DefaultSelector() as selector:
        for descriptor in said:
            selector.register(descriptor, selectors.EVENT_READ)
        selector.register(write, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                raise TimeoutError
            for key, _ in ready:
                descriptor = key.fd
                if descriptor == write:
                    try:
                        stdin = stdin[os.write(write, stdin[:4096]) :]
                        ended = not stdin
                    except BrokenPipeError:
                        ended = True
                else:
                    read = os.read(descriptor, 1 << 16)
                    said[descriptor] += read
                    ended = not read
                if ended:
                    selector.unregister(descriptor)
                    os.close(descriptor)
    return said[out], said[err]


def serve(control: socket.socket) -> None:
    """Fork a process for each request until the other end is gone."""
    import_everything()
    installed = sys.path[2:]  # after the working folder and PYTHONPATH
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes between
    gc.collect()
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 4)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            _be_between(request, descriptors, installed)
        for descriptor in descriptors:
            os.close(descriptor)


def import_everything() -> None:
    """Every module of the product that can be imported here."""
    import vibeguard  # noqa: PLC0415

    for module in pkgutil.walk_packages(vibeguard.__path__, "vibeguard."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of an extra that is not installed
                importlib.import_module(module.name)


def _be_between(request: bytes, descriptors: list[int], installed: list[str]) -> None:
    """Start the command, tell its process id and, at its end, its exit code. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer = socket.socket(fileno=descriptors[3])
    child = os.fork()
    if child == 0:
        answer.close()
        _be_command(json.loads(request), descriptors[:3], installed)
    for descriptor in (0, 1, 2, *descriptors[:3]):
        os.close(descriptor)
    answer.sendall(child.to_bytes(4))
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):
        answer.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))
    os._exit(0)


def _be_command(request: dict[str, object], streams: list[int], installed: list[str]) -> None:
    """Become what `python -m vibeguard` would be. Never returns."""
    argv, cwd, env = request["argv"], request["cwd"], request["env"]
    assert isinstance(argv, list)
    assert isinstance(cwd, str)
    assert isinstance(env, dict)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", errors="strict")  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="strict")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    asked = [one for one in env.get("PYTHONPATH", "").split(os.pathsep) if one]
    sys.path[:] = [cwd, *asked, *installed]
    import vibeguard  # noqa: PLC0415
    from vibeguard.cli import command  # noqa: PLC0415

    sys.argv = [str(Path(vibeguard.__path__[0], "__main__.py")), *argv]
    command()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
