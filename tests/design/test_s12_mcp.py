"""DESIGN 12: `vibeguard mcp`, as a client sees it: a process, lines in, lines out."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.helpers.command import ROOT, environment, project, vibeguard
from tests.helpers.waiting import is_gone, wait_until

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
CONFIG = """
version: "1"
checks:
  - {id: unit, run: "echo 12 passed; exit 1"}
"""
# A check of ten minutes, which says that it is there.
LONG = """
version: "1"
checks:
  - {id: long, run: "echo begun; exec sleep 600", timeout: 15m}
"""


class Client:
    """One server, and a client that says each request as 2026-07-28 wants it."""

    def __init__(self, folder: Path, *argv: str):
        self.numbers = itertools.count(1)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vibeguard", *argv, "mcp"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        with self.process:
            return

    def write(self, line: bytes):
        """A line as it is."""
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def read(self):
        """The next message of the server."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def ask(self, method, **params):
        """Send a request; its id."""
        number = next(self.numbers)
        params = {"_meta": META, **params}
        said = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.write(json.dumps(said).encode())
        return number

    def call(self, name, **arguments):
        """The result of a tool."""
        number = self.ask("tools/call", name=name, arguments=arguments)
        answer = self.read()
        assert answer["id"] == number
        return answer["result"]


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A project with one run, which failed."""
    folder = project(tmp_path_factory.mktemp("mcp"), CONFIG)
    with Client(folder) as client:
        result = client.call("run")
    assert result["structuredContent"]["exit_code"] == 1
    return folder


@pytest.mark.slow
def test_each_tool_gives_the_bytes_of_its_command_and_keeps_to_its_schema(failed):
    """What a shell would show is what the client gets; the same as a value, as its schema says."""
    commands = {
        "list": ({}, ["list", "--json"]),
        "wait": ({}, ["wait", "--json"]),
        "report": (
            {"budget": 500, "since": "last"},
            ["report", "--format", "agent", "--budget", "500", "--since", "last"],
        ),
        "output": ({"check": "unit", "max_wait_s": 20}, ["tail", "--check", "unit"]),
        "explain": ({"check": "unit"}, ["explain", "--json", "unit"]),
        "evidence": ({}, ["evidence", "--json"]),
        "cancel": ({"run": "latest"}, ["cancel", "latest"]),
    }
    with Client(failed) as client:
        client.ask("tools/list")
        schemas = {t["name"]: t["outputSchema"] for t in client.read()["result"]["tools"]}
        for name, (arguments, argv) in commands.items():
            result = client.call(name, **arguments)
            assert result["isError"] is False
            jsonschema.validate(result["structuredContent"], schemas[name])
            shown = vibeguard(*argv, cwd=failed)
            texts = [part["text"] for part in result["content"]]
            assert texts == [text for text in (shown.stdout, shown.stderr) if text]
        status = client.call("status")["structuredContent"]
        jsonschema.validate(status, schemas["status"])
        published = json.loads((ROOT / "schemas/report.schema.json").read_text())
        jsonschema.validate(client.call("wait")["structuredContent"], published)


@pytest.mark.slow
def test_a_hostile_argument_is_a_name_that_does_not_exist(failed, tmp_path):
    """It reaches the command as data: no file is written, no other config is read."""
    out = tmp_path / "out"
    with Client(failed) as client:
        for name, said in (
            ("report", {"run": f"--output={out}"}),
            ("output", {"run": "latest", "check": "--help"}),
            ("cancel", {"run": "-c/dev/null"}),
        ):
            result = client.call(name, **said)
            assert result["isError"] is True
            assert "no run" in str(result) or "no check" in str(result)
    with Client(project(tmp_path / "p", CONFIG)) as client:
        result = client.call("run", checks=["--help", "--until", "check", f"--log-dir={out}"])
        errors = result["structuredContent"]["errors"]
        assert [error["message"][:25] for error in errors] == ['there is no check "--help']
    assert not out.exists()


def test_noise_on_the_line_ends_nothing(failed):
    """After each of it the server answers as before."""
    with Client(failed) as client:
        for noise in (b"nonsense", b"[1,2]", b"x" * (3 << 20), b"\xff\x00", b'{"jsonrpc":"2.0"}'):
            client.write(noise)
            assert client.read()["error"]["code"] in (-32700, -32600)
        client.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        client.write(b"")
        client.ask("nothing/such")
        assert client.read()["error"]["code"] == -32601
        assert client.call("status")["structuredContent"]["verdict"] == "failed"
        client.process.stdin.close()
        assert client.process.wait() == 0
        assert client.process.stderr.read() == b""


def test_an_older_client_is_served(failed):
    """The handshake of 2025-06-18, and no word of the newer era after it."""
    with Client(failed) as client:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t"}}
        client.ask("initialize", **hello, _meta={})
        assert client.read()["result"]["protocolVersion"] == "2025-06-18"
        client.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        client.ask("tools/call", name="status", arguments={}, _meta={})
        assert set(client.read()["result"]) == {"content", "structuredContent", "isError"}


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_a_long_check_holds_no_call_up(tmp_path):
    """Everything is in the run folder: the next server answers for the same run."""
    folder = project(tmp_path, LONG)
    with Client(folder) as client:
        run = client.call("run", max_wait_s=0)["structuredContent"]["run_id"]
        begun = folder / ".vibeguard" / "runs" / run / "output" / "long.1.log"
        wait_until(lambda: begun.exists() and begun.read_bytes() == b"begun\n")
        waiting = client.ask("tools/call", name="wait", arguments={"run": run, "max_wait_s": 600})
        status = client.ask("tools/call", name="status", arguments={"run": run})
        first = client.read()
        assert first["id"] == status != waiting
        os.kill(client.process.pid, signal.SIGKILL)
    with Client(folder) as client:
        looked = client.call("wait", run=run, max_wait_s=1)["structuredContent"]
        assert (looked["run_id"], looked["exit_code"], looked["state"]) == (run, 5, "running")
        output = client.call("output", run=run, check="long", max_wait_s=2)["structuredContent"]
        assert (output["text"], output["pending"], output["exit_code"]) == ("begun\n", True, 5)
        client.call("cancel", run=run)
        ended = client.call("wait", run=run)["structuredContent"]
        assert ended["verdict"] == "cancelled"


@pytest.mark.slow
def test_what_a_server_started_to_answer_ends_with_it_and_the_run_goes_on(tmp_path):
    """On SIGTERM the waiting command is ended; the run, which is nobody's child, is not.

    So it is where the client has blocked SIGTERM for itself.
    """
    folder = project(tmp_path, LONG)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with Client(folder) as client:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        client.ask("tools/call", name="run", arguments={"max_wait_s": 600})
        wait_until(lambda: any(folder.glob(".vibeguard/runs/*/output/long.1.log")))
        children = Path(f"/proc/{client.process.pid}/task/{client.process.pid}/children")
        if children.exists():
            threads = Path(f"/proc/{client.process.pid}/task").glob("*/children")
            front = " ".join(path.read_text() for path in threads).split()
            assert front
        else:
            front = []
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(60) == 143
        for pid in front:
            wait_until(lambda pid=pid: is_gone(int(pid)))
    status = json.loads(vibeguard("status", "--json", cwd=folder).stdout)
    assert status["state"] == "live"
    vibeguard("cancel", cwd=folder)
    assert "CANCELLED on request" in vibeguard("wait", "--max-wait=60s", cwd=folder).stderr


@pytest.mark.slow
def test_no_call_is_longer_than_asked(tmp_path):
    """By the server's own bound, with progress for who wants it, while the check goes on."""
    folder = project(tmp_path, LONG)
    with Client(folder) as client:
        client.call("run", max_wait_s=0)
        began = time.monotonic()
        meta = META | {"progressToken": "p"}
        client.ask(
            "tools/call", name="output", arguments={"check": "long", "max_wait_s": 6}, _meta=meta
        )
        progress = client.read()
        assert progress["method"] == "notifications/progress"
        assert progress["params"]["progressToken"] == "p"
        assert client.read()["result"]["structuredContent"]["pending"] is True
        assert time.monotonic() - began >= 5
        client.call("cancel", run="latest")
        client.call("wait")
