"""Faults that are put into a copy of the product, to see whether anybody notices."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """`old`, which is there once, becomes `new` in `file` (below vibeguard/).

    `history` is the number of a history that goes wrong with it. Where none can, `why` says so, and
    `test` names the test that goes red.
    """

    what: str
    file: str
    old: str
    new: str
    history: int | None = None
    why: str = ""
    test: str = ""


PROCESS, EXECUTORS, SUPERVISOR, JOURNAL, REUSE, CORE = (
    "system/process/", "system/executors/", "system/supervisor/", "system/journal/",
    "system/reuse/", "core/",
)  # fmt: skip
