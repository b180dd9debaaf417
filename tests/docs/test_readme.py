"""The README's promises, and the files that set the project up."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.examples import ROOT

README = ROOT / "README.md"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def command(heading: str, readme: Path = README) -> str:
    """The one command of the one `sh` fence below a heading."""
    section = readme.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (only,) = re.findall(r"^```sh\n([^\n]+)\n```$", section, re.MULTILINE)
    return str(only)


@pytest.mark.parametrize("heading", ["See it", "Quick start", "Test"])
def test_a_promise_of_the_readme_is_one_command_that_exists(heading: str) -> None:
    """One line to paste after cloning, and it names a script that can be executed."""
    script = ROOT / command(heading).split()[0]
    assert script.is_file()
    assert script.stat().st_mode & 0o111


def test_the_first_screen_shows_a_config_and_a_run() -> None:
    """Before the Quick start a reader has seen what it does: a config, and what a run prints."""
    first, _, _ = README.read_text(encoding="utf-8").partition("\n## ")
    assert "```yaml" in first
    assert "$ vibeguard run" in first


@pytest.mark.slow
def test_the_demo_explains_a_failure_and_passes_once_it_is_mended(tmp_path: Path) -> None:
    """The place of the failed test and what is skipped because of it, before anything is installed."""
    done = subprocess.run(
        [ROOT / command("See it")],
        env=os.environ | {"PYTHON": sys.executable, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    failed, _, mended = done.stdout.partition("$ sed ")
    for said in ("FAILED unit", "test_area.py:8", "skipped: package", "(exit code 1)"):
        assert said in failed
    assert "passed: 4 checks" in mended
    assert "(exit code 0)" in mended


def test_ci_runs_the_test_command_of_the_readme(tmp_path: Path) -> None:
    """.ci/run takes the command from the README: change it there, and CI runs the new one."""
    for name in (".ci", "scripts"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    text = README.read_text(encoding="utf-8").replace(command("Test"), "./scripts/other --loud")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    other = tmp_path / "scripts" / "other"
    other.write_text('#!/bin/sh\necho "other $* in $PWD"; exit 7\n', encoding="utf-8")
    other.chmod(0o755)
    done = subprocess.run(
        ["bash", str(tmp_path / ".ci" / "run")],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 7, done.stderr
    assert f"other --loud in {tmp_path}" in done.stdout


def test_without_a_python_the_set_up_says_what_is_missing() -> None:
    """A machine without Python 3.11 gets a sentence, and exit 2."""
    done = subprocess.run(
        ["sh", str(ROOT / "scripts" / "venv")],
        env={"PATH": "/usr/bin:/bin", "PYTHON": "/nowhere/python3"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "no Python 3.11 or newer" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_with_hashes_and_names_no_index(lock: Path) -> None:
    """Every requirement is exact and hashed; where it comes from is the installer's business."""
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-z0-9][^\n]*", text, re.MULTILINE)
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[^ ]+ ", pin), pin
        assert pin.endswith("\\"), pin
    assert text.count("--hash=sha256:") >= len(pins)


def test_the_minimums_lock_holds_the_lower_bounds() -> None:
    """What `nox -s minimums` installs is what pyproject.toml calls the lowest that works."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = (ROOT / "requirements" / "minimums.txt").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        requirement = dependency.partition(";")[0].strip()
        assert f"\n{requirement.replace('>=', '==')} " in f"\n{locked}", requirement
