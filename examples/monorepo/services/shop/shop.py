"""The shop: an order in, an invoice out, over HTTP."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from invoices import document
from money import Money
from orders import Line, Order


def checkout(body: str) -> str:
    """The invoice for an order: {"lines": [[article, count, cents], ...], "instalments": n}."""
    wish = json.loads(body)
    lines = tuple(Line(article, count, Money(cents)) for article, count, cents in wish["lines"])
    return document(1, Order(lines).total(), instalments=wish.get("instalments", 1))


class Handler(BaseHTTPRequestHandler):
    """POST an order to any path."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        answer = checkout(self.rfile.read(length).decode()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def server(port: int = 0) -> ThreadingHTTPServer:
    """A server on the loopback address; port 0 lets the system choose."""
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    print(checkout(sys.stdin.read()))
