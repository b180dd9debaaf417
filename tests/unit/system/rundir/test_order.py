"""The record of the order of runs, after a crash of the machine or a full disk cut its last line."""

import errno
import os
from types import SimpleNamespace

import pytest

from vibeguard.system.rundir import files
from vibeguard.system.rundir.order import (
    OrderedRun,
    note_pruned,
    note_sealed,
    note_started,
    outermost,
    read_order,
)

OLDER = "20261128T181851.372428Z-1262"
NEWER = "20261128T183048.168460Z-d1bd"


@pytest.mark.parametrize(
    "torn", [b"20261128T1830", b"\0" * 62, OLDER.encode()], ids=["cut", "zeros", "id"]
)
def test_what_is_recorded_after_a_torn_line_is_a_line_of_its_own(tmp_path, torn):
    """Else the newest run is of no record, and `latest` goes on naming an older pass."""
    note_started(str(tmp_path), OLDER)
    with (tmp_path / "order").open("ab") as record:
        record.write(torn)
    note_started(str(tmp_path), NEWER)
    assert outermost(read_order(str(tmp_path))) == [OLDER, NEWER]


class Filling(SimpleNamespace):
    """`os`, on a disk that has room for so many bytes more."""

    def __getattr__(self, name):
        return getattr(os, name)

    def write(self, descriptor, data):
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(descriptor, data[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("room", range(0, 30, 7))
def test_a_start_that_could_not_be_recorded_whole_says_so(tmp_path, monkeypatch, room):
    """A write that stores a part tells nothing else: the run would go on, and never be `latest`."""
    note_started(str(tmp_path), OLDER)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(files, "os", Filling(room=room))
        note_started(str(tmp_path), NEWER)
    assert outermost(read_order(str(tmp_path))) == [OLDER]
    note_started(str(tmp_path), NEWER)
    assert outermost(read_order(str(tmp_path))) == [OLDER, NEWER]


@pytest.mark.parametrize("note", ["sealed", "pruned"])
@pytest.mark.parametrize("room", [20, 32, 33, 40, 90])
def test_of_a_fact_that_was_cut_no_half_counts(tmp_path, monkeypatch, note, room):
    """Half a seal is none: the log of that run would bear another one, and be called corrupt."""
    state, seal = str(tmp_path), "ab" * 32
    note_started(state, OLDER)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(files, "os", Filling(room=room))
        if note == "sealed":
            note_sealed(state, OrderedRun(OLDER, seal))
        else:
            note_pruned(state, [OLDER] * 3)
    note_started(state, NEWER)
    kept = [OLDER] if note == "sealed" or room < 34 else []
    assert [run.run_id for run in read_order(state) if not run.seal] == [*kept, NEWER]
