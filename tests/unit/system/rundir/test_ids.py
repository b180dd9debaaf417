"""Run ids sort by time, whatever the clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.system.rundir.ids import is_run_id, new_run_id, run_ids, started_ns

MOMENTS = st.integers(0, 4_000_000_000 * 10**9)
NOT_IDS = [
    "",
    ".new-0123",
    ".old-20261124T055812.123456Z-4f7a",
    "20261124T055812.123456Z-4F7A",
    "20261124T055812.123456Z",
    "20261324T055812.123456Z-4f7a",
    "\u0662\u0660261124T055812.123456Z-4f7a",
    "20261124T055812.123456Z-4f7a\n",
]


@given(MOMENTS, MOMENTS)
def test_ids_sort_like_their_moments(first, second):
    earlier, later = sorted((first, second))
    if later // 1000 > earlier // 1000:
        assert new_run_id(earlier) < new_run_id(later)


@given(MOMENTS, MOMENTS)
def test_an_id_sorts_after_the_newest_even_if_the_clock_went_back(now, newest):
    before = new_run_id(newest)
    assert new_run_id(now, newest=before) > before


@given(MOMENTS)
def test_an_id_holds_its_moment_to_the_microsecond(now):
    assert started_ns(new_run_id(now)) == now // 1000 * 1000


def test_an_id_reads_as_its_time():
    assert new_run_id(1_795_500_000_123_456_789).startswith("20261124T060000.123456Z-")


def test_ids_of_one_moment_differ():
    assert len({new_run_id(0) for _ in range(50)}) > 45


@pytest.mark.parametrize("name", NOT_IDS)
def test_other_names_in_runs_are_no_runs(name):
    assert not is_run_id(name)


def test_a_made_up_run_at_the_end_of_time_breaks_no_later_start():
    assert is_run_id(new_run_id(10**18, newest="99991231T235959.999999Z-0000"))


def test_runs_are_listed_oldest_first_and_nothing_else_is(tmp_path):
    ids = [new_run_id(moment) for moment in (3 * 10**18, 10**18, 2 * 10**18)]
    for name in (*ids, *filter(None, NOT_IDS)):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert run_ids(str(tmp_path)) == sorted(ids)
    assert run_ids(str(tmp_path / "nowhere")) == []
