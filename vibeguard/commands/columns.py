"""Lines in columns for `list`, `tags`, `prompt` and `runs`.

Listings are neither a report nor progress but what was asked for: data, on stdout, for pipes.
"""

from collections.abc import Sequence

from vibeguard.core.wording.layout import cells
from vibeguard.core.wording.sanitise import sanitise


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with every column as wide as its widest cell; every cell is made harmless."""
    clean = [[sanitise(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*clean, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in clean
    ]
