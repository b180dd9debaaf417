"""Whatever a check does to the log while it runs is found out and named."""

import ctypes
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.journals import NOW_NS, open_journal, write_run
from vibeguard.system.journal import tamper
from vibeguard.system.rundir.files import identity_of

OUTPUT = b"one\ntwo\n"


@pytest.fixture
def journal(tmp_path):
    opened = write_run(open_journal(tmp_path))
    path = Path(f"{opened.run_folder}/output") / "unit.1.log"
    path.write_bytes(OUTPUT)
    opened.expect_output(
        "output/unit.1.log",
        len(OUTPUT),
        hashlib.sha256(OUTPUT).hexdigest(),
        identity_of(path.stat()),
    )
    yield opened
    opened.close()


def append(journal):
    with Path(journal.log_path).open("ab") as file:
        file.write(b"x")


def overwrite(journal):
    """The same length, other bytes."""
    with Path(journal.log_path).open("r+b") as file:
        file.seek(20)
        file.write(b"#")


def truncate(journal):
    os.truncate(journal.log_path, 100)


def punch(journal):
    """Emptied and filled up to the old size again."""
    os.truncate(journal.log_path, 0)
    os.truncate(journal.log_path, journal.bytes)


def delete(journal):
    os.unlink(journal.log_path)


def rename(journal):
    os.rename(journal.log_path, journal.log_path + ".old")


def hard_link(journal):
    os.link(journal.log_path, journal.log_path + ".too")


def replace_by_copy(journal):
    """The very same bytes, but another file, which the writer does not write."""
    shutil.copy(journal.log_path, journal.log_path + ".new")
    os.replace(journal.log_path + ".new", journal.log_path)


def replace_by_link(journal):
    os.rename(journal.log_path, journal.log_path + ".real")
    os.symlink("events.jsonl.real", journal.log_path)


def swap_run_folder(journal):
    shutil.copytree(journal.run_folder, journal.run_folder + ".copy")
    os.rename(journal.run_folder, journal.run_folder + ".old")
    os.rename(journal.run_folder + ".copy", journal.run_folder)


def link_state_folder(journal):
    state = os.path.dirname(os.path.dirname(journal.run_folder))
    os.rename(state, state + ".real")
    os.symlink(state + ".real", state)


def write_through_proc(journal):
    with open(f"/proc/{os.getpid()}/fd/{journal._folder.log_fd}", "ab") as file:
        file.write(b"x")


def swap_output_folder(journal):
    os.rename(f"{journal.run_folder}/output", f"{journal.run_folder}/output.old")
    shutil.copytree(f"{journal.run_folder}/output.old", f"{journal.run_folder}/output")


def remove_control(journal):
    os.rmdir(f"{journal.run_folder}/control")


def point_latest_elsewhere(journal):
    latest = Path(journal.run_folder).parents[1] / "latest"
    latest.unlink()
    latest.symlink_to("runs/20200101T000000.000000Z-0000")


def point_latest_to_a_future_run(journal):
    latest = Path(journal.run_folder).parents[1] / "latest"
    latest.unlink()
    latest.symlink_to("runs/29990101T000000.000000Z-0000")


def remove_latest(journal):
    (Path(journal.run_folder).parents[1] / "latest").unlink()


def change_output(journal):
    (Path(f"{journal.run_folder}/output") / "unit.1.log").write_bytes(OUTPUT.swapcase())


def lengthen_output(journal):
    with (Path(f"{journal.run_folder}/output") / "unit.1.log").open("ab") as file:
        file.write(b"three\n")


def remove_output(journal):
    (Path(f"{journal.run_folder}/output") / "unit.1.log").unlink()


def replace_output(journal):
    path = Path(f"{journal.run_folder}/output") / "unit.1.log"
    path.rename(str(path) + ".old")
    path.write_bytes(OUTPUT)


def link_output(journal):
    path = Path(f"{journal.run_folder}/output") / "unit.1.log"
    path.rename(str(path) + ".old")
    path.symlink_to("unit.1.log.old")


def replace_output_by_fifo(journal):
    path = Path(f"{journal.run_folder}/output") / "unit.1.log"
    path.unlink()
    os.mkfifo(path)


DEEDS = {
    append: "bytes where",
    overwrite: "not those that were written",
    truncate: "bytes where",
    punch: "not those that were written",
    delete: "events.jsonl is gone",
    rename: "events.jsonl is gone",
    hard_link: "another name",
    replace_by_copy: "events.jsonl was replaced by another one",
    replace_by_link: "events.jsonl was replaced by a symbolic link",
    swap_run_folder: "the run folder was replaced by another one",
    link_state_folder: ".vibeguard was replaced by a symbolic link",
    write_through_proc: "bytes where",
    swap_output_folder: "output was replaced",
    remove_control: "control is gone",
    point_latest_elsewhere: "latest no longer names this run but 20200101T",
    point_latest_to_a_future_run: "latest no longer names this run",
    remove_latest: "latest no longer names this run but nothing",
    change_output: "bytes of output/unit.1.log are not those that were recorded",
    lengthen_output: "output/unit.1.log has 14 bytes where 8 were recorded",
    remove_output: "output/unit.1.log is gone",
    replace_output: "output/unit.1.log was replaced",
    link_output: "output/unit.1.log is gone or unreadable",
    replace_output_by_fifo: "output/unit.1.log was replaced",
}


def test_what_nobody_touched_differs_in_nothing(journal):
    assert journal.verify() == []
    journal.seal()
    assert journal.verify() == []


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_every_deed_is_named(journal, deed, sealed):
    if sealed:
        journal.seal()
    deed(journal)
    found = journal.verify()
    assert any(DEEDS[deed] in line for line in found), found


def test_a_newer_run_may_have_taken_latest(journal, tmp_path):
    """Two runs in one folder are everyday; the newer one has the name."""
    newer = open_journal(tmp_path, now_ns=NOW_NS + 10**9)
    assert journal.verify() == newer.verify() == []
    newer.close()


def test_a_run_that_ends_while_an_older_one_goes_on_is_left_alone(journal, tmp_path):
    newer = open_journal(tmp_path, now_ns=NOW_NS + 10**9)
    newer.close()
    assert journal.verify() == []


def test_a_large_output_is_hashed_again_only_if_its_change_time_moved(journal, monkeypatch):
    """Nobody but root can put a change time back, and the end of a run must not take minutes."""
    monkeypatch.setattr(tamper, "ALWAYS_HASHED_BYTES", 4)
    hashed = []
    digest_of = tamper._digest_of
    monkeypatch.setattr(tamper, "_digest_of", lambda fd: hashed.append(fd) or digest_of(fd))
    assert journal.verify() == []
    assert len(hashed) == 1  # the log alone
    path = Path(f"{journal.run_folder}/output") / "unit.1.log"
    times = path.stat()
    path.write_bytes(OUTPUT.swapcase())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert any("are not those that were recorded" in line for line in journal.verify())


def test_a_write_through_a_mapping_that_was_open_before_is_found(journal):
    """A mapping outlives its descriptor and leaves no open file behind."""
    fd = os.open(journal.log_path, os.O_RDWR)
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    address = library.mmap(None, 4096, 3, 1, fd, 0)
    os.close(fd)
    journal.seal()
    ctypes.memset(address + 30, ord("#"), 1)
    assert any("not those that were written" in line for line in journal.verify())
