"""DESIGN section 11, "Selecting": what an earlier run or a change leaves of the checks."""

import json
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard

CHECKS = """
version: "1"
checks:
  - {id: base, run: "true"}
  - {id: unit, run: "test -e mended", requires: [base]}
  - {id: ship, run: "true", requires: [unit]}
  - {id: docs, run: "true"}
  - {id: style, run: "test -e styled", severity: warning}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path, CHECKS)


def ran(done) -> list[str]:
    """The checks of a run with --json, in order."""
    return [check["id"] for check in json.loads(done.stdout)["checks"]]


def test_failed_takes_what_did_not_pass_and_what_that_requires(folder):
    assert vibeguard("run", cwd=folder).returncode == 1
    again = vibeguard("run", "--failed", "--json", cwd=folder)
    assert (again.returncode, ran(again)) == (1, ["base", "unit", "ship", "style"])
    (folder / "mended").touch()
    assert vibeguard("run", "--failed", cwd=folder).returncode == 0


def test_a_run_that_passed_leaves_nothing_to_run(folder):
    (folder / "mended").touch()
    assert vibeguard("run", cwd=folder).returncode == 0  # with a warning
    done = vibeguard("run", "--failed", cwd=folder)
    assert done.returncode == 2
    assert "passed: nothing of it is left to run" in done.stderr


@pytest.mark.parametrize("words", [("--failed=latest~1",), ("--failed", "latest~1")])
def test_failed_of_a_named_run(folder, words):
    vibeguard("run", "unit", cwd=folder)
    vibeguard("run", "docs", cwd=folder)
    done = vibeguard("run", *words, "--json", cwd=folder)
    assert ran(done) == ["base", "unit"]


def test_ids_and_failed_narrow_each_other(folder):
    vibeguard("run", cwd=folder)
    done = vibeguard("run", "--failed", "style", "--json", cwd=folder)
    assert ran(done) == ["style"]
    done = vibeguard("run", "--failed=latest~1", "docs", cwd=folder)
    assert (done.returncode, "name others" in done.stderr) == (2, True)


def test_a_failed_check_that_is_no_more_is_named(folder):
    vibeguard("run", cwd=folder)
    project(folder, CHECKS.replace("{id: ship,", "{id: send,"))
    done = vibeguard("run", "--failed", "--json", cwd=folder)
    assert ran(done) == ["base", "unit", "style"]
    assert json.loads(done.stdout)["notes"] == ["not in the config any more: ship"]


def test_a_damaged_log_is_nothing_to_take_from(folder):
    vibeguard("run", cwd=folder)
    (log,) = folder.glob(".vibeguard/runs/*/events.jsonl")
    log.write_bytes(log.read_bytes().replace(b'"failed"', b'"passed"'))
    done = vibeguard("run", "--failed", cwd=folder)
    assert done.returncode == 4
