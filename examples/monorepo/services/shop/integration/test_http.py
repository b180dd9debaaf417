"""The shop as its customers meet it: over a socket, many at once."""

import json
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

from shop import server


class HttpTest(unittest.TestCase):
    def setUp(self):
        self.server = server()
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def buy(self, count):
        order = json.dumps({"lines": [["tea", count, 250]]}).encode()
        url = f"http://127.0.0.1:{self.server.server_port}/"
        with urlopen(Request(url, data=order), timeout=30) as answer:
            return json.load(answer)["total"]

    def test_everybody_gets_their_own_invoice(self):
        with ThreadPoolExecutor(8) as customers:
            totals = list(customers.map(self.buy, range(1, 41)))
        self.assertEqual(totals, [f"{count * 250 // 100}.{count * 250 % 100:02d}" for count in range(1, 41)])
