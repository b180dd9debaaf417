"""A real control group, where one can be made: what is in it has a limit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.helpers.waiting import wait_until

_TOP = Path("/sys/fs/cgroup")
# By controller, the file of its limit in version 1 and in version 2 (cgroups(7)).
_LIMITS = {
    "pids": ("pids.max", "pids.max"),
    "memory": ("memory.limit_in_bytes", "memory.max"),
}


@contextmanager
def limited(controller: str, limit: str) -> Iterator[tuple[tuple[str, ...], Path]]:
    """The words before a command that is to be in it, and the file of its limit; skips loudly."""
    old = _TOP / controller
    parent, name = (old, 0) if old.is_dir() else (_TOP, 1)
    group = parent / f"vibeguard-tests-{os.getpid()}"
    try:
        group.mkdir()
        (group / _LIMITS[controller][name]).write_text(limit)
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"NOT TRIED HERE: a control group for {controller}: {error}")
    enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
    try:
        yield ("sh", "-c", enter, "sh"), group / _LIMITS[controller][name]
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "the control group is empty")
        group.rmdir()
