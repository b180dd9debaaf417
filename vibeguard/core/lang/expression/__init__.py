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

from vibeguard.core.lang.expression.evaluation import BadValue, MissingName, truth
from vibeguard.core.lang.expression.parser import Parser, tokenize

__all__ = ["BadValue", "Expression", "MissingName", "parse_expression"]


class Expression:
    """A parsed expression. `names` are the fields that it mentions, needed or not."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        parser = Parser(self._tokens)
        parser.parse()
        self.names = frozenset(parser.names)

    def evaluate(self, values: Mapping[str, str]) -> bool:
        """Return whether the expression holds for the extracted values.

        Raises `MissingName` for a name that has no value and whose value is needed, and `BadValue`
        for arithmetic with a text and for division by zero.
        """
        return truth(Parser(self._tokens, values).parse())


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Expression:
    """Parse an expression, or raise `LanguageError` with the offset of the mistake."""
    return Expression(text)
