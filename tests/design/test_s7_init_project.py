"""`init` reads the project, and `--try` runs what it proposes: with real tools, in real projects."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.helpers.command import git, vibeguard

FILES = {
    "pyproject.toml": "[tool.ruff]\n[tool.pytest.ini_options]\n",
    "area.py": "import os\n\n\ndef area(a: int, b: int) -> int:\n    return a * b\n",
    "test_area.py": "from area import area\n\n\ndef test_area() -> None:\n    assert area(2, 3) == 6\n",
    "Makefile": (
        "check-files:\n\tmkdir -p made && date >made/a && date >made/b && date >>notes.txt\n"
        "lint-prose:\n\tno-such-tool .\n"
    ),
    "notes.txt": "notes\n",
    ".gitignore": "__pycache__/\n.pytest_cache/\n.ruff_cache/",
}


def made(folder: Path, files: dict[str, str]) -> Path:
    """These files in a repository, committed."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """The project after `init --try --gitignore`, and what that said."""
    folder = made(tmp_path_factory.mktemp("project"), FILES)
    done = vibeguard("init", "--try", "--gitignore", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.slow
def test_a_trial_tells_passed_failed_missing_and_what_is_left_behind(tried):
    """On stderr, and above each check of the config."""
    folder, done = tried
    text = (folder / "vibeguard.yaml").read_text()
    parts = {part.split("\n")[0].strip(): part for part in text.split("  - id: ")}
    above = {name: text.partition(f"  - id: {name}\n")[0].rpartition("\n\n")[2] for name in parts}
    assert "Tried: passed in " in above["tests"]
    assert "Tried: failed in " in above["lint"]
    assert "exit code 1" in above["lint"]
    assert "Tried: missing in " in above["lint-prose"]
    assert "no-such-tool" in above["lint-prose"]
    assert (
        "exit code 1: area.py:1: `os` imported but unused" in above["lint"]
    )  # what is wrong, and not the first line
    assert "It leaves behind made/a, made/b" in above["check-files"]
    assert "It changes notes.txt" in above["check-files"]
    for said in ("tests: passed", "lint: failed", "lint-prose: missing", "made/a"):
        assert said in done.stderr
    next_step = "install what is missing, then `vibeguard run` runs them, `vibeguard report --open`"
    assert next_step in done.stderr


@pytest.mark.slow
def test_what_is_left_behind_is_ignored_on_request_and_nothing_else(tried):
    """A folder that is new as a folder; a file of the project never; what was there stays."""
    folder, _ = tried
    before = FILES[".gitignore"]
    assert (folder / ".gitignore").read_text() == f"{before}\n/made/\n"
    status = git("status", "--porcelain", cwd=folder).stdout.splitlines()
    assert sorted(status) == [" M .gitignore", " M notes.txt", "?? vibeguard.yaml"]


@pytest.mark.slow
def test_what_is_proposed_runs_as_it_was_tried(tried):
    """The config is valid, and its checks say the same in a run."""
    folder, _ = tried
    assert vibeguard("validate", cwd=folder).returncode == 0
    done = vibeguard("run", "--json", cwd=folder)
    statuses = {check["id"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert statuses == {
        "lint": "failed",
        "check-files": "passed",
        "lint-prose": "failed",
        "tests": "passed",
    }


IDLE = {
    "pytest that skips all": {
        "pytest.ini": "[pytest]\n",
        "test_a.py": "import pytest\n\n\n@pytest.mark.skip\ndef test_a():\n    pass\n",
    },
    "node without a test": {
        "package.json": json.dumps({"scripts": {"test": "node --test"}}),
        "index.js": "",
    },
    "a target that is called up to date": {"Makefile": "test:\n\t./run\n", "test/a": ""},
    "unittest without a test": {"tox.ini": "", "Makefile": "test:\n\tpython3 -m unittest\n"},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", IDLE)
def test_no_proposed_check_is_content_with_a_runner_that_ran_nothing(tmp_path, kind):
    """Whatever the runner says of it."""
    if "node" in kind and not shutil.which("node"):
        pytest.skip("no node")
    folder = made(tmp_path, IDLE[kind])
    done = vibeguard("init", "--try", "--json", cwd=folder)
    document = json.loads(done.stdout)
    assert document["template"] == "project"
    assert [each["outcome"] for each in document["tried"]] == ["failed"], document


def test_init_tells_what_it_has_read_and_how_to_try_it(tmp_path):
    """And writes nothing but the config."""
    folder = made(tmp_path, FILES)
    done = vibeguard("init", cwd=folder)
    assert done.returncode == 0
    for said in ("4 checks", "Makefile", "pyproject.toml", "--try"):
        assert said in done.stderr
    assert git("status", "--porcelain", cwd=folder).stdout == "?? vibeguard.yaml\n"
    printed = vibeguard("init", "-o", "-", cwd=folder)
    assert printed.stdout == (folder / "vibeguard.yaml").read_text()
    listed = json.loads(vibeguard("init", "--force", "--json", cwd=folder).stdout)
    assert listed["checks"] == ["lint", "check-files", "lint-prose", "tests"]


def test_init_speaks_of_one_check_as_of_one(tmp_path):
    """How many, which, and the file that they come from."""
    folder = made(tmp_path, {"Makefile": "lint:\n\t! grep -n TODO notes.txt\n"})
    assert (
        "wrote vibeguard.yaml: 1 check, from Makefile: lint\n"
        in vibeguard("init", cwd=folder).stderr
    )


def test_a_template_is_taken_as_it_is_in_a_project_that_tells_more(tmp_path):
    """`--template` is an answer to the question."""
    folder = made(tmp_path, FILES)
    assert vibeguard("init", "--template", "bash", cwd=folder).returncode == 0
    assert "shellcheck" in (folder / "vibeguard.yaml").read_text()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--try", "--template", "bash"], "--template"),
        (["--try", "-o", "-"], "-o"),
        (["--gitignore"], "--try"),
        (["--try"], "no check to try"),
    ],
)
def test_flags_that_would_do_nothing_are_refused(tmp_path, argv, said):
    """Before anything is written."""
    done = vibeguard("init", *argv, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_read_says_nothing(tmp_path):
    """A pipe, a link that leads nowhere, a file of a gigabyte: none holds init up."""
    os.mkfifo(tmp_path / "Makefile")
    (tmp_path / "tox.ini").symlink_to("gone")
    with (tmp_path / "package.json").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "a.py").touch()
    (tmp_path / "mypy.ini").touch()
    assert vibeguard("init", cwd=tmp_path).returncode == 0
    assert "python -m mypy ." in (tmp_path / "vibeguard.yaml").read_text()


@pytest.mark.parametrize(
    ("command", "missed"),
    [
        ("python -c 'import no_such_package'", "no_such_package"),
        ("no-such-runner", "no-such-runner"),
    ],
)
def test_a_tool_that_nobody_has_installed_yet_is_named(tmp_path, command, missed):
    """A fresh clone has no environment of its own."""
    (tmp_path / "Makefile").write_text(f"test:\n\t@{command}\n")
    done = vibeguard("init", "--try", cwd=tmp_path)
    assert f"{missed} is not installed here\n" in done.stderr


def test_a_check_that_passes_although_its_command_is_not_there_is_missing_it(tmp_path):
    """The script of the project asks whether the tool printed something, not whether it ran."""
    recipe = '\t@if [ "`no-such-linter . | tee /dev/stderr`" ]; then exit 1; fi\n'
    (tmp_path / "Makefile").write_text(f"lint:\n{recipe}")
    done = vibeguard("init", "--try", cwd=tmp_path)
    assert "lint: missing in " in done.stderr
    assert "no-such-linter is not installed here, and the check passes all the same" in done.stderr


def test_where_the_files_tell_of_no_check_it_is_said_what_to_adapt(tmp_path):
    """The template calls make, which a repository of documents does not have."""
    (tmp_path / "README.md").write_text("# Notes\n")
    advice = "the files here tell of no check: put your own commands in the place of `make`"
    assert advice in vibeguard("init", cwd=tmp_path).stderr
    assert advice not in vibeguard("init", "--force", "-t", "generic", cwd=tmp_path).stderr


GRADLE = """#!/bin/sh
mkdir -p app/build/test-results/test
[ -e app/build/test-results/test/TEST-a.xml ] || # what is up to date is not tested again
echo '<testsuite tests="1"><testcase classname="A" name="a"/></testsuite>' >app/build/test-results/test/TEST-a.xml
"""


def test_a_gradle_build_passes_by_its_reports_also_when_nothing_was_tested_again(tmp_path):
    made(tmp_path, {"settings.gradle": "", "app/src/A.java": "", "gradlew": GRADLE})
    (tmp_path / "gradlew").chmod(0o755)
    assert vibeguard("init", cwd=tmp_path).returncode == 0
    for _ in range(2):
        done = vibeguard("run", "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["checks"][0]["results"]["tests"]["passed"] == 1
        assert done.returncode == 0
