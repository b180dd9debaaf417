"""A writer that is SIGKILLed at any moment leaves a log that says so, and everything it wrote."""

import os
import signal
import time

import pytest

from tests.helpers.journals import open_journal, unsealed_events
from vibeguard.core.model.events import CheckSlow
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import read_log

KILLS = 50


def write_for_ever(parent, started: int) -> None:
    """The child: a log that never ends, as fast as it can be written."""
    journal = open_journal(parent, now_ns=time.time_ns())
    journal.append(unsealed_events()[0])
    os.write(started, journal.run_folder.encode())
    while True:
        journal.append(CheckSlow(check="x" * (journal.events % 997), attempt=1, elapsed_ns=1))


def killed_writer(parent, after_events: int) -> tuple[str, int]:
    """Fork a writer, kill it once so many events were seen; its run folder, and how many were."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(parent, writing)
        finally:
            os._exit(1)
    os.close(writing)
    folder = os.read(reading, 4096).decode()
    os.close(reading)
    follower = Follower(folder)
    seen = 0
    while seen < after_events:
        seen += len(follower.read())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    follower.close()
    return folder, seen


@pytest.mark.slow
def test_a_killed_writer_leaves_an_incomplete_log_with_all_it_wrote(tmp_path):
    for number in range(KILLS):
        folder, seen = killed_writer(tmp_path, 1 + 37 * number)
        events = []
        reading = read_log(folder, events.append)
        assert reading.status is LogStatus.INCOMPLETE
        assert reading.writer_alive is False
        assert [event.seq for event in events] == list(range(len(events)))
        assert len(events) >= seen
