import unittest

from money import Money


class MoneyTest(unittest.TestCase):
    def test_shares_add_up_to_the_whole(self):
        for cents in range(-7, 50):
            for parts in range(1, 8):
                shares = Money(cents).share(parts)
                self.assertEqual(sum(share.cents for share in shares), cents)
                self.assertLessEqual(max(shares).cents - min(shares).cents, 1)

    def test_an_amount_is_written_with_two_decimals(self):
        self.assertEqual(str(Money(5)), "0.05")
        self.assertEqual(str(Money(-1230)), "-12.30")
