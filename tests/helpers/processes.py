"""What a process of somebody else's is doing, as /proc tells it (proc(5))."""

import os
from contextlib import suppress
from pathlib import Path

from vibeguard.system.process import proc


def is_running(pid: int) -> bool:
    """Whether it runs. A zombie does not: it is a number that its parent has yet to collect."""
    stat = proc.stat_of(pid)
    return stat is not None and not stat.is_dead


def descendants(pid: int) -> list[int]:
    """What it started and what those started, parents before their children."""
    return [each for child in proc.children_of(pid) for each in (child, *descendants(child))]


def opened_by(pid: int) -> set[str]:
    """What its descriptors are."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(descriptor))
    return found


def catches(pid: int, number: int) -> bool:
    """Whether it has a handler of its own for this signal; False once it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)
