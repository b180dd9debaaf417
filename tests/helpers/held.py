"""Checks that a test holds: each reads a line from the fifo `fifo` of its folder."""

import os
from pathlib import Path

from tests.helpers.waiting import wait_until


def release(folder: Path, line: bytes = b"go on\n") -> None:
    """Let the held check go on. A check that never comes to read is a failure, not a hang."""

    def has_read() -> bool:
        try:
            fifo = os.open(folder / "fifo", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads
            return False
        os.write(fifo, line)
        os.close(fifo)
        return True

    wait_until(has_read, "the held check never came to read")
