"""`vibeguard mcp` behind a loopback HTTP server, for the conformance suite, which speaks HTTP only.

Every message goes to the real process and its answer comes back; what is of HTTP (status codes) is
this file's, and no subject of ours. So are the tools that the suite would call: they stand for tools of
ours that do what it wants of them.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.helpers.command import environment

# One that answers at once, and one that takes a while.
STAND_INS: dict[str, tuple[str, dict[str, int]]] = {
    "greet": ("list", {}),
    "slow_compute": ("run", {"max_wait_s": 0}),
}


class Bridge(BaseHTTPRequestHandler):
    """A message a request; one at a time, since each waits for the line that answers it."""

    protocol_version = "HTTP/1.1"
    process: subprocess.Popen[bytes]
    lock: threading.Lock

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            message = json.loads(body)
        except ValueError:
            message = {"id": None}
        if isinstance(message, dict) and "id" not in message:
            self._write(body)
            self._send(202, b"")
            return
        with self.lock:
            self._write(_ours(message, body))
            answer = self._answer()
        code = answer.get("error", {}).get("code")
        status = 200 if code is None else 404 if code == -32601 else 400
        self._send(status, json.dumps(answer).encode())

    def do_GET(self) -> None:
        self._send(405, b"")

    def log_request(self, *_: object) -> None:
        """Nothing is said."""

    def _write(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(body.replace(b"\n", b" ") + b"\n")
        self.process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = {}
        while "id" not in answer:  # progress is passed over
            answer = json.loads(self.process.stdout.readline())
        return answer

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _ours(message: object, body: bytes) -> bytes:
    """The message with a tool of ours where the suite names one of its own."""
    params = message.get("params") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(params, dict):
        return body
    if params.get("name") not in STAND_INS:
        return body
    name, arguments = STAND_INS[params["name"]]
    return json.dumps(
        {**message, "params": {**params, "name": name, "arguments": arguments}}
    ).encode()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a server of its own for the project in this folder."""
    argv = [sys.executable, "-m", "vibeguard", "mcp"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=folder, env=environment(), stdin=pipe, stdout=pipe) as process:
        handler = type("Handler", (Bridge,), {"process": process, "lock": threading.Lock()})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
            finally:
                server.shutdown()
                process.kill()
