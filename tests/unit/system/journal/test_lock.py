"""The lock dies with its holder, and only with it."""

import fcntl
import os
import subprocess
import sys

import pytest

from vibeguard.system.journal import lock
from vibeguard.system.journal.lock import lock_for_writing, writer_alive

HOLDER = """
import os, sys
from vibeguard.system.journal.lock import lock_for_writing
fd = os.open(sys.argv[1], os.O_RDWR)
lock_for_writing(fd)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["ofd", "flock"])
def kind(request, monkeypatch):
    """Both kinds of lock; `flock` is what systems without the first kind get."""
    if request.param == "flock":
        monkeypatch.setattr(lock, "_OFD_SETLK", None)
        monkeypatch.setattr(lock, "_OFD_GETLK", None)
    return request.param


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"")
    return path


def test_a_reader_tells_a_live_writer_from_a_closed_one(file, kind):
    writer, reader = os.open(file, os.O_RDWR), os.open(file, os.O_RDONLY)
    assert writer_alive(reader) is False
    assert lock_for_writing(writer) is True
    assert writer_alive(reader) is True
    os.close(writer)
    assert writer_alive(reader) is False
    os.close(reader)


def test_asking_does_not_take_the_lock(file, kind):
    reader, writer = os.open(file, os.O_RDONLY), os.open(file, os.O_RDWR)
    writer_alive(reader)
    assert lock_for_writing(writer) is True
    os.close(reader)
    os.close(writer)


def test_there_is_one_writer(file, kind):
    first, second = os.open(file, os.O_RDWR), os.open(file, os.O_RDWR)
    lock_for_writing(first)
    with pytest.raises(BlockingIOError):
        lock_for_writing(second)
    os.close(first)
    os.close(second)


def test_a_killed_writer_is_dead_at_once(file):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        reader = os.open(file, os.O_RDONLY)
        assert writer_alive(reader) is True
        holder.kill()
        holder.wait()
        assert writer_alive(reader) is False
        os.close(reader)


def test_a_child_of_the_writer_does_not_keep_the_lock_alive(file):
    writer, reader = os.open(file, os.O_RDWR), os.open(file, os.O_RDONLY)
    lock_for_writing(writer)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        os.close(writer)
        assert writer_alive(reader) is False
        child.stdin.close()
    os.close(reader)


def test_a_file_system_without_locks_leaves_the_writer_unknown(file, monkeypatch):
    def refuse(*_args):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    fd = os.open(file, os.O_RDWR)
    assert lock_for_writing(fd) is False
    assert writer_alive(fd) is None
    os.close(fd)
