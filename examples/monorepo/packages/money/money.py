"""Amounts of money: integers of the smallest unit, so that nothing is ever lost to rounding."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Money:
    """An amount in cents."""

    cents: int

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)

    def __mul__(self, count: int) -> "Money":
        return Money(self.cents * count)

    def share(self, parts: int) -> list["Money"]:
        """The amount in `parts` shares that differ by a cent at most and add up to the whole."""
        base, rest = divmod(self.cents, parts)
        return [Money(base + (index < rest)) for index in range(parts)]

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // 100}.{abs(self.cents) % 100:02d}"
