"""The process that outlives an audit."""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from vibeguard.system.audit.traced_attempt import guarded


def pipes_of(process: str) -> dict[str, int]:
    """The pipes that a process has open, each with a descriptor."""
    found = {}
    with suppress(OSError):  # it has ended, or is another user's
        for link in Path("/proc", process, "fd").iterdir():
            with suppress(FileNotFoundError):  # of the listing itself
                found[os.readlink(link)] = int(link.name)
    return {name: number for name, number in found.items() if name.startswith("pipe:")}


def test_a_guardian_that_was_killed_takes_no_audit_with_it():
    before = pipes_of("self")
    with guarded("a-run-of-no-check"):
        (pipe,) = pipes_of("self").keys() - before.keys()
        writer = pipes_of("self")[pipe]
        others = [each.name for each in Path("/proc").iterdir() if each.name.isdigit()]
        (guardian,) = (p for p in others if p != str(os.getpid()) and pipe in pipes_of(p))
        os.kill(int(guardian), signal.SIGKILL)
        broken = select.poll()
        broken.register(writer, 0)
        assert broken.poll(10_000) == [(writer, select.POLLERR)]
