"""What a follower gives up when it has shown the end of a log."""

import os
from unittest.mock import Mock

import pytest

from tests.helpers.journals import open_journal, unsealed_events
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.following import Following
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import make_view
from vibeguard.system.journal import pace
from vibeguard.system.journal.follow import Follower


def test_who_follows_no_more_watches_nothing(tmp_path):
    """A descriptor that is closed and still polled ends each turn at once: a busy loop."""
    journal = open_journal(tmp_path)
    follower, loop = Follower(journal.run_folder), Loop(Output())
    following = Following(loop, follower, shown=None)
    assert follower.read() == []
    loop.watch(follower.fileno(), lambda: pytest.fail("nothing is watched any more"))
    following.close()
    loop.turn(monotonic_s())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(follower.fileno())
    journal.close()


def test_a_busy_log_without_a_watch_is_looked_at_no_more_often_than_with_one(tmp_path, monkeypatch):
    journal = open_journal(tmp_path)
    moment = monotonic_s() + 1.0
    monkeypatch.setattr(pace, "monotonic_s", lambda: moment)
    shown = make_view("text", format_options(run_folder=""), Output(), live=False)
    follower = Follower(journal.run_folder, at_once=0, unannounced_s=60.0)
    ends: list[float] = []
    following = Following(Mock(turn=ends.append), follower, shown)
    journal.append(unsealed_events()[0])
    following.turn()
    following.turn()
    assert ends[-1] == follower.next_look()
    following.close()
    journal.close()
