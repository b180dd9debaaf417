"""The record of the order of runs, after a crash of the machine or a full disk cut its last line."""

import errno
import os
from itertools import count
from types import SimpleNamespace

import pytest

from vibeguard.system.rundir import files, order
from vibeguard.system.rundir.ids import new_run_id
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


def ids(many):
    return [new_run_id(number * 10**9) for number in range(many)]


def test_what_is_said_of_removed_runs_does_not_pile_up(tmp_path):
    """Every command reads the record: after 10,000 runs in 90 ms, and after 100,000 not at all."""
    state, seal = str(tmp_path), "ab" * 32
    known = ids(1500)
    for old, run_id in zip([None, *known], known, strict=False):
        note_started(state, run_id, nested=run_id == known[-1])
        note_sealed(state, OrderedRun(run_id, seal, nested=run_id == known[-1]))
        note_pruned(state, [old] if old else [])
    assert read_order(state) == [OrderedRun(known[-1], seal, nested=True)]
    assert os.stat(tmp_path / "order").st_size < 20_000


def test_a_start_that_is_told_again_takes_no_end_back(tmp_path):
    """As whoever finds the record replaced does, while the run may have come to its end."""
    state, ended = str(tmp_path), OrderedRun(OLDER, "ab" * 32)
    note_started(state, OLDER)
    note_sealed(state, ended)
    note_started(state, OLDER)
    assert read_order(state) == [ended]


def test_a_record_of_runs_that_are_all_there_stays_as_it_is(tmp_path):
    state, known = str(tmp_path), ids(1000)
    for run_id in known:
        note_started(state, run_id)
    before = os.stat(tmp_path / "order").st_ino
    note_pruned(state, known[:1])
    assert os.stat(tmp_path / "order").st_ino == before
    assert [run.run_id for run in read_order(state)] == known[1:]


@pytest.mark.parametrize("moment", ["opened", "read", "replaced"])
def test_a_start_that_is_recorded_while_the_record_is_shortened_is_not_lost(
    tmp_path, monkeypatch, moment
):
    """Whoever opened it before it was replaced writes into a file that nobody reads any more."""
    state, known = str(tmp_path), ids(1000)
    for run_id in known:
        note_started(state, run_id)
    opened, replaced = files.open_or_create, files.replace_file
    shortened = count()

    def shorten_once():
        if not next(shortened):
            note_pruned(state, known)

    def opening(path, *, flags):
        descriptor = opened(path, flags=flags)
        if moment == "opened":
            shorten_once()
        return descriptor

    def replacing(path, data):
        if moment == "read":
            note_started(state, NEWER)
        replaced(path, data)
        if moment == "replaced":
            note_started(state, NEWER)

    monkeypatch.setattr(files, "open_or_create", opening)
    monkeypatch.setattr(order, "replace_file", replacing)
    if moment == "opened":
        note_started(state, NEWER)
    shorten_once()
    assert [run.run_id for run in read_order(state)] == [NEWER]


def test_of_two_that_shorten_it_at_once_the_later_takes_back_nothing(tmp_path, monkeypatch):
    """What was recorded after the earlier one was not in the file that the later one had opened."""
    state, known = str(tmp_path), ids(1000)
    for run_id in known:
        note_started(state, run_id)
    opened, calls = order.open_regular, count()

    def opening(path):
        descriptor = opened(path)
        if not next(calls):
            note_pruned(state, known[:900])
            note_started(state, NEWER)
        return descriptor

    monkeypatch.setattr(order, "open_regular", opening)
    note_pruned(state, known[900:])
    assert [run.run_id for run in read_order(state)] == [NEWER]


def test_of_a_record_that_is_too_large_no_beginning_is_read(tmp_path, monkeypatch):
    """Without its end an older run would be the latest: a pass, where the newest failed."""
    for run_id in (OLDER, NEWER):
        note_started(str(tmp_path), run_id)
    assert outermost(read_order(str(tmp_path))) == [OLDER, NEWER]
    monkeypatch.setattr(order, "_LARGEST_BYTES", 40)
    with pytest.raises(OSError, match="larger than"):
        read_order(str(tmp_path))
