"""DESIGN section 7, `init`: templates run on small real projects of their kind, right and broken."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, vibeguard
from vibeguard.commands.templates import TEMPLATES, config_template
from vibeguard.core.config.load import load_config
from vibeguard.core.judge import judge
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import Outcome

PYTHON_TEST = "from area import area\n\n\ndef test_area():\n    assert area(2, 3) == 6\n"
PYTHON = {
    "area.py": 'def area(width: int, height: int) -> int:\n    """The area."""\n    return width * height\n',
    "test_area.py": PYTHON_TEST,
}
SKIPPED = "import pytest\n\n\n@pytest.mark.skip\ndef test_area() -> None:\n    pass\n"
RUST = {
    "Cargo.toml": '[package]\nname = "area"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "area"\nversion = "0.1.0"\n',
    "src/lib.rs": (
        "pub fn area(width: u32, height: u32) -> u32 {\n    width * height\n}\n\n"
        "#[cfg(test)]\nmod tests {\n    #[test]\n    fn it_multiplies() {\n"
        "        assert_eq!(super::area(2, 3), 6);\n    }\n}\n"
    ),
}
GO = {
    "go.mod": "module area\n\ngo 1.20\n",
    "area.go": "package area\n\n// Area is width times height.\nfunc Area(w, h int) int { return w * h }\n",
    "area_test.go": (
        'package area\n\nimport "testing"\n\nfunc TestArea(t *testing.T) {\n'
        "\tif Area(2, 3) != 6 {\n\t\tt.Fail()\n\t}\n}\n"
    ),
}


class Project:
    """A small project: its files, the tools that it needs, and one change that breaks it.

    `broken` is a file and its new content, `finds` the check that must then fail. `runs` names the
    checks that need nothing but `tools`; None means all. `idle` is a change (None: a file goes)
    after which the runner of the tests is content and has run none of them.
    """

    def __init__(self, files, *, tools, broken, finds, runs=None, env=None, idle=None):
        self.files = files
        self.tools = tools
        self.broken = broken
        self.finds = finds
        self.runs = runs
        self.env = env or {}
        self.idle = idle or {}


PROJECTS = {
    "bash": Project(
        {
            "greet.sh": 'greet() { echo "hello $1"; }\n',
            "tests/run.sh": '. ./greet.sh\ntest "$(greet you)" = "hello you"\n',
        },
        tools=("bash",),
        broken=("greet.sh", "greet() { if; }\n"),
        finds="syntax",
    ),
    "generic": Project(
        {"Makefile": "all:\n\techo built\n\ntest:\n\ttest -f Makefile\n", "a.txt": "a\n"},
        tools=("make", "git"),
        idle={"test/a": ""},
        broken=("a.txt", "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"),
        finds="conflict-markers",
    ),
    "python-pip": Project(
        PYTHON,
        tools=("ruff", "mypy", "coverage"),
        idle={"test_area.py": SKIPPED},
        broken=("area.py", PYTHON["area.py"].replace("*", "+")),
        finds="tests",
    ),
    "python-uv": Project(
        PYTHON
        | {
            "pyproject.toml": '[project]\nname = "area"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n',
            "uv.lock": 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "area"\nversion = "0.1.0"\nsource = { virtual = "." }\n',
        },
        tools=("uv", "ruff", "mypy", "coverage"),
        idle={"test_area.py": SKIPPED},
        broken=("area.py", "import os\n\n\n" + PYTHON["area.py"]),
        finds="lint",
        env={
            "UV_PROJECT_ENVIRONMENT": sys.prefix,
            "UV_NO_SYNC": "1",
            "UV_OFFLINE": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        },
    ),
    "node-javascript": Project(
        {
            "package.json": json.dumps(
                {
                    "name": "area",
                    "private": True,
                    "scripts": {
                        "test": "node --test",
                        "lint": "node --check area.mjs",
                        "format:check": "true",
                    },
                }
            ),
            "area.mjs": "export const area = (width, height) => width * height;\n",
            "area.test.mjs": (
                'import assert from "node:assert";\nimport test from "node:test";\n'
                'import { area } from "./area.mjs";\n\ntest("area", () => assert.equal(area(2, 3), 6));\n'
            ),
        },
        tools=("node", "npm"),
        idle={"area.test.mjs": None},
        broken=("area.mjs", "export const area = (width, height) => width + height;\n"),
        finds="test",
        runs=("syntax", "lint", "format", "test"),  # audit asks a registry
    ),
    "rust-cargo": Project(
        RUST,
        tools=("cargo", "cargo-fmt", "cargo-clippy"),
        idle={"src/lib.rs": "//! Nothing.\n"},
        broken=("src/lib.rs", RUST["src/lib.rs"].replace("width * height", "width + height")),
        finds="test",
        env={"CARGO_NET_OFFLINE": "true"},
    ),
    "go-minimal": Project(
        GO,
        tools=("go", "gofmt"),
        idle={"area_test.go": None},
        broken=("area.go", GO["area.go"].replace("w * h", "w + h")),
        finds="test",
    ),
    "go-standard": Project(
        GO,
        tools=("go", "gofmt"),
        idle={"area_test.go": None},
        broken=("area.go", GO["area.go"].replace("w * h", "w + h")),
        finds="test",
        runs=("fmt", "vet", "build", "test"),
    ),
}


@cache
def _works(tool: str) -> bool:
    """Whether the tool is there and is more than a proxy for one that is not (rustup's are)."""
    path = shutil.which(tool, path=environment()["PATH"])
    if path is None:
        return False
    asked = "version" if tool == "go" else "--version"
    if tool == "gofmt":
        return True
    answer = subprocess.run([path, asked], capture_output=True, env=environment(), check=False)
    return answer.returncode == 0


def made(name: str, folder: Path) -> Path:
    """The project in a repository of its own, with the template as its config."""
    for tool in PROJECTS[name].tools:
        if not _works(tool):
            pytest.skip(f"{tool} is not installed")
    for file, content in PROJECTS[name].files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert vibeguard("init", "--template", name, cwd=folder).returncode == 0
    git("init", "-q", cwd=folder)
    (folder / ".gitignore").write_text("target/\nnode_modules/\n")
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def read_once(tmp_path_factory) -> dict[str, str]:
    """Where the tools keep what they have read of their own libraries: for all projects once."""
    return {"MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))}


def outcome(
    name: str, folder: Path, read_once: dict[str, str], *only: str
) -> tuple[int, dict[str, str]]:
    """Run the template's checks, or those alone: the exit code, and the status of each."""
    project = PROJECTS[name]
    argv = ("run", "--json", *(only or project.runs or ()))
    done = vibeguard(*argv, cwd=folder, env=project.env | read_once, timeout_s=600)
    document = json.loads(done.stdout)
    return done.returncode, {check["id"]: check["status"] for check in document["checks"]}


# Mypy and clippy take ten seconds of a processor for a sound project: by day their templates run the
# check that finds what breaks it, alone.
DEAR = ("python-pip", "rust-cargo")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "whole"),
    [
        *(pytest.param(n, True, marks=[pytest.mark.nightly] * (n in DEAR)) for n in PROJECTS),
        *((name, False) for name in DEAR),
    ],
)
def test_a_template_passes_on_a_sound_project_and_finds_what_breaks_it(
    name, whole, tmp_path, read_once
):
    """As it is handed out, without a change; and the work tree stays clean."""
    folder = made(name, tmp_path)
    finds = (PROJECTS[name].finds,) if whole else ("--no-deps", PROJECTS[name].finds)
    code, sound = outcome(name, folder, read_once, *(() if whole else finds))
    assert code == 0, sound
    assert sound[PROJECTS[name].finds] == "passed"
    assert git("status", "--porcelain", cwd=folder).stdout == ""
    file, content = PROJECTS[name].broken
    (folder / file).write_text(content)
    code, broken = outcome(name, folder, read_once, *finds)
    assert code == 1
    assert broken[PROJECTS[name].finds] == "failed", broken


# The check that runs the tests, where it is not called after what the broken project finds.
RUNS_TESTS = {"generic": "test", "python-pip": "tests", "python-uv": "tests"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, project in PROJECTS.items() if project.idle])
def test_no_template_is_content_with_a_runner_that_ran_no_test(name, tmp_path, read_once):
    folder = made(name, tmp_path)
    for file, content in PROJECTS[name].idle.items():
        path = folder / file
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
    runs_tests = RUNS_TESTS.get(name, PROJECTS[name].finds)
    code, statuses = outcome(name, folder, read_once, runs_tests)
    assert code == 1
    assert statuses[runs_tests] == "failed"


def checks_of(name: str) -> dict[str, CheckConfig]:
    """The checks of a template, by id."""
    config = load_config(config_template(name).encode(), "vibeguard.yaml")
    return {check.id: check for check in config.checks}


# Words with which a command passes although it looked at nothing, or found something.
FORGIVING = re.compile(
    r"--if-present|--passWithNoTests|--pass-with-no-tests|--exit-zero|--ignore-errors|--keep-going"
    r"|\|\| *(true|:)|; *(true|:|exit 0) *$",
    re.MULTILINE,
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_command_of_a_template_forgives(name):
    assert [each.run for each in checks_of(name).values() if FORGIVING.search(each.run)] == []


@pytest.mark.parametrize("name", sorted(set(TEMPLATES) - {"bash", "generic"}))
def test_a_runner_that_is_content_and_says_nothing_passes_no_template(name):
    """Bash and make run what the project has written, and it must be there."""
    checks = checks_of(name)
    unit = checks.get("tests") or checks["test"]
    if unit.expect is not None:
        assert unit.expect.min > 0
    else:
        planned = PlannedCheck(id="a", run="x", stem="a", grok=unit.grok, assertion=unit.assertion)
        judged = judge(planned, 0, "", None, b"", grok_limit_bytes=1 << 20)
        assert judged.outcome is Outcome.FAILED


@pytest.mark.nightly  # npm takes a second of a processor; the two above hold the rule by day
@pytest.mark.skipif(not shutil.which("npm"), reason="NOT TRIED HERE: npm is not installed")
def test_a_script_that_package_json_does_not_have_fails_its_check(tmp_path):
    (tmp_path / "package.json").write_text('{"name": "area", "private": true}')
    assert vibeguard("init", "--template", "node-javascript", cwd=tmp_path).returncode == 0
    done = vibeguard("run", "--json", "--no-deps", "lint", "test", cwd=tmp_path)
    statuses = {check["id"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert (done.returncode, statuses) == (1, {"lint": "failed", "test": "failed"})


# What measures coverage, and a stand-in for it: it writes its profile, and fails where it is told to.
MEASURING = {
    "go-standard": 'for word; do case $word in -coverprofile=*) echo x > "${word#*=}" ;; esac; done',
    "python-pip": 'echo x > "$COVERAGE_FILE"',
    "python-poetry": 'echo x > "$COVERAGE_FILE"',
    "python-uv": 'echo x > "$COVERAGE_FILE"',
}
PROGRAMS = {
    "go-standard": "go",
    "python-pip": "python",
    "python-poetry": "poetry",
    "python-uv": "uv",
}


@pytest.mark.parametrize("fails", ["nothing", " test| run", " cover| report"])
@pytest.mark.parametrize("name", MEASURING)
def test_no_profile_of_coverage_is_left_behind(tmp_path, name, fails):
    """In the tree it would make that another than what is committed, and each push refused."""
    folders = {each: tmp_path / each for each in ("bin", "scratch", "tree")}
    for each in folders.values():
        each.mkdir()
    program = folders["bin"] / PROGRAMS[name]
    told = f'case " $*" in {"|".join(f"*{word!r}*" for word in fails.split("|"))}) exit 1 ;; esac'
    program.write_text(f"#!/bin/sh\n{MEASURING[name]}\n{told}\n")
    program.chmod(0o755)
    checks = checks_of(name)
    unit = checks.get("tests") or checks["test"]
    path = f"{folders['bin']}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", unit.run],
        cwd=folders["tree"],
        env={"PATH": path, "TMPDIR": str(folders["scratch"])},
        check=False,
    )
    assert (done.returncode == 0) is (fails == "nothing")
    assert not list(folders["tree"].iterdir())
    assert not list(folders["scratch"].iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_passes_where_there_is_nothing(name, tmp_path):
    """Nor where its tools are missing: then it cannot be known what there is."""
    assert vibeguard("init", "--template", name, cwd=tmp_path).returncode == 0
    git("init", "-q", cwd=tmp_path)
    done = vibeguard("run", "--fail-fast", "--exclude-tags", "security,lint", cwd=tmp_path)
    assert done.returncode in (1, 2), done.stderr
    if done.returncode == 2:  # this one has no check of such a tag
        assert vibeguard("run", "--fail-fast", cwd=tmp_path).returncode == 1
