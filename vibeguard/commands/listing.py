"""Lines in columns for `list`, `tags`, `prompt` and `runs`."""

from collections.abc import Sequence

from vibeguard.core.wording.layout import cells
from vibeguard.core.wording.sanitise import break_commands, sanitise


def columns(rows: Sequence[Sequence[str]], *, ci: bool) -> str:
    """The rows with every column as wide as its widest cell; foreign text is made harmless."""
    clean = [[sanitise(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*clean, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in clean
    ]
    text = "".join(f"{line}\n" for line in lines)
    return break_commands(text) if ci else text
