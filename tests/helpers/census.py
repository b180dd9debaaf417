"""Who is still there: the processes below this one, however they hid, and what carries a token.

The test process becomes a subreaper, so nothing that a test starts can leave its tree: what loses
its parent becomes a child of the test process. A token in command lines finds the rest.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.helpers import forking
from vibeguard.system.process import hang, proc, process_tree
from vibeguard.system.process.exits import reap
from vibeguard.system.process.proc import Identity

PATIENCE_S = 30.0  # only a hang takes as long


def below_us() -> set[Identity]:
    """Every process below this one, zombies too; the servers of `forking` apart."""
    found = process_tree.with_descendants(process_tree.own_children())
    servers = {server.pid for server in forking.servers().values()}
    return {identity for identity in found if identity.pid not in servers}


def open_here() -> set[str]:
    """The descriptors of this process; those to the servers of `forking` apart."""
    to_servers = {str(server.life.fileno()) for server in forking.servers().values()}
    return set(os.listdir("/proc/self/fd")) - to_servers


def with_token(token: str) -> list[str]:
    """The command lines, of anybody's processes, that hold the token."""
    found = []
    for pid in proc.all_pids():
        stat = proc.stat_of(pid)
        if stat is not None and pid != os.getpid() and token in proc.command_of(stat):
            found.append(f"{pid} {proc.command_of(stat)}")
    return found


def shown(identities: set[Identity]) -> list[str]:
    """Words for a failing test."""
    reports = []
    for identity in identities:
        stat = proc.stat_of(identity.pid)
        if stat is not None and stat.identity == identity:
            reports.append(str(hang.brief_report(stat)))
    return reports


@contextmanager
def nothing_left_behind(*, token: str = "", reap_adopted: bool = False) -> Iterator[None]:
    """Assert that no process is left at the end which was not there at the beginning.

    `reap_adopted` reaps orphans that came to the test process dead, as an init would: needed when
    the program under test is a child of the test and has ended before its own orphans were reaped.
    """
    process_tree.become_subreaper()
    before = below_us()
    descriptors = open_here()
    yield
    left = _left(before, reap_adopted=reap_adopted)
    assert left == [], f"left behind: {left}"
    if token:
        assert with_token(token) == []
    now = open_here()
    assert len(now) <= len(descriptors), f"descriptors left open: {now - descriptors}"


def _left(before: set[Identity], *, reap_adopted: bool) -> list[str]:
    """What is there now and was not; a process that is exiting gets a moment to do so."""
    give_up = time.monotonic() + (PATIENCE_S if reap_adopted else 0)
    while True:
        if reap_adopted:
            for pid in process_tree.own_children():
                stat = proc.stat_of(pid)
                if stat is not None and stat.is_dead and stat.identity not in before:
                    reap(pid)
        left = below_us() - before
        if not left or time.monotonic() >= give_up:
            return shown(left)
        time.sleep(0.005)
