"""How long an attempt to tell an address may take."""

import socket
import threading
import time

from vibeguard.system.notifying import webhook
from vibeguard.system.notifying.notify_job import NotifyJob


def drip(server: socket.socket, over: threading.Event) -> None:
    """Answer in the end, and never be silent for long."""
    taken, _ = server.accept()
    with taken:
        taken.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(200):
            if not over.is_set():
                time.sleep(0.01)
                taken.sendall(b"x")
        taken.sendall(b": y\r\n\r\n")


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(tmp_path, monkeypatch):
    key = tmp_path / "key"
    key.write_bytes(b"k" * 40)
    key.chmod(0o600)
    monkeypatch.setenv(webhook.KEY_VARIABLE, str(key))
    monkeypatch.setattr(webhook, "ANSWER_S", 0.3)
    monkeypatch.setattr(webhook, "PAUSES_S", ())
    over = threading.Event()
    job = NotifyJob((), "run", b"", b"", {}, b"{}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server, over))
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        told = webhook.tell_webhook(job, address, 0)
        over.set()
        thread.join()
    assert told == (1, "timed out")
