"""What a user may call a run."""

import os

import pytest

from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.ids import place_of
from vibeguard.system.vouching.known import RunNotFound, find_run

IDS = (
    "20261123T120000.000000Z-aaaa",
    "20261124T060000.000000Z-bbbb",
    "20261124T060500.000000Z-cccc",
)


@pytest.fixture
def state(tmp_path):
    for name in (*IDS, ".new-9999", ".old-" + IDS[0]):
        (tmp_path / "runs" / name).mkdir(parents=True)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("reference", "index"),
    [
        ("latest", 2),
        ("latest~0", 2),
        ("latest~1", 1),
        ("latest~2", 0),
        (IDS[1], 1),
        ("20261123", 0),
        ("20261124T0605", 2),
        ("2026112" + "3", 0),
    ],
)
def test_a_run_is_found_by_id_prefix_or_count(state, reference, index):
    folder = find_run(state, reference)
    assert folder == os.path.join(state, "runs", IDS[index])
    assert place_of(folder)[1] == IDS[index]


def test_latest_is_the_newest_folder_whatever_the_link_says(state):
    os.symlink("runs/" + IDS[0], os.path.join(state, "latest"))
    assert place_of(find_run(state, "latest"))[1] == IDS[2]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("20261124", "means 2 runs: 20261124T060000"),
        ("2027", "there is no run '2027'"),
        ("", "there is no run ''"),
        ("latest~3", "there is no latest~3: 3 runs are kept"),
        ("latest~x", "there is no run"),
        ("latest~" + "9" * 5000, "there is no run"),
        ("../runs/" + IDS[0], "there is no run"),
        (".new", "there is no run"),
        ("*", "there is no run"),
    ],
)
def test_what_means_no_run_or_several_is_a_usage_error_that_helps(state, reference, words):
    with pytest.raises(RunNotFound) as caught:
        find_run(state, reference)
    assert words in caught.value.what
    assert caught.value.do
    assert isinstance(caught.value, UsageError)


def test_without_any_run_it_says_how_to_get_one(tmp_path):
    with pytest.raises(RunNotFound, match="there is no run in") as caught:
        find_run(str(tmp_path), "latest")
    assert caught.value.do == "start one: vibeguard run"


def test_only_a_few_of_many_matches_are_shown(tmp_path):
    for number in range(40):
        (tmp_path / "runs" / f"20261124T0600{number:02}.000000Z-aaaa").mkdir(parents=True)
    with pytest.raises(RunNotFound, match="and 35 more"):
        find_run(str(tmp_path), "2026")
