"""A refused start must not let an older pass be replayed."""

import os

import pytest

from tests.helpers.journals import NOW_NS, open_journal
from vibeguard.core.problems import LogWriteError, Problem
from vibeguard.system.rundir.refused import mark_refused, refused_since
from vibeguard.system.rundir.state_folder import state_folder

PROBLEMS = (Problem("unknown key", "did you mean run?", "vibeguard.yaml", 3, 5, "  rum: x"),)


@pytest.fixture
def state(tmp_path):
    return state_folder(str(tmp_path), create=True)


def test_the_mark_keeps_every_problem(state):
    assert refused_since(state) is None
    mark_refused(state, PROBLEMS, now_ns=NOW_NS)
    assert refused_since(state).problems == PROBLEMS
    assert os.listdir(os.path.join(state, "runs")) == []


def test_words_that_are_no_text_are_kept_escaped(state):
    """A caller's words may hold any bytes; Python knows them as lone surrogates."""
    mark_refused(state, [Problem("no check \udcff", "", "\udcfe.yaml")], now_ns=NOW_NS)
    (problem,) = refused_since(state).problems
    assert problem == Problem("no check \\udcff", "", "\\udcfe.yaml")


def test_it_counts_until_there_is_a_newer_run(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    mark_refused(state, PROBLEMS, now_ns=NOW_NS + 10**9)
    assert refused_since(state) is not None
    open_journal(tmp_path, now_ns=NOW_NS + 2 * 10**9).close()
    assert refused_since(state) is None


def test_it_is_newer_than_the_newest_run_even_if_the_clock_went_back(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    mark_refused(state, PROBLEMS, now_ns=NOW_NS - 10**15)
    assert refused_since(state) is not None


def test_a_later_mark_replaces_an_earlier_one(state):
    mark_refused(state, PROBLEMS, now_ns=NOW_NS)
    mark_refused(state, (Problem("other", ""),), now_ns=NOW_NS + 1)
    assert [problem.what for problem in refused_since(state).problems] == ["other"]


def test_an_unreadable_mark_still_says_that_a_start_was_refused(state, tmp_path):
    path = os.path.join(state, "refused")
    open_journal(tmp_path, now_ns=NOW_NS).close()
    with open(path, "w") as file:
        file.write('{"stamp":"2026')
    os.utime(path, ns=(NOW_NS + 10**9, NOW_NS + 10**9))
    assert "refused" in refused_since(state).problems[0].what
    os.utime(path, ns=(NOW_NS - 10**9, NOW_NS - 10**9))
    assert refused_since(state) is None


def test_a_mark_that_cannot_be_left_is_a_write_error(tmp_path):
    with pytest.raises(LogWriteError, match="refused"):
        mark_refused(str(tmp_path / "missing"), PROBLEMS, now_ns=NOW_NS)
