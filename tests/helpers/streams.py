"""Standard streams as a careless caller hands them on: `vibeguard(..., before=(MODULE, WAY, ...))`.

closed N...  these are not open at all; what Python makes of that at its start is None
gone         what reads the outputs has ended
"""

import os
import sys

NAMES = ("stdin", "stdout", "stderr")


def prepare(way: str, *numbers: str) -> None:
    """Close these, or put a pipe without a reader in the place of both outputs."""
    if way == "gone":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
    for number in map(int, numbers):
        getattr(sys, NAMES[number]).close()
        setattr(sys, NAMES[number], None)
