"""A server that webhooks are sent to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """A server that answers with these codes, one after the other, the last one for ever."""

    def __init__(self, answers: list[int]) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((headers, body))
                receiver.go_on.wait(60)
                code = answers[min(len(receiver.requests), len(answers)) - 1]
                self.send_response(code)
                if code == 302:
                    self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    made = Receiver(list(answers))
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.go_on.set()
        made.server.shutdown()
        thread.join()
        made.server.server_close()
