"""Folders as checks can make them."""

import os
from pathlib import Path


def deep_folder(top: Path, name: str, levels: int = 1200) -> None:
    """A new folder at `top`, with so many in each other in it: deeper than Python calls.

    In each lies a file `file`. The test runner's own cleaning gives up there.
    """
    top.mkdir()
    there = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=there)
        there, above = os.open(name, os.O_RDONLY, dir_fd=there), there
        os.close(os.open("file", os.O_CREAT, dir_fd=there))
        os.close(above)
    os.close(there)
