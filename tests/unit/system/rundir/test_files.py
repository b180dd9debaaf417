"""A file of the user's gets other content in one step, and stays what it was otherwise."""

import errno
import os
import stat
import tracemalloc

import pytest

from vibeguard.core.problems import LogWriteError
from vibeguard.system.rundir import files
from vibeguard.system.rundir.files import (
    ModeRefused,
    advice_for,
    read_regular,
    replace_file,
    rewrite_file,
)
from vibeguard.system.rundir.state_folder import state_folder


def test_a_small_file_takes_little_memory_however_much_may_be_read(tmp_path):
    """Room for all that may be read was taken at once: under a limit of memory no run began."""
    (tmp_path / "order").write_bytes(b"short")
    tracemalloc.start()
    try:
        assert read_regular(str(tmp_path / "order"), 64 << 20) == b"short"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert read_regular(str(tmp_path / "order"), 2) == b"sh"
    assert read_regular(str(tmp_path / "order"), 2, end=True) == b"rt"


def test_links_and_modes_stay_and_a_new_file_is_for_everybody(tmp_path):
    real, link = tmp_path / "dotfiles" / "bashrc", tmp_path / ".bashrc"
    real.parent.mkdir()
    real.write_text("1")
    real.chmod(0o640)
    link.symlink_to(real)
    rewrite_file(str(link), b"2")
    assert (link.is_symlink(), real.read_text()) == (True, "2")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    rewrite_file(str(tmp_path / "new"), b"3")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644


def test_what_cannot_be_replaced_is_written_through(tmp_path, monkeypatch):
    """As a file that is mounted by itself into a container: nothing can be renamed onto it."""
    path = tmp_path / "file"
    path.write_text("longer than what comes")

    def busy(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    rewrite_file(str(path), b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_is_told_although_the_file_has_its_place_by_then(tmp_path, monkeypatch):
    rename = os.replace

    def interrupted(*names: str) -> None:
        rename(*names)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(str(tmp_path / "file"), b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_stream_is_written_to(tmp_path):
    reader, writer = os.pipe()
    rewrite_file(f"/dev/fd/{writer}", b"text")
    os.close(writer)
    assert os.read(reader, 10) == b"text"
    os.close(reader)


def test_an_error_names_the_file(tmp_path):
    with pytest.raises(OSError, match="absent") as refused:
        rewrite_file(str(tmp_path / "absent" / "file"), b"")
    assert refused.value.filename


def refuse_modes(monkeypatch, number: int, *, mount_gives: int) -> None:
    """A mount that takes no mode, and gives each file and folder one of its own."""
    make, give = os.mkdir, os.chmod

    def mkdir(path, mode=0o777, **more):
        make(path, mode, **more)
        give(path, mount_gives)

    def refuse(path, _mode):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "chmod", refuse)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_mount_that_takes_no_modes_is_lived_with_where_only_reading_is_open(
    tmp_path, monkeypatch, number
):
    refuse_modes(monkeypatch, number, mount_gives=0o755)
    state = state_folder(str(tmp_path / ".vibeguard"), create=True)
    assert stat.S_IMODE(os.stat(state).st_mode) == 0o755


def test_where_others_may_write_the_advice_is_another_place_and_not_to_make_it_writable(
    tmp_path, monkeypatch
):
    refuse_modes(monkeypatch, errno.EPERM, mount_gives=0o777)
    with pytest.raises(LogWriteError) as refused:
        state_folder(str(tmp_path / ".vibeguard"), create=True)
    assert "lets others write" in refused.value.what
    assert refused.value.do == "keep the state where files have modes: --state-dir"


def test_a_script_is_written_there_only_where_it_can_be_run(tmp_path, monkeypatch):
    """Some mounts show every file as executable, others none."""
    refuse_modes(monkeypatch, errno.EPERM, mount_gives=0o755)
    with pytest.raises(ModeRefused, match="makes no file executable"):
        replace_file(str(tmp_path / "hook"), b"", mode=0o755)
    assert os.listdir(tmp_path) == []
    replace_file(str(tmp_path / "text"), b"", mode=0o644)
    monkeypatch.setattr(files, "FILE_MODE", 0o700)
    replace_file(str(tmp_path / "hook"), b"", mode=0o755)
    assert sorted(os.listdir(tmp_path)) == ["hook", "text"]


@pytest.mark.parametrize("in_the_way", ["missing/a", "folder"])
def test_a_file_that_cannot_be_replaced_is_named_and_no_temporary_one(tmp_path, in_the_way):
    (tmp_path / "folder").mkdir()
    path = str(tmp_path / in_the_way)
    with pytest.raises(OSError, match="directory") as raised:
        replace_file(path, b"")
    assert (raised.value.filename, raised.value.filename2) == (path, None)
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EMFILE, errno.ENOMEM, errno.EFBIG, errno.EPERM, errno.ENOSYS),
        *(errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENAMETOOLONG),
    ],
)
def test_a_limit_is_not_told_as_a_full_disk(number):
    assert "room" not in advice_for(OSError(number, "refused"))
