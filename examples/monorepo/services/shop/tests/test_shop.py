import json
import unittest

from shop import checkout


class CheckoutTest(unittest.TestCase):
    def test_an_order_becomes_an_invoice(self):
        order = {"lines": [["tea", 2, 250], ["cup", 1, 999]], "instalments": 2}
        self.assertEqual(
            json.loads(checkout(json.dumps(order))),
            {"number": 1, "total": "14.99", "instalments": ["7.50", "7.49"]},
        )
