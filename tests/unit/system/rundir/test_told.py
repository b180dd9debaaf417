"""How often an agent was told: what a check may have put there holds nobody up."""

import os

import pytest

from vibeguard.system.rundir.told import count_file, counted, set_count


def test_a_count_is_kept_until_it_is_0(tmp_path):
    path = count_file(str(tmp_path), "session")
    for count in (0, 1, 2, 0, 1):
        set_count(path, count)
        assert counted(path) == count


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_of_ours_counts_as_0_at_once(tmp_path, put):
    path = count_file(str(tmp_path), "session")
    os.mkdir(os.path.dirname(path))
    put(path)
    assert counted(path) == 0
