"""A refused start must not let an older pass be replayed."""

import errno
import os

import pytest

from tests.helpers.journals import NOW_NS, open_journal, recorded_runs
from vibeguard.core.problems import LogWriteError, Problem
from vibeguard.system.rundir import refused
from vibeguard.system.rundir.refused import mark_refused, newest_start, refused_since
from vibeguard.system.rundir.state_folder import state_folder

PROBLEMS = (Problem("unknown key", "did you mean run?", "vibeguard.yaml", 3, 5, "  rum: x"),)


@pytest.fixture
def state(tmp_path):
    return state_folder(str(tmp_path / ".vibeguard"), create=True)


def test_the_mark_keeps_every_problem(state):
    assert refused_since(state, recorded_runs(state)) is None
    mark_refused(state, PROBLEMS, now_ns=NOW_NS)
    assert refused_since(state, recorded_runs(state)).problems == PROBLEMS
    assert os.listdir(os.path.join(state, "runs")) == []


def test_words_that_are_no_text_are_kept_escaped(state):
    """A caller's words may hold any bytes; Python knows them as lone surrogates."""
    mark_refused(state, [Problem("no check \udcff", "", "\udcfe.yaml")], now_ns=NOW_NS)
    (problem,) = refused_since(state, recorded_runs(state)).problems
    assert problem == Problem("no check \\udcff", "", "\\udcfe.yaml")


def test_it_counts_until_there_is_a_newer_run(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    mark_refused(state, PROBLEMS, now_ns=NOW_NS + 10**9)
    assert refused_since(state, recorded_runs(state)) is not None
    open_journal(tmp_path, now_ns=NOW_NS + 2 * 10**9).close()
    assert refused_since(state, recorded_runs(state)) is None


def test_it_is_newer_than_the_newest_run_even_if_the_clock_went_back(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    mark_refused(state, PROBLEMS, now_ns=NOW_NS - 10**15)
    assert refused_since(state, recorded_runs(state)) is not None


def test_a_run_that_starts_after_it_makes_it_old_news_even_if_the_clock_went_back(state, tmp_path):
    mark_refused(state, PROBLEMS, now_ns=NOW_NS)
    open_journal(tmp_path, now_ns=NOW_NS - 10**15).close()
    assert refused_since(state, recorded_runs(state)) is None


def test_a_later_mark_replaces_an_earlier_one(state):
    mark_refused(state, PROBLEMS, now_ns=NOW_NS)
    mark_refused(state, (Problem("other", ""),), now_ns=NOW_NS + 1)
    assert [problem.what for problem in refused_since(state, recorded_runs(state)).problems] == [
        "other"
    ]


def test_an_unreadable_mark_still_says_that_a_start_was_refused(state, tmp_path):
    path = os.path.join(state, "refused")
    open_journal(tmp_path, now_ns=NOW_NS).close()
    with open(path, "w") as file:
        file.write('{"stamp":"2026')
    os.utime(path, ns=(NOW_NS + 10**9, NOW_NS + 10**9))
    assert "refused" in refused_since(state, recorded_runs(state)).problems[0].what
    os.utime(path, ns=(NOW_NS - 10**9, NOW_NS - 10**9))
    assert refused_since(state, recorded_runs(state)) is None


def a_folder(path):
    os.mkdir(path)


def a_dangling_symlink(path):
    os.symlink("nowhere", path)


def a_pipe(path):
    os.mkfifo(path)


def no_problems(path):
    with open(path, "w") as file:
        file.write('{"stamp":"99991231T235959.999999Z-0000","problems":[]}')


def a_stamp_that_is_none(path):
    with open(path, "w") as file:
        file.write('{"stamp":"z","problems":[{"what":"a","do":"b"}]}')


@pytest.mark.parametrize(
    "plant", [a_folder, a_dangling_symlink, a_pipe, no_problems, a_stamp_that_is_none]
)
def test_whatever_lies_in_the_place_of_the_mark_is_an_unreadable_mark(state, tmp_path, plant):
    """A check can put it there; no report may die of it, and its age is all that it says."""
    path = os.path.join(state, "refused")
    open_journal(tmp_path, now_ns=NOW_NS).close()
    plant(path)
    for age, newer in ((10**9, True), (-(10**9), False)):
        moment = NOW_NS + age
        os.utime(path, ns=(moment, moment), follow_symlinks=False)
        refusal = refused_since(state, recorded_runs(state))
        assert (refusal is not None) is newer
        assert not newer or "can no longer be read" in refusal.problems[0].what


def test_a_mark_of_a_time_beyond_all_calendars_is_read(state):
    path = os.path.join(state, "refused")
    a_folder(path)
    os.utime(path, ns=(10**21, 10**21))
    assert "refused" in refused_since(state, recorded_runs(state)).problems[0].what


def test_a_mark_is_a_write_error_where_runs_is_no_folder(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(LogWriteError, match="refused"):
        mark_refused(str(tmp_path), PROBLEMS, now_ns=NOW_NS)


def test_a_mark_that_cannot_be_left_is_a_write_error(tmp_path):
    with pytest.raises(LogWriteError, match="refused"):
        mark_refused(str(tmp_path / "missing"), PROBLEMS, now_ns=NOW_NS)


def test_a_mark_without_words_sorts_after_the_newest_run_although_the_clock_was_set_back(
    state, tmp_path, monkeypatch
):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    monkeypatch.setattr(refused, "replace_file", no_room)
    mark_refused(state, PROBLEMS, now_ns=NOW_NS - 10**15)
    assert (
        refused_since(state, recorded_runs(state))
        .problems[0]
        .what.startswith("a start was refused")
    )
    open_journal(tmp_path, now_ns=NOW_NS - 10**15).close()
    assert refused_since(state, recorded_runs(state)) is None


def test_a_folder_whose_record_cannot_be_read_is_not_passed_over_for_another(state, tmp_path):
    """An older pass of the other would be replayed; this one's reader says what is wrong."""
    open_journal(tmp_path, now_ns=NOW_NS).close()
    newest = newest_start(state)
    os.unlink(os.path.join(state, "order"))
    os.mkdir(os.path.join(state, "order"))
    assert newest_start(state) > newest > ""


def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
