"""Whatever a check puts where a run keeps a file: no command waits for it, none breaks on it."""

import os

import pytest

from tests.helpers.command import project, vibeguard
from vibeguard.system.rundir.notes import TRACEBACK

COMMANDS = (
    ("run",),
    ("runs",),
    ("status", "latest~1"),
    ("report", "latest~1"),
    ("wait", "latest~1"),
    ("tail", "latest~1"),
    ("cancel", "latest~1"),
    ("prune",),
)


def folder_instead(path):
    path.mkdir()
    (path / "file").touch()


def link_instead(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("plant", [os.mkfifo, folder_instead, link_instead])
@pytest.mark.parametrize("name", ["events.jsonl", "bytes", "differences", TRACEBACK])
def test_no_command_waits_for_what_lies_in_the_place_of_a_file(tmp_path, name, plant):
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    (old,) = (tmp_path / ".vibeguard" / "runs").iterdir()
    if name == TRACEBACK:  # read where the log ends without a seal
        events = (old / "events.jsonl").read_bytes().splitlines(keepends=True)
        (old / "events.jsonl").write_bytes(b"".join(events[:-1]))
    (old / name).unlink(missing_ok=True)
    plant(old / name)
    old_code = {"bytes": 0, TRACEBACK: 3}.get(name, 4)
    for words in COMMANDS:
        done = vibeguard(*words, cwd=tmp_path)
        assert "defect" not in done.stderr, words
        assert done.returncode == (old_code if words[0] in ("report", "wait", "tail") else 0), words


@pytest.mark.parametrize("name", ["order", "latest"])
def test_a_run_says_what_lies_in_the_place_of_a_file_of_the_state_folder(tmp_path, name):
    """It is no defect of ours, and no full disk."""
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    (tmp_path / ".vibeguard" / name).mkdir(parents=True)
    done = vibeguard("run", cwd=tmp_path)
    assert done.returncode == 4
    assert "remove what lies in its place" in done.stderr
    assert f".vibeguard/{name})" in done.stderr


def test_a_reader_names_a_record_of_runs_that_cannot_be_read_and_what_to_do(tmp_path):
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    (tmp_path / ".vibeguard" / "order").mkdir(parents=True)
    said = vibeguard("status", cwd=tmp_path).stderr
    assert ".vibeguard/order, cannot be read" in said
    assert "remove it" in said


def test_a_config_that_came_through_a_pipe_is_not_waited_for_by_its_report(tmp_path):
    project(tmp_path, "checks: [{id: a, run: ':'}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    (tmp_path / "vibeguard.yaml").unlink()
    os.mkfifo(tmp_path / "vibeguard.yaml")
    assert vibeguard("report", cwd=tmp_path).returncode == 0
