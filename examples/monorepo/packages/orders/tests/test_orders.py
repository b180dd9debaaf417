import unittest

from money import Money
from orders import Line, Order


class OrderTest(unittest.TestCase):
    def test_an_order_costs_what_its_lines_cost(self):
        order = Order((Line("tea", 3, Money(250)), Line("cup", 1, Money(999))))
        self.assertEqual(order.total(), Money(1749))

    def test_an_empty_order_costs_nothing(self):
        self.assertEqual(Order(()).total(), Money(0))
