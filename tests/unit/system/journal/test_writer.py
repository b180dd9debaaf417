"""The one writer: stamping, one write an event, failures after which nothing follows."""

import errno
import hashlib
import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.helpers.journals import TICK_NS, open_journal, unsealed_events, write_run
from vibeguard.core.eventlog import single_line
from vibeguard.core.model.events import LogSealed, RunPaused, RunStarted
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogAltered, LogWriteError
from vibeguard.system.journal import writer
from vibeguard.system.journal.reader import open_state, read_log
from vibeguard.system.rundir.ids import run_ids
from vibeguard.system.rundir.state_folder import state_folder


def read(folder):
    events = []
    return events, read_log(folder, events.append)


@pytest.fixture
def journal(tmp_path):
    opened = open_journal(tmp_path)
    yield opened
    opened.close()


def test_events_are_numbered_and_dated_by_the_journal(journal):
    for _ in range(3):
        journal.append(RunPaused())
    assert Path(journal.log_path).read_text().splitlines() == [
        f'{{"type":"run.paused","seq":{n},"t":{TICK_NS * n}}}' for n in range(3)
    ]


def test_an_event_that_is_stamped_already_must_be_the_next(journal):
    journal.append(RunPaused(seq=0, t=5))
    with pytest.raises(LogWriteError, match="event 2 where 1 must follow"):
        journal.append(RunPaused(seq=2, t=6))
    assert journal.events == 1


def cut(log, away):
    os.truncate(log, 3)


def overwrite_in_place(log, away):
    """And put back what can be: all but the change time."""
    before = os.stat(log)
    while Path(away).touch() or os.stat(away).st_ctime_ns == before.st_ctime_ns:
        pass  # before Linux 6.13 what happens in one tick of the clock has one time
    os.unlink(away)
    with open(log, "r+b") as file:
        file.write(b"[")
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove(log, away):
    os.rename(log, away)


def replace_by_a_copy(log, away):
    os.rename(log, away)
    shutil.copyfile(away, log)


def lead_to_it(log, away):
    os.rename(log, away)
    os.symlink(away, log)


def replace_its_folder(log, away):
    folder = os.path.dirname(log)
    os.rename(folder, away)
    shutil.copytree(away, folder)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (cut, "cuts it"),
        (overwrite_in_place, "not those that were written"),
        (remove, "is gone"),
        (replace_by_a_copy, "replaced by another"),
        (lead_to_it, "by a symbolic link"),
        (replace_its_folder, "replaced by another"),
    ],
)
def test_what_was_done_to_the_log_is_found_at_the_next_write(journal, tmp_path, deed, said):
    """And stays found: who puts everything back afterwards is too late."""
    journal.append(RunPaused())
    away = str(tmp_path / "away")
    deed(journal.log_path, away)
    with pytest.raises(LogAltered, match=said):
        journal.append(RunPaused())
    if os.path.isfile(away):
        os.replace(away, journal.log_path)
    with pytest.raises(LogAltered, match=said):
        journal.append(RunPaused())


def test_who_only_touches_the_log_has_changed_nothing(journal, monkeypatch):
    """However long it is: the file system may move that time by itself, write by write."""
    read = []
    look = writer.altered_log
    monkeypatch.setattr(writer, "altered_log", lambda *log: read.append(log) or look(*log))
    monkeypatch.setattr(writer, "_MOST_REREAD_BYTES", 100)
    for _ in range(9):
        journal.append(RunPaused())
        os.utime(journal.log_path, ns=(0, len(read)))
    assert sum(size for _, size, _ in read[:-1]) <= 100
    assert journal.verify() == []


def test_each_event_is_one_write_that_readers_see_at_once(journal, monkeypatch):
    written = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(fd) or write(fd, data))
    for number, event in enumerate(unsealed_events(), 1):
        journal.append(event)
        assert written.count(journal._folder.log_fd) == number
        assert os.stat(journal.log_path).st_size == journal.bytes


def test_a_sealed_log_reads_back_complete_and_says_what_was_written(tmp_path, journal):
    write_run(journal)
    assert read(journal.run_folder)[1].status is LogStatus.LIVE
    seal = journal.seal()
    assert journal.verify() == []
    journal.close()
    events, reading = read(journal.run_folder)
    assert reading.status is LogStatus.COMPLETE
    assert isinstance(seal, LogSealed)
    assert reading.seal == seal == events[-1]
    content = Path(journal.log_path).read_bytes()
    assert seal.bytes == content.rindex(b'{"type":"log.sealed"')
    assert (
        seal.sha256 == hashlib.sha256(content[: content.rindex(seal.sha256.encode())]).hexdigest()
    )
    assert open_state(journal.run_folder)[0].sealed == seal
    assert set(os.listdir(journal.run_folder)) == {"control", "output", "events.jsonl"}


def test_nothing_follows_the_seal(journal):
    write_run(journal)
    journal.seal()
    size = journal.bytes
    for again in (lambda: journal.append(RunPaused()), journal.seal):
        with pytest.raises(LogWriteError, match="sealed"):
            again()
    assert os.stat(journal.log_path).st_size == size


def test_an_undecodable_argument_is_stored_with_a_replacement(journal):
    event = unsealed_events()[0]
    assert isinstance(event, RunStarted)
    strange = replace(event, argv=("\udcff",))
    journal.append(strange)
    assert read(journal.run_folder)[0] == [strange]
    assert strange.argv == ("\ufffd",)


def test_an_event_that_no_reader_would_take_is_not_written(journal, monkeypatch):
    monkeypatch.setattr(writer, "MAX_LINE_BYTES", 10)
    assert writer.MAX_LINE_BYTES < single_line.MAX_LINE_BYTES
    with pytest.raises(LogWriteError):
        journal.append(RunPaused())
    assert os.stat(journal.log_path).st_size == 0


class FailingWrites:
    """Stands for the disk below a log: takes `room` bytes of it, then refuses with `error`."""

    def __init__(self, journal, room: int, error: int) -> None:
        self.room, self.error = room, error
        self._log_fd = journal._folder.log_fd
        self._write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        if fd != self._log_fd:
            return self._write(fd, data)
        if self.room == 0:
            raise OSError(self.error, os.strerror(self.error))
        taken = self._write(fd, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.EFBIG, errno.ESTALE])
def test_after_a_failed_write_nothing_follows(journal, monkeypatch, error):
    journal.append(RunPaused())
    size = journal.bytes
    monkeypatch.setattr(os, "write", FailingWrites(journal, 0, error))
    with pytest.raises(LogWriteError, match=os.strerror(error)) as caught:
        journal.append(RunPaused())
    assert journal.log_path in caught.value.what
    monkeypatch.undo()
    for again in (lambda: journal.append(RunPaused()), journal.seal):
        with pytest.raises(LogWriteError, match=os.strerror(error)):
            again()
    assert os.stat(journal.log_path).st_size == size


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_gives_up_the_reserve_and_stores_what_was_being_written(
    journal, monkeypatch, error
):
    reserve = os.path.join(journal.run_folder, "reserve")
    assert os.stat(reserve).st_blocks * 512 >= 64 << 10
    disk = FailingWrites(journal, 0, error)

    def unlink(*args, **kwargs):
        disk.room += 64 << 10
        real_unlink(*args, **kwargs)

    real_unlink = os.unlink
    monkeypatch.setattr(os, "write", disk)
    monkeypatch.setattr(os, "unlink", unlink)
    assert not journal.on_reserve
    write_run(journal)
    assert journal.on_reserve
    assert not os.path.exists(reserve)
    journal.seal()
    assert read(journal.run_folder)[1].status is LogStatus.COMPLETE


@pytest.mark.parametrize("room", range(0, 400, 7))
def test_a_torn_line_is_completed_from_the_reserve_or_is_the_last(journal, monkeypatch, room):
    """A short write is the first sign of a full disk; no byte of another event may follow it."""
    monkeypatch.setattr(os, "write", FailingWrites(journal, room, errno.ENOSPC))
    with pytest.raises(LogWriteError, match="No space left"):
        write_run(journal)
    monkeypatch.undo()
    with pytest.raises(LogWriteError):
        journal.append(RunPaused())
    assert os.stat(journal.log_path).st_size == room
    journal.close()
    events, reading = read(journal.run_folder)
    assert reading.status is LogStatus.INCOMPLETE
    assert reading.problem is None
    assert events == unsealed_stamped()[: len(events)]
    assert reading.bytes + reading.torn_bytes == room


def unsealed_stamped():
    return [
        replace(event, seq=number, t=TICK_NS * number)
        for number, event in enumerate(unsealed_events())
    ]


def test_the_reserve_may_have_been_removed_by_a_check(journal, monkeypatch):
    os.unlink(os.path.join(journal.run_folder, "reserve"))
    monkeypatch.setattr(os, "write", FailingWrites(journal, 0, errno.ENOSPC))
    with pytest.raises(LogWriteError, match="No space left"):
        journal.append(RunPaused())


def test_a_disk_that_turned_read_only_is_told_by_the_write_alone(journal, monkeypatch):
    """The reserve cannot be given up either: closing must not put a defect in its place."""

    def refuse(path, **_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, "write", FailingWrites(journal, 0, errno.ENOSPC))
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(LogWriteError, match="No space left"):
        journal.append(RunPaused())
    journal.close()


def test_a_journal_on_a_disk_that_turned_read_only_closes(journal, monkeypatch):
    def refuse(path, **_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, "unlink", refuse)
    journal.close()
    monkeypatch.undo()
    assert os.path.exists(os.path.join(journal.run_folder, "reserve"))


@pytest.mark.parametrize(
    "number",
    [errno.EBADF, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ESPIPE],
    ids=errno.errorcode.get,
)
def test_room_is_kept_however_the_file_system_refuses_to_be_asked_for_it(
    tmp_path, monkeypatch, number
):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    journal = open_journal(tmp_path, reserve_bytes=1 << 20)
    assert os.stat(os.path.join(journal.run_folder, "reserve")).st_size >= 1 << 20
    journal.append(RunPaused())
    journal.close()


def test_a_system_without_that_call_keeps_room_too(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    journal = open_journal(tmp_path, reserve_bytes=1 << 20)
    assert os.stat(os.path.join(journal.run_folder, "reserve")).st_size >= 1 << 20
    journal.close()


def test_a_larger_run_may_keep_more_room(tmp_path):
    journal = open_journal(tmp_path, reserve_bytes=1 << 20)
    assert os.stat(os.path.join(journal.run_folder, "reserve")).st_blocks * 512 >= 1 << 20
    journal.close()
    assert not os.path.exists(os.path.join(journal.run_folder, "reserve"))


def test_a_file_size_limit_ends_the_log_not_the_process(tmp_path):
    """The kernel's signal for it is one that Python ignores; the write then says so."""
    journal = open_journal(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
        with pytest.raises(LogWriteError, match="File too large"):
            write_run(journal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal.close()
    assert read(journal.run_folder)[1].status is LogStatus.INCOMPLETE


@pytest.fixture
def small_disk(tmp_path):
    """A real tmpfs of 256 KiB, where mounting is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.call(command, stderr=subprocess.DEVNULL):
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leave no room in `folder`."""
    with pytest.raises(OSError, match="No space left"), (folder / "ballast").open("wb", 0) as file:
        while file.write(b"x" * 4096):
            pass


@pytest.mark.slow
def test_on_a_real_full_disk_the_last_events_find_room(small_disk):
    journal = open_journal(small_disk)
    fill(small_disk)
    write_run(journal)
    assert journal.on_reserve
    journal.seal()
    assert journal.verify() == []
    journal.close()
    assert read(journal.run_folder)[1].status is LogStatus.COMPLETE


@pytest.mark.slow
def test_when_the_reserve_is_used_up_too_the_log_stays_readable(small_disk):
    journal = open_journal(small_disk)
    journal.append(unsealed_events()[0])
    with pytest.raises(LogWriteError, match="No space left"):
        for _ in range(100_000):
            journal.append(RunPaused())
    assert journal.on_reserve
    journal.close()
    events, reading = read(journal.run_folder)
    assert reading.status is LogStatus.INCOMPLETE
    assert len(events) == journal.events > 1000


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_start_is_a_clear_error_and_leaves_no_run(small_disk):
    state_dir = state_folder(str(small_disk / ".vibeguard"), create=True)
    fill(small_disk)
    with pytest.raises(LogWriteError, match="No space left") as caught:
        open_journal(small_disk)
    assert caught.value.do
    assert run_ids(state_dir) == []


def test_what_cannot_be_synced_is_a_write_error(journal, monkeypatch):
    def refuse(_fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(writer, "_synchronise", refuse)
    with pytest.raises(LogWriteError, match="Input/output"):
        journal.sync()
    with pytest.raises(LogWriteError):
        journal.append(RunPaused())


def test_a_file_system_that_knows_no_sync_is_no_error(journal, monkeypatch):
    def refuse(_fd):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(writer, "_synchronise", refuse)
    journal.sync()
    journal.append(RunPaused())
