"""Faults that are put into a copy of the product, to see whether anybody notices."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which stands in the product once, becomes `new`.

    `history` is the number of a history that goes wrong with it. Where none can, `why` says so, and
    `test` names the test that goes red.
    """

    what: str
    old: str
    new: str
    history: int | None = None
    why: str = ""
    test: str = ""
