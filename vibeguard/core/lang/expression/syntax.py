"""The tree of an assert expression.

Operators of one rank stand side by side in a `Chain`, evaluated from the left, so that the depth of
a tree is bounded by its parentheses and not by its length.
"""

from collections.abc import Iterator

from msgspec import Struct

ORDERINGS = frozenset({"<", "<=", ">", ">="})


class Literal(Struct, frozen=True):
    """A number, a quoted text, or one of the words true and false, as text."""

    text: str


class Name(Struct, frozen=True):
    """A field that grok extracts."""

    name: str
    offset: int


class Unary(Struct, frozen=True):
    """`!` and `-` before an operand, as written: the last one is applied first."""

    operators: str
    operand: "Node"
    offset: int


class Link(Struct, frozen=True):
    """One operator of a chain and what stands to the right of it."""

    operator: str
    operand: "Node"
    offset: int


class Chain(Struct, frozen=True):
    """Operands joined by operators of one rank."""

    first: "Node"
    rest: tuple[Link, ...]


Node = Literal | Name | Unary | Chain


def walk(root: Node) -> Iterator[Node]:
    """Yield the nodes of a tree in the order of the text."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Unary):
            waiting.append(node.operand)
        elif isinstance(node, Chain):
            waiting.extend(link.operand for link in reversed(node.rest))
            waiting.append(node.first)
