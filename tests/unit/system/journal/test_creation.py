"""A run folder is whole, private and locked before anybody sees it."""

import os
import stat
import subprocess
import sys
import threading

import pytest

from tests.helpers.journals import NOW_NS, open_journal
from vibeguard.core.problems import LogWriteError
from vibeguard.system.journal import creation
from vibeguard.system.journal.lock import writer_alive
from vibeguard.system.rundir.ids import run_ids
from vibeguard.system.rundir.latest import read_latest
from vibeguard.system.rundir.state_folder import state_folder

CREATOR = """
import sys, time
from vibeguard.system.journal.writer import Journal
sys.stdin.readline()
journal = Journal(sys.argv[1], now_ns=time.time_ns(), clock=time.monotonic_ns)
print(journal.run_id, flush=True)
sys.stdin.readline()
"""


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_folders_are_0700_and_files_0600_under_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        journal = open_journal(tmp_path)
    finally:
        os.umask(before)
    found = {}
    for folder, folders, files in os.walk(tmp_path / ".vibeguard"):
        for name in folders:
            if not os.path.islink(os.path.join(folder, name)):
                found[name] = mode(os.path.join(folder, name)), 0o700
        for name in files:
            if not os.path.islink(os.path.join(folder, name)):
                found[name] = mode(os.path.join(folder, name)), 0o600
    journal.close()
    assert {"runs", "output", "control", "events.jsonl", ".gitignore"} <= found.keys()
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}
    assert mode(tmp_path / ".vibeguard") == 0o700


def test_the_lock_is_in_place_before_the_folder_has_its_name(tmp_path, monkeypatch):
    seen = []
    rename = os.rename

    def watch(source, target):
        fd = os.open(os.path.join(source, "events.jsonl"), os.O_RDONLY)
        seen.append((os.listdir(os.path.dirname(target)), writer_alive(fd)))
        os.close(fd)
        rename(source, target)

    monkeypatch.setattr(creation.os, "rename", watch)
    journal = open_journal(tmp_path)
    [(names, alive)] = seen
    assert alive is True
    assert not any(name == journal.run_id for name in names)
    journal.close()


def test_latest_points_to_the_new_run(tmp_path):
    journal = open_journal(tmp_path)
    assert os.path.realpath(tmp_path / ".vibeguard" / "latest") == os.path.realpath(
        journal.run_folder
    )
    journal.close()


def test_a_run_that_starts_meanwhile_keeps_latest(tmp_path, monkeypatch):
    """The slower of two starts looks again after it has written, and makes good."""
    replace, newer = os.replace, []

    def interrupted(source, target):
        if not newer:
            newer.append(None)
            newer[0] = open_journal(tmp_path, now_ns=NOW_NS + 10**9)
        replace(source, target)

    state_folder(str(tmp_path / ".vibeguard"), create=True)
    monkeypatch.setattr(os, "replace", interrupted)
    older = open_journal(tmp_path)
    assert newer[0].run_id > older.run_id
    assert read_latest(str(tmp_path / ".vibeguard")) == newer[0].run_id
    assert older.verify() == newer[0].verify() == []
    older.close()
    newer[0].close()


def test_where_there_are_no_symlinks_latest_is_a_file(tmp_path, monkeypatch):
    def refuse(*_args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    journal = open_journal(tmp_path)
    latest = tmp_path / ".vibeguard" / "latest"
    assert not latest.is_symlink()
    assert read_latest(str(tmp_path / ".vibeguard")) == journal.run_id
    assert journal.verify() == []
    journal.close()


def test_a_name_that_is_taken_is_never_overwritten(tmp_path, monkeypatch):
    first = open_journal(tmp_path)
    monkeypatch.setattr(creation, "new_run_id", lambda *_args, **_options: first.run_id)
    with pytest.raises(LogWriteError):
        open_journal(tmp_path)
    assert os.listdir(tmp_path / ".vibeguard" / "runs") == [first.run_id]
    assert first.verify() == []
    first.close()


def test_ids_follow_one_another_even_if_the_clock_goes_back(tmp_path):
    journals = [open_journal(tmp_path, now_ns=NOW_NS - back) for back in (0, 0, 10**15)]
    ids = [journal.run_id for journal in journals]
    assert ids == sorted(ids) == run_ids(str(tmp_path / ".vibeguard"))
    for journal in journals:
        journal.close()


def test_a_start_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    state_folder(str(tmp_path / ".vibeguard"), create=True)

    def refuse(_fd):
        raise BlockingIOError(11, "another writer holds the log")

    before = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(creation, "lock_for_writing", refuse)
    with pytest.raises(LogWriteError, match="another writer"):
        open_journal(tmp_path)
    assert os.listdir(tmp_path / ".vibeguard" / "runs") == []
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_start_that_cannot_be_named_the_latest_leaves_no_run_behind(tmp_path):
    """A run that never began would stand there as one that died."""
    state = tmp_path / ".vibeguard"
    state_folder(str(tmp_path / ".vibeguard"), create=True)
    (state / "latest" / "content").mkdir(parents=True)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(LogWriteError, match="latest"):
        open_journal(tmp_path)
    assert os.listdir(state / "runs") == []
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_state_folder_that_cannot_be_written_is_a_write_error(tmp_path):
    (tmp_path / ".vibeguard").mkdir()
    (tmp_path / ".vibeguard" / "runs").write_text("not a folder")
    with pytest.raises(LogWriteError, match="runs") as caught:
        creation.create_run_folder(str(tmp_path / ".vibeguard"), now_ns=NOW_NS)
    assert caught.value.do


@pytest.mark.slow
def test_twelve_runs_started_at_once_do_not_touch_each_other(tmp_path):
    state_dir = state_folder(str(tmp_path / ".vibeguard"), create=True)
    command = [sys.executable, "-c", CREATOR, state_dir]
    creators = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(12)
    ]
    for creator in creators:
        creator.stdin.write(b"go\n")
        creator.stdin.flush()
    ids = [creator.stdout.readline().decode().strip() for creator in creators]
    assert len(set(ids)) == 12
    assert sorted(ids) == run_ids(state_dir)
    assert sorted(os.listdir(os.path.join(state_dir, "runs"))) == sorted(ids)
    assert read_latest(state_dir) == max(ids)
    for creator in creators:
        creator.communicate(b"end\n")


def test_threads_that_start_runs_agree_on_the_newest(tmp_path):
    journals = []
    threads = [
        threading.Thread(target=lambda: journals.append(open_journal(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = max(journal.run_id for journal in journals)
    assert read_latest(str(tmp_path / ".vibeguard")) == newest
    assert [line for journal in journals for line in journal.verify()] == []
    for journal in journals:
        journal.close()
