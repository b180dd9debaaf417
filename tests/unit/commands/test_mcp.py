"""The server of `vibeguard mcp` where the system has nothing to give."""

import errno
import io
import json
import threading

from vibeguard.commands import mcp


def line(request_id: int, method: str, **params: object) -> bytes:
    said = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(said).encode()


def test_a_call_for_which_no_file_can_be_had_is_answered(monkeypatch):
    def refuse():
        raise OSError(errno.ENOSPC, "No space left on device")

    output = io.BytesIO()
    server = mcp.Server(["false"], output)
    monkeypatch.setattr(mcp.tempfile, "TemporaryFile", refuse)
    server.take(line(1, "initialize", protocolVersion="2025-06-18"))
    server.take(line(2, "tools/call", name="list"))
    for thread in threading.enumerate():
        if thread.name == "call 2":
            thread.join()
    answer = json.loads(output.getvalue().splitlines()[-1])
    assert (answer["id"], answer["result"]["isError"]) == (2, True)
    assert "cannot be started: No space left" in answer["result"]["content"][0]["text"]
