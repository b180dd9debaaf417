"""The language of `assert`: comparisons, arithmetic and logic over the values that grok extracted.

    text     = or
    or       = and ("||" and)*
    and      = compare ("&&" compare)*
    compare  = sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)*
    sum      = product (("+" | "-") product)*
    product  = unary (("*" | "/") unary)*
    unary    = ("!" | "-")* (number | "text" | 'text' | true | false | name | "(" or ")")

A name is a field that grok extracts: letters, digits and underscores, with dots between (`a.b`).
Everything is a text; one that reads as a number compares as a number, all else as text. `&&` and
`||` look at their right side only if they must.
"""

from collections.abc import Mapping
from functools import lru_cache

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.expression.evaluation import BadValue, MissingName, evaluate
from vibeguard.core.lang.expression.parser import parse
from vibeguard.core.lang.expression.syntax import ORDERINGS, Chain, Name, Node, walk

__all__ = ["BadValue", "Expression", "MissingName", "parse_expression"]


class Expression:
    """A parsed expression. `names` are the fields that it mentions, needed or not."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        self.names = frozenset(node.name for node in walk(root) if isinstance(node, Name))

    @property
    def doubts(self) -> tuple[LanguageError, ...]:
        """What is allowed but hardly meant: `1 < x < 5` compares the word true or false with 5."""
        return tuple(
            LanguageError(
                "a comparison of a comparison's answer, which is the text true or false",
                "compare twice: 1 < x && x < 5",
                node.rest[1].offset,
            )
            for node in walk(self.root)
            if isinstance(node, Chain)
            and len(node.rest) > 1
            and any(link.operator in ORDERINGS for link in node.rest[1:])
        )

    def evaluate(self, values: Mapping[str, str]) -> bool:
        """Return whether the expression holds for the extracted values.

        Raises `MissingName` for a name that has no value and whose value is needed, and `BadValue`
        for arithmetic with a text and for division by zero.
        """
        return evaluate(self.root, values)


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Expression:
    """Parse an expression, or raise `LanguageError` with the offset of the mistake."""
    return Expression(text, parse(text))
