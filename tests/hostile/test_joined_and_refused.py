"""A run that was joined keeps its promises; a config that broke meanwhile locks nobody out."""

import json
import os

import pytest

from tests.helpers.command import project, vibeguard
from tests.helpers.running import running

CONFIG = "checks: [{id: held, run: 'read line < fifo', timeout: 10m}]"


@pytest.fixture
def folder(tmp_path):
    """One check that reads a pipe."""
    os.mkfifo(tmp_path / "fifo")
    return project(tmp_path, CONFIG)


def release(folder) -> None:
    """Let the check go on; blocks until it reads."""
    with open(folder / "fifo", "w") as fifo:
        fifo.write("go on\n")


def detach(folder) -> str:
    done = vibeguard("run", "--detach", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("form", "stream"), [("text", 1), ("json", 2)])
def test_who_joins_a_run_is_told_its_seal_as_well(folder, form, stream):
    run = detach(folder)
    words = ("run", "--max-wait", "10m", "--print-seal", "--format", form)
    with running(folder, *words) as joined:
        assert joined.process.stderr is not None
        assert "joined run" in joined.process.stderr.readline()
        release(folder)
        answer = joined.end()
    assert answer[0] == 0
    seal = json.loads(
        (folder / ".vibeguard/runs" / run / "events.jsonl").read_text().splitlines()[-1]
    )
    assert seal["sha256"] in answer[stream].splitlines()


def test_a_config_that_broke_since_locks_nobody_out_of_a_live_run(folder):
    run = detach(folder)
    project(folder, "checks: nonsense")
    assert vibeguard("run", cwd=folder).returncode == 2
    assert vibeguard("wait", "--max-wait", "1ms", cwd=folder).returncode == 5
    assert vibeguard("report", cwd=folder).returncode == 2
    cancelled = vibeguard("cancel", cwd=folder)
    assert cancelled.returncode == 0
    assert run in cancelled.stderr
    assert vibeguard("tail", run, cwd=folder).returncode == 143
    for verb in ("wait", "tail", "report"):
        assert vibeguard(verb, cwd=folder).returncode == 2, verb
