"""What a log is, from the file and its lock alone."""

import os
from pathlib import Path

import pytest

from tests.helpers.journals import open_journal, unsealed_events, write_run
from tests.helpers.logs import encode_log, every_event
from vibeguard.core.model.events import RunPaused, UnknownEvent
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal import reader
from vibeguard.system.journal.reader import open_state, read_log

LOG = encode_log(every_event())
LINES = LOG.splitlines(keepends=True)


def read(path):
    events = []
    return events, read_log(str(path), events.append)


@pytest.fixture
def log(tmp_path):
    """A sealed log whose writer has gone."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(LOG)
    return path


def test_a_sealed_log_is_complete(log):
    events, reading = read(log)
    assert len(events) == reading.events == reading.lines == len(LINES)
    assert (reading.status, reading.bytes) == (LogStatus.COMPLETE, len(LOG))
    assert reading.seal == events[-1]
    assert reading.problem is None


def test_a_run_folder_stands_for_its_log(log):
    assert read(log.parent)[1].status is LogStatus.COMPLETE


def test_a_log_is_live_while_its_writer_is_and_incomplete_afterwards(tmp_path):
    journal = write_run(open_journal(tmp_path))
    reading = read(journal.run_folder)[1]
    assert (reading.status, reading.writer_alive) == (LogStatus.LIVE, True)
    journal.close()
    reading = read(journal.run_folder)[1]
    assert (reading.status, reading.writer_alive) == (LogStatus.INCOMPLETE, False)
    assert reading.events == len(unsealed_events())


def test_a_copy_of_a_live_log_is_incomplete(tmp_path):
    journal = write_run(open_journal(tmp_path))
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(Path(journal.log_path).read_bytes())
    assert read(copy)[1].status is LogStatus.INCOMPLETE
    journal.close()


def test_where_locks_do_not_tell_an_unsealed_log_is_incomplete_with_unknown_writer(
    tmp_path, monkeypatch
):
    journal = write_run(open_journal(tmp_path))
    monkeypatch.setattr(reader, "writer_alive", lambda _fd: None)
    reading = read(journal.run_folder)[1]
    assert (reading.status, reading.writer_alive) == (LogStatus.INCOMPLETE, None)
    journal.close()


def test_a_writer_that_seals_and_goes_while_it_is_read_is_not_taken_for_dead(tmp_path, monkeypatch):
    """The lock is asked between two looks at the file, never after the last one."""
    journal = write_run(open_journal(tmp_path))
    alive = reader.writer_alive

    def end_first(fd):
        journal.seal()
        journal.close()
        return alive(fd)

    monkeypatch.setattr(reader, "writer_alive", end_first)
    events, reading = read(journal.run_folder)
    assert reading.status is LogStatus.COMPLETE
    assert reading.seal == events[-1]


def test_a_torn_last_line_is_dropped(log):
    log.write_bytes(LOG[:-20])
    events, reading = read(log)
    assert reading.status is LogStatus.INCOMPLETE
    assert len(events) == len(LINES) - 1
    assert reading.torn_bytes == len(LINES[-1]) - 20


def test_an_empty_log_is_incomplete(log):
    log.write_bytes(b"")
    assert read(log)[1].status is LogStatus.INCOMPLETE


def test_damage_says_where_and_what_could_be_trusted_before_it(log):
    log.write_bytes(b"".join(LINES[:5]) + b"\0\0\n" + b"".join(LINES[5:]))
    events, reading = read(log)
    assert reading.status is LogStatus.CORRUPT
    assert len(events) == reading.events == 5
    assert reading.bytes == sum(map(len, LINES[:5]))
    assert (reading.problem.byte, reading.problem.line) == (reading.bytes, 6)


def test_what_the_visitor_refuses_is_corrupt_at_that_event(log):
    seen = []

    def visit(event):
        if len(seen) == 7:
            raise LogCorrupt("no")
        seen.append(event)

    reading = read_log(str(log), visit)
    assert reading.status is LogStatus.CORRUPT
    assert (reading.problem.what, reading.problem.line) == ("no", 8)
    assert reading.problem.byte == sum(map(len, LINES[:7]))
    assert reading.events == 7


@pytest.mark.parametrize("chunk", [1, 100, 1 << 16])
def test_the_fold_of_a_log_is_its_state_whatever_the_chunks(log, monkeypatch, chunk):
    monkeypatch.setattr(reader, "CHUNK_BYTES", chunk)
    state, reading = open_state(str(log))
    assert reading.status is LogStatus.COMPLETE
    assert state.finished.exit_code == 143
    assert state.sealed == reading.seal


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("a gap", lambda lines: [*lines[:4], *lines[5:]], 5),
        ("a duplicate", lambda lines: [*lines[:5], lines[4], *lines[5:]], 6),
        ("two in the wrong order", lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5),
    ],
)
def test_seq_has_no_gap_no_duplicate_and_one_order(log, name, change, line):
    log.write_bytes(b"".join(change(LINES)))
    _, reading = open_state(str(log))
    assert reading.status is LogStatus.CORRUPT, name
    assert reading.problem.line == line
    assert "must follow" in reading.problem.what


def test_an_ignorable_event_of_a_later_schema_takes_a_number_and_changes_nothing(log):
    head = b"".join(LINES[:4])
    ignorable = b'{"type":"check.sung","seq":4,"t":1000000,"may_ignore":true}\n'
    log.write_bytes(head + ignorable)
    state, reading = open_state(str(log))
    assert reading.status is LogStatus.INCOMPLETE
    assert state.unknown_events == 1
    assert isinstance(read(log)[0][-1], UnknownEvent)


def test_an_unknown_event_that_may_not_be_ignored_is_damage(log):
    log.write_bytes(b"".join(LINES[:4]) + b'{"type":"check.sung","seq":4,"t":1000000}\n')
    reading = open_state(str(log))[1]
    assert reading.status is LogStatus.CORRUPT
    assert "'check.sung'" in reading.problem.what


def test_what_is_no_readable_file_is_corrupt_and_never_blocks(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("events.jsonl")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "fifo", "link", "empty"):
        events, reading = read(tmp_path / name)
        assert reading.status is LogStatus.CORRUPT, name
        assert (events, reading.events) == ([], 0)


def test_reading_leaves_no_descriptor_open(log):
    before = set(os.listdir("/proc/self/fd"))
    for content in (LOG, LOG[:-9], b"\0\n"):
        log.write_bytes(content)
        read(log)
    assert set(os.listdir("/proc/self/fd")) == before


def test_reading_changes_nothing_and_holds_up_no_writer(tmp_path):
    journal = write_run(open_journal(tmp_path))
    before = Path(journal.log_path).read_bytes()
    read(journal.run_folder)
    assert Path(journal.log_path).read_bytes() == before
    journal.append(RunPaused())
    assert journal.verify() == []
    journal.close()
