"""DESIGN 5: signals in the first milliseconds count, of every command, and so do later ones."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, environment, project, vibeguard
from tests.helpers.waiting import PATIENCE_S, wait_until
from vibeguard.commands import application
from vibeguard.commands.table import COMMANDS

MODULE = (sys.executable, "-m", "vibeguard")
SCRIPT = (str(Path(sys.executable).with_name("vibeguard")),)
ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# In the callback with which Python gives the lock of a module back, where it drops what is raised.
STOP_WHILE_IMPORTING = """
import os, sys

def stop(frame, event, _):
    if (event, frame.f_code.co_name) == ("call", os.environ["STOPPED_IN"]):
        sys.setprofile(None)
        os.kill(os.getpid(), int(os.environ["STOPPED_BY"]))

class Finder:
    def find_spec(name, *_):
        if name == os.environ["STOPPED_AT"]:
            sys.setprofile(stop)

sys.meta_path.insert(0, Finder)
"""


def stopped(
    folder: Path, *argv: str, at: str, within: str = "cb", by: signal.Signals = signal.SIGINT
) -> subprocess.Popen[str]:
    """A command that gets a signal in a function of Python's own imports, from `at` on."""
    path = f"{folder}{os.pathsep}{ROOT}"
    told = {"STOPPED_AT": at, "STOPPED_IN": within, "STOPPED_BY": str(int(by))}
    return subprocess.Popen(
        argv,
        cwd=folder,
        env=environment(PYTHONPATH=path, **told),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [MODULE, SCRIPT])
def test_a_signal_while_our_first_module_is_imported_is_no_traceback(tmp_path, how):
    (tmp_path / "sitecustomize.py").write_text(STOP_WHILE_IMPORTING)
    begun = [
        stopped(tmp_path, *how, "validate", at="vibeguard.cli", within="_find_spec", by=by)
        for by in ENDS
    ]
    ended = [(*process.communicate(timeout=PATIENCE_S), process.returncode) for process in begun]
    assert ended == [("", "", code) for code in ENDS.values()]


def test_no_command_loses_a_ctrl_c_that_comes_while_it_is_imported(tmp_path):
    """One that waits for nobody would end by itself, `watch` would never."""
    folder = project(tmp_path, "checks: [{id: a, run: 'true'}]")
    (folder / "sitecustomize.py").write_text(STOP_WHILE_IMPORTING)
    words = {"audit": ["a"], "explain": ["a"], "completion": ["bash"], "hook": ["git"]}
    begun = {
        name: stopped(folder, *MODULE, name, *words.get(name, ()), at=f"vibeguard.commands.{name}")
        for name in COMMANDS
    }
    ended = {
        name: (*process.communicate(timeout=PATIENCE_S), process.returncode)
        for name, process in begun.items()
    }
    assert ended == dict.fromkeys(COMMANDS, ("", "", 130))


def test_ctrl_c_while_words_are_parsed_that_are_not_plain_is_no_success(monkeypatch):
    """The parser makes an exit of its own of it, and an exit without a reader is 0."""

    def interrupt(_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(application, "attach_values", interrupt)
    with pytest.raises(KeyboardInterrupt):
        application.parse(["-vp2", "list"])


@contextmanager
def unread() -> Iterator[int]:
    """The end to write to of a pipe that is full, and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (4096, 1):
        try:
            while os.write(writing, b"x" * size):
                continue
        except BlockingIOError:
            continue
    os.set_blocking(writing, True)
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


def ended_unread(
    folder: Path, *argv: str, given: bytes = b"", by: signal.Signals | None = signal.SIGTERM
) -> int:
    """The exit code of a command that waits for its reader, then gets a signal or end of file."""
    with unread() as full:
        process = subprocess.Popen(
            [*MODULE, *argv],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=full,
            stderr=full,
            bufsize=0,
        )
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(given)
            wait_until(lambda: writes_to_a_pipe(process.pid), "it never wrote anything")
            if by is not None:
                process.send_signal(by)
                return end_of(process)
        return end_of(process)


def end_of(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(20)
    finally:
        process.kill()
        process.wait()


def test_what_refuses_a_run_can_be_interrupted_though_nobody_reads_it(tmp_path):
    folder = project(tmp_path, "checks: [{id: a, run: 'true', nonsense: 1}]")
    assert ended_unread(folder, "run") == 143


def test_what_wakes_an_agent_can_be_interrupted_though_nobody_reads_it(tmp_path):
    folder = project(tmp_path, "checks: [{id: a, run: 'sleep 0.1; exit 1', async: true}]")
    assert vibeguard("run", "--max-wait", "9m", cwd=folder).returncode == 1
    assert ended_unread(folder, "wait", "--notify") == 143


@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 143), (None, 0)])
def test_a_server_of_a_client_that_reads_nothing_ends(tmp_path, by, code):
    """By a signal, and when its client closes its end; an answer is being written meanwhile."""
    folder = project(tmp_path, "checks: [{id: a, run: 'true'}]")
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "list", "arguments": {}, "_meta": meta},
    }
    given = json.dumps(asked).encode() + b"\n"
    assert ended_unread(folder, "mcp", given=given, by=by) == code


def writes_to_a_pipe(pid: int) -> bool:
    """Whether a thread of it waits for room in one."""
    waits = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/wchan")]
    return any("pipe_write" in wait for wait in waits)
