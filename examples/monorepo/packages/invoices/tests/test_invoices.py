import json
import unittest

from invoices import document
from money import Money


class InvoiceTest(unittest.TestCase):
    def test_instalments_add_up_to_the_total(self):
        paper = json.loads(document(7, Money(1000), instalments=3))
        self.assertEqual(paper["instalments"], ["3.34", "3.33", "3.33"])

    def test_an_invoice_carries_its_number(self):
        self.assertEqual(json.loads(document(7, Money(1)))["number"], 7)
