"""Whoever is signalled is the one who is meant, and a tree is stopped until nothing new is found in it."""

import errno
import os
import signal
import subprocess

import pytest

from vibeguard.system.process.process_tree import Identity, freeze, send


def test_what_falls_to_us_while_a_tree_is_being_stopped_is_stopped_too() -> None:
    """An orphan is a root of its own, which the look before could not show."""
    with (
        subprocess.Popen(("sleep", "100")) as leader,
        subprocess.Popen(("sleep", "100")) as orphan,
    ):
        looks = iter([[leader.pid]])
        stopped = freeze(lambda: next(looks, [leader.pid, orphan.pid]))
        for process in (leader, orphan):
            process.kill()
    assert {identity.pid for identity in stopped} == {leader.pid, orphan.pid}


@pytest.mark.parametrize("has_descriptors", [True, False])
def test_a_number_that_was_given_again_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, has_descriptors: bool
) -> None:
    def refuse(_: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    if not has_descriptors:
        monkeypatch.setattr(os, "pidfd_open", refuse)
    with subprocess.Popen(("sleep", "100")) as somebody_else:
        before = Identity(somebody_else.pid, 0)
        assert not send(before, signal.SIGTERM)
        somebody_else.kill()
    assert somebody_else.returncode == -signal.SIGKILL
