"""Whatever ends a start before there is a run leaves a mark, which no older pass outlives."""

import errno
import os

import pytest

from tests.helpers.journals import NOW_NS, open_journal, recorded_runs
from vibeguard.core.problems import Problem
from vibeguard.system.rundir import refused
from vibeguard.system.rundir.order import note_started, read_order
from vibeguard.system.rundir.refused import refused_since
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.vouching import refusing
from vibeguard.system.vouching.known import known_runs
from vibeguard.system.vouching.refusing import leave_mark, refusals_marked
from vibeguard.system.vouching.witness import open_witness

PROBLEMS = (Problem("no room", "make some"),)
SECOND_NS = 10**9


@pytest.fixture
def state(tmp_path):
    return state_folder(str(tmp_path / ".vibeguard"), create=True)


class Failed(Exception):
    pass


def test_whatever_ends_a_start_leaves_the_mark(state):
    with pytest.raises(Failed), refusals_marked(state):
        raise Failed("no memory")
    assert (
        refused_since(state, recorded_runs(state)).problems[0].what
        == "no run was begun: Failed: no memory"
    )


def test_where_no_memory_is_left_for_the_mark_the_reason_is_told_all_the_same(state, monkeypatch):
    """Under a limit of memory the front ended with a traceback, and with no reason."""

    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr(refusing, "read_order", no_memory)
    with pytest.raises(Failed), refusals_marked(state):
        raise Failed


def test_what_is_refused_inside_a_check_is_no_news_of_its_run(state, monkeypatch):
    monkeypatch.setenv("VIBEGUARD_RUN", "20261124T055812.123456Z-4f7a")
    with pytest.raises(Failed), refusals_marked(state):
        raise Failed
    assert refused_since(state, recorded_runs(state)) is None


def test_a_state_folder_that_nobody_trusts_gets_no_mark(state, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(state)
    with pytest.raises(Failed), refusals_marked(str(link)):
        raise Failed
    assert refused_since(state, recorded_runs(state)) is None


def test_a_supervisor_that_has_sealed_but_not_exited_learns_of_a_start_without_a_name(
    state, tmp_path, monkeypatch
):
    """Its word counts while it lives: it would name its own pass as the latest run."""
    open_journal(tmp_path, now_ns=NOW_NS).close()
    witness = open_witness(state)
    monkeypatch.setattr(witness, "_family", frozenset())  # whoever asks is no check of its run
    monkeypatch.setattr(refused, "replace_file", no_room)
    monkeypatch.setattr(refused, "open_or_create", no_room)
    leave_mark(state, PROBLEMS, NOW_NS + SECOND_NS, launched_ns=None)
    assert len(known_runs(state)) == 2
    witness.close()
    assert [run.run_id for run in read_order(state)] == known_runs(state)


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_that_was_recorded_since_the_launch_is_the_answer(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    leave_mark(state, PROBLEMS, NOW_NS + SECOND_NS, launched_ns=NOW_NS)
    assert refused_since(state, recorded_runs(state)) is None


def test_an_older_run_is_not_although_the_clock_was_set_back_since(state, tmp_path):
    open_journal(tmp_path, now_ns=NOW_NS).close()
    now_ns = NOW_NS - 3600 * SECOND_NS
    leave_mark(state, PROBLEMS, now_ns, launched_ns=now_ns - SECOND_NS)
    assert refused_since(state, recorded_runs(state)).problems == PROBLEMS


def test_a_run_that_got_no_folder_is_not(state):
    """It was recorded, and then there was no room for the rest."""
    note_started(state, "20261124T055812.123456Z-4f7a")
    leave_mark(state, PROBLEMS, NOW_NS + 10**17, launched_ns=0)
    assert refused_since(state, recorded_runs(state)).problems == PROBLEMS
