"""Standard streams as a careless caller hands them on: `vibeguard(..., before=(MODULE, WAY, ...))`.

closed N...  these are not open at all; what Python makes of that at its start is None
gone         what reads the outputs has ended
full N...    no space is left on the device behind these
"""

import os
import sys

NAMES = ("stdin", "stdout", "stderr")


def prepare(way: str, *numbers: str) -> None:
    """Close these, give them a full device, or put a pipe without a reader behind both outputs."""
    if way == "gone":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
    for number in map(int, numbers):
        if way == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), number)
            continue
        getattr(sys, NAMES[number]).close()
        setattr(sys, NAMES[number], None)
