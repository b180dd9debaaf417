"""What a follower gives up when it has shown the end of a log."""

import os

import pytest

from tests.helpers.journals import open_journal
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.following import Following
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.outlets import Output
from vibeguard.system.journal.follow import Follower


def test_who_follows_no_more_watches_nothing(tmp_path):
    """A descriptor that is closed and still polled ends each turn at once: a busy loop."""
    journal = open_journal(tmp_path)
    follower, loop = Follower(journal.run_folder), Loop(Output())
    following = Following(loop, follower, shown=None)
    loop.watch(follower.fileno(), lambda: pytest.fail("nothing is watched any more"))
    following.close()
    loop.turn(monotonic_s())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(follower.fileno())
    journal.close()
