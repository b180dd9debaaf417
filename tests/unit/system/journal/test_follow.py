"""Following a log that is being written."""

import errno
import os
import select
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from tests.helpers.journals import open_journal, unsealed_events, write_run
from vibeguard.core.model.events import LogSealed, RunPaused
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.clock import monotonic_s
from vibeguard.system.journal import follow, notify, pace
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.pace import AT_ONCE
from vibeguard.system.journal.reader import read_log
from vibeguard.system.rundir.state_folder import state_folder

WRITER = """
import sys, time
from vibeguard.system.journal.writer import Journal
from tests.helpers.journals import unsealed_events
journal = Journal(sys.argv[1], now_ns=time.time_ns(), clock=time.monotonic_ns)
for event in unsealed_events()[:3]:
    journal.append(event)
print(journal.run_folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path):
    opened = open_journal(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def follower(journal):
    opened = Follower(journal.run_folder)
    assert opened.read() == []  # from here on it watches
    yield opened
    opened.close()


def readable(follower, seconds=5.0):
    return bool(select.select([follower.fileno()], [], [], seconds)[0])


def test_each_event_is_seen_once_when_it_has_been_written(journal, follower):
    for event in unsealed_events():
        assert follower.read() == []
        journal.append(event)
        assert readable(follower)
        assert follower.read() == [event]
    assert not follower.finished


def test_the_seal_ends_it(journal, follower):
    write_run(journal)
    seal = journal.seal()
    events = follower.read()
    assert isinstance(events[-1], LogSealed)
    assert follower.finished
    assert follower.seal == seal
    assert follower.read() == []
    assert follower.reading().status is LogStatus.COMPLETE


def test_a_late_follower_begins_at_the_beginning(journal):
    write_run(journal)
    late = Follower(journal.run_folder)
    assert late.read() == unsealed_stamped(journal)
    late.close()


def unsealed_stamped(journal):
    events = []
    read_log(journal.log_path, events.append)
    return events


def test_a_long_log_comes_in_bounded_portions(journal, monkeypatch):
    monkeypatch.setattr(follow, "CHUNK_BYTES", 500)
    write_run(journal)
    late = Follower(journal.run_folder)
    portions = []
    while events := late.read():
        portions.append(events)
    assert len(portions) > 5
    assert [event for portion in portions for event in portion] == unsealed_stamped(journal)
    late.close()


def test_half_a_line_is_no_event_until_the_other_half_has_come(journal, follower):
    line = b'{"type":"run.started"'
    os.write(journal._folder.log_fd, line)
    assert follower.read() == []
    assert follower.reading().torn_bytes == len(line)


def test_nothing_happens_when_nothing_happens(journal, follower):
    """The descriptor stays quiet, so that a waiting follower uses no CPU."""
    journal.append(unsealed_events()[0])
    follower.read()
    assert not readable(follower, 0)


def test_waiting_ends_with_a_write_and_is_bounded_without_one(journal, follower):
    follower.read()
    follower.wait(0.0)
    journal.append(unsealed_events()[0])
    follower.wait(60.0)
    assert len(follower.read()) == 1


def test_without_inotify_it_polls_more_often(journal, monkeypatch):
    monkeypatch.setattr(notify.sys, "platform", "darwin")
    polling = Follower(journal.run_folder)
    assert polling.fileno() is None
    assert polling.poll_s == follow.POLL_UNANNOUNCED_S < follow.POLL_S
    journal.append(unsealed_events()[0])
    polling.wait(1.0)
    assert len(polling.read()) == 1
    polling.close()


def test_what_is_short_is_followed_without_a_watch(journal):
    """Linux takes 15 ms to give one up: what a run of one quick check takes from plan to seal."""
    follower = Follower(journal.run_folder, unannounced_s=60.0)
    assert follower.read() == []
    assert follower.fileno() is None
    journal.append(unsealed_events()[0])
    follower.wait(1.0)
    assert len(follower.read()) == 1
    follower.close()


def test_what_was_written_before_there_was_a_watch_is_read_with_it(journal, monkeypatch):
    follower = Follower(journal.run_folder)

    def late(fd: int) -> int | None:
        journal.append(unsealed_events()[0])
        return notify.watch(fd)

    monkeypatch.setattr(follow, "watch", late)
    assert len(follower.read()) == 1
    assert follower.fileno() is not None
    follower.close()


def test_a_log_that_is_over_is_not_watched(journal):
    write_run(journal)
    journal.seal()
    follower = Follower(journal.run_folder)
    assert follower.read()
    assert follower.read() == []
    assert follower.fileno() is None
    follower.close()


def test_a_live_writer_is_not_gone(journal, follower):
    assert follower.writer_gone() is False
    assert follower.reading().status is LogStatus.LIVE


def test_the_writer_is_gone_only_when_all_it_wrote_has_been_read(journal, follower):
    write_run(journal)
    journal.close()
    assert follower.writer_gone() is False
    assert follower.read()
    assert follower.writer_gone() is True
    assert follower.reading().status is LogStatus.INCOMPLETE


def test_where_locks_do_not_tell_nobody_knows(journal, follower, monkeypatch):
    monkeypatch.setattr(follow, "writer_alive", lambda _fd: None)
    assert follower.writer_gone() is None


@pytest.mark.slow
def test_a_killed_writer_wakes_its_followers(tmp_path):
    command = [
        sys.executable,
        "-c",
        WRITER,
        state_folder(str(tmp_path / ".vibeguard"), create=True),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        following = Follower(process.stdout.readline().decode().strip())
        assert len(following.read()) == 3
        assert following.read() == []
        assert following.writer_gone() is False
        process.kill()
        assert readable(following)
        process.wait()
        assert following.read() == []
        assert following.writer_gone() is True
        following.close()


def truncated(path):
    os.truncate(path, 30)


def deleted(path):
    os.unlink(path)


def replaced(path):
    path.with_name("new").write_bytes(path.read_bytes())
    os.replace(path.with_name("new"), path)


@pytest.mark.parametrize(
    ("deed", "words"), [(truncated, "cut"), (deleted, "deleted"), (replaced, "replaced")]
)
def test_a_log_that_is_cut_deleted_or_replaced_is_corrupt(journal, follower, deed, words):
    write_run(journal)
    events = follower.read()
    deed(Path(journal.log_path))
    assert readable(follower)
    for _ in range(2):
        with pytest.raises(LogCorrupt, match=words):
            follower.read()
    reading = follower.reading()
    assert (reading.status, reading.events) == (LogStatus.CORRUPT, len(events))


@pytest.mark.parametrize("call", ["fstat", "lstat", "pread"])
def test_a_log_that_its_disk_does_not_show_is_not_called_deleted(
    journal, follower, call, monkeypatch
):
    write_run(journal)
    follower.read()
    failing = Mock(side_effect=OSError(errno.EIO, os.strerror(errno.EIO)))
    monkeypatch.setattr(follow, "os", SimpleNamespace(**{**vars(os), call: failing}))
    with pytest.raises(LogCorrupt, match="the log cannot be read: Input/output error"):
        follower.read()


def test_events_that_came_before_the_damage_are_given_first(journal, follower):
    write_run(journal)
    with Path(journal.log_path).open("ab") as file:
        file.write(b"damage\n")
    assert len(follower.read()) == journal.events
    with pytest.raises(LogCorrupt, match="not one JSON object"):
        follower.read()


def test_events_that_came_before_a_deletion_are_given_first(journal, follower):
    write_run(journal)
    os.unlink(journal.log_path)
    assert len(follower.read()) == journal.events
    with pytest.raises(LogCorrupt, match="deleted"):
        follower.read()


def test_a_finished_run_may_be_pruned_while_it_is_followed(journal, follower):
    write_run(journal)
    journal.seal()
    os.unlink(journal.log_path)
    assert follower.read()
    assert follower.read() == []


def test_fifty_followers_do_not_disturb_the_writer_or_one_another(journal):
    followers = [Follower(journal.run_folder) for _ in range(50)]
    write_run(journal)
    seal = journal.seal()
    assert {len(follower.read()) for follower in followers} == {journal.events}
    assert {follower.seal.sha256 for follower in followers} == {seal.sha256}
    assert journal.verify() == []
    for follower in followers:
        follower.close()


def test_closing_leaves_no_descriptor(journal):
    before = set(os.listdir("/proc/self/fd"))
    Follower(journal.run_folder).close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_there_must_be_a_log(tmp_path):
    with pytest.raises(LogCorrupt, match="cannot be opened"):
        Follower(str(tmp_path / "none"))


def test_a_busy_log_is_not_listened_to_all_the_time(journal, follower, monkeypatch):
    """Who sleeps on the log is woken at the writer's expense; the last change is still seen."""
    moment = monotonic_s() + 0.1
    monkeypatch.setattr(pace, "monotonic_s", lambda: moment)
    for event in [unsealed_events()[0], *(RunPaused() for _ in range(AT_ONCE))]:
        journal.append(event)
        assert follower.read() == [event]
    assert follower.next_look() > moment
    last = RunPaused()
    journal.append(last)
    follower.wait(5.0)
    assert monotonic_s() >= follower.next_look()
    assert follower.read() == [last]
