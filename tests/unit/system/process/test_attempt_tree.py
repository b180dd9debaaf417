"""The processes of one attempt, which may change while one looks at them."""

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from vibeguard.system.process.attempt_tree import AttemptTree
from vibeguard.system.process.orphans import Claim, Mark, Orphans
from vibeguard.system.process.process_tree import stat_of


@pytest.fixture
def claim() -> Iterator[Claim]:
    reading, writing = os.pipe()
    try:
        yield Claim(leader=-1, mark=Mark(b"", b"", b""), pipe=reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_an_orphan_that_dies_after_it_was_found_does_not_hide_its_child(claim: Claim) -> None:
    """Found alive and dead a moment later, while what it forked became ours: that is looked for."""
    dead = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    alive = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    found = iter([[stat_of(dead)], [stat_of(alive)]])
    tree = AttemptTree(claim, cast(Orphans, SimpleNamespace(of=lambda _: next(found))))
    tree.leader_gone = True
    try:
        assert [report.pid for report in tree.reports()] == [alive]
    finally:
        os.kill(alive, 9)
        for pid in (alive, dead):
            os.waitpid(pid, 0)


def test_what_forks_and_dies_for_ever_counts_as_alive(claim: Claim) -> None:
    dead = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    tree = AttemptTree(claim, cast(Orphans, SimpleNamespace(of=lambda _: [stat_of(dead)])))
    tree.leader_gone = True
    try:
        assert [report.pid for report in tree.reports()] == [dead]
    finally:
        os.waitpid(dead, 0)
