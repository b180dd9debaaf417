"""Orders: what is bought, how many, at which price."""

from dataclasses import dataclass

from money import Money


@dataclass(frozen=True)
class Line:
    """One article of an order."""

    article: str
    count: int
    price: Money

    def total(self) -> Money:
        return self.price * self.count


@dataclass(frozen=True)
class Order:
    """An order is its lines."""

    lines: tuple[Line, ...]

    def total(self) -> Money:
        return sum((line.total() for line in self.lines), Money(0))
