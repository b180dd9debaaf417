"""What a project's files propose: each kind of file, composed, and written so that it loads."""

import json
import os
import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.config.load import load_config
from vibeguard.core.lang.grok import compile_grok
from vibeguard.core.proposing.base import Project
from vibeguard.core.proposing.composing import MOST_CHECKS, compose, config_text
from vibeguard.core.proposing.registry import of_the_project, proposals
from vibeguard.system.discovery.named import named


def composed(files):
    """The checks that these files (path -> content) propose."""
    texts = {path: dedent(text) for path, text in files.items()}
    return compose(proposals(Project(frozenset(of_the_project(texts)), texts)))


def runs(files):
    """id -> command, and the folder before it where it is not the project's."""
    checks = composed(files).checks
    return {c.id: f"{c.folder}: {c.run}" if c.folder else c.run for c in checks}


PYTEST = "-q --junitxml=@REPORTS@/@ID@.xml"
SCRIPTS = {"scripts": {"test": "jest", "lint": "eslint ."}}
CASES = {
    "tables of pyproject": (
        {"a.py": "", "pyproject.toml": "[tool.ruff.format]\n[tool.mypy]\nfiles = ['a.py']\n"},
        {
            "lint": "python -m ruff check .",
            "format": "python -m ruff format --check .",
            "types": "python -m mypy",
        },
    ),
    "dependencies, by the runner of the lock": (
        {
            "uv.lock": "",
            "test_a.py": "",
            "pyproject.toml": "[dependency-groups]\ndev = ['pytest>=8', 'black==25']\n",
        },
        {"format": "uv run black --check .", "tests": f"uv run pytest {PYTEST}"},
    ),
    "a tool without a file for it": ({"pyproject.toml": "[tool.ruff]\n"}, {}),
    "pytest without a test": ({"a.py": "", "pytest.ini": "[pytest]\n"}, {}),
    "requirements": (
        {"a.py": "", "requirements-dev.txt": "flake8>=7\n# mypy\n"},
        {"lint": "python -m flake8 ."},
    ),
    "sections that a tool reads, and one that none does": (
        {"a.py": "", "setup.cfg": "[tool:mypy]\n[isort]\n"},
        {"imports": "python -m isort --check-only ."},
    ),
    "broken files": (
        {
            "a.py": "",
            "pyproject.toml": "[tool.ruff",
            "package.json": "{",
            "noxfile.py": "def (",
            "tox.ini": "what",
            ".pre-commit-config.yaml": "[",
            ".github/workflows/ci.yml": "a: [",
        },
        {},
    ),
    "scripts of package.json": (
        {"package.json": json.dumps(SCRIPTS), "pnpm-lock.yaml": ""},
        {"lint": "pnpm run lint", "test": "pnpm run test"},
    ),
    "scripts that check nothing, change files or call others": (
        {
            "package.json": json.dumps(
                {
                    "scripts": {
                        "test": 'echo "Error: no test specified" && exit 1',
                        "lint": "echo fine",
                        "types": "true",
                        "check": "npm run lint && npm run test",
                        "format:check": "prettier --write .",
                        "lint:fix": "eslint --fix .",
                        "test:watch": "jest --watch",
                    }
                }
            )
        },
        {},
    ),
    "members of a workspace": (
        {
            "package.json": json.dumps({"workspaces": ["w"], "scripts": {"lint": "eslint ."}}),
            "w/package.json": json.dumps(SCRIPTS),
        },
        {"lint": "npm run lint", "w-test": "w: npm run test"},
    ),
    "a compiler without a script": (
        {"package.json": "{}", "tsconfig.json": "", "src/a.ts": ""},
        {"types": "npx --no-install tsc --noEmit"},
    ),
    "go": (
        {"svc/go.mod": "", "svc/a.go": "", "svc/a_test.go": ""},
        {
            "svc-fmt": 'svc: files=$(gofmt -l .) && echo "$files" && test -z "$files"',
            "svc-vet": "svc: go vet ./...",
            "svc-test": "svc: go test -json ./...",
        },
    ),
    "go without tests": (
        {"go.mod": "", "a.go": ""},
        {
            "fmt": 'files=$(gofmt -l .) && echo "$files" && test -z "$files"',
            "vet": "go vet ./...",
        },
    ),
    "gradle, its projects, and a workflow that says the same": (
        {
            "settings.gradle.kts": "",
            "gradlew": "",
            "app/build.gradle.kts": "",
            "app/src/A.kt": "",
            ".github/workflows/ci.yml": "jobs: {a: {steps: [{run: ./gradlew check}]}}",
        },
        {"check": "./gradlew --no-daemon check"},
    ),
    "maven below": (
        {"server/pom.xml": "", "server/core/pom.xml": "", "server/core/A.java": ""},
        {"server-verify": "server: mvn -B verify"},
    ),
    "a build without sources": ({"build.gradle": "", "docs/a.md": ""}, {}),
    "a workspace of rust": (
        {"Cargo.toml": "[workspace]\n", "Cargo.lock": "", "a/Cargo.toml": "", "a/src/lib.rs": ""},
        {
            "fmt": "cargo fmt --all --check",
            "clippy": "cargo clippy --locked --all-targets -- -D warnings",
            "test": "cargo test --locked",
        },
    ),
    "make": (
        {
            "Makefile": """\
                CC := gcc
                all: test
                .PHONY: test lint
                test: build
                \t@./run-tests
                lint:
                \t@echo linting
                check: test lint
                fmt-check:
                \tclang-format --dry-run -Werror *.c
                """
        },
        {
            "fmt-check": "if make -q fmt-check >/dev/null 2>&1; then "
            'echo "make fmt-check would run nothing"; exit 1; fi\nmake fmt-check\n',
            "test": "if make -q test >/dev/null 2>&1; then "
            'echo "make test would run nothing"; exit 1; fi\nmake test\n',
        },
    ),
    "a target whose tools are there by themselves": (
        {
            "Makefile": "lint:\n\truff check src\n",
            "pyproject.toml": "[tool.ruff]\n",
            "src/a.py": "",
        },
        {"lint": "python -m ruff check ."},
    ),
    "tox and nox": (
        {
            "tox.ini": "[testenv]\ncommands = python -m unittest\n[testenv:lint]\ncommands = pylint a\n"
            "[testenv:docs]\ncommands = sphinx-build\n",
            "noxfile.py": """\
                import nox

                @nox.session(python=["3.12"])
                def typecheck(session):
                    session.run("pyrefly", "check")

                def lint(session):
                    session.run("no session")
                """,
        },
        {"lint": "tox run -e lint", "typecheck": "nox -s typecheck", "tests": "tox run -e py"},
    ),
    "hooks of pre-commit": (
        {
            ".pre-commit-config.yaml": "repos: [{repo: a, hooks: [{id: ruff-check}, {id: black}]}]\n",
            "a.py": "",
            "pyproject.toml": "[tool.ruff]\n",
        },
        {
            "lint": "python -m ruff check .",
            "pre-commit": "pre-commit run --all-files --show-diff-on-failure",
        },
    ),
    "hooks that add nothing": (
        {
            ".pre-commit-config.yaml": "repos: [{repo: a, hooks: [{id: ruff}]}]\n",
            "a.py": "",
            "pyproject.toml": "[tool.ruff]\n",
        },
        {"lint": "python -m ruff check ."},
    ),
    "commands of workflows": (
        {
            "web/a.css": "",
            ".github/workflows/ci.yml": """\
                on: push
                jobs:
                  a:
                    steps:
                      - run: |
                          pip install yamllint
                          yamllint --strict .
                          pytest ${{ matrix.flags }}
                          mypy src | tee log
                      - run: npx prettier --check .
                        working-directory: ./web
                      - run: pytest
                        working-directory: gone
                """,
        },
        {"yamllint": "yamllint --strict .", "web-prettier": "web: npx prettier --check ."},
    ),
    "shell and bats": (
        {".shellcheckrc": "", "a.sh": "", "t/a.bats": "", "t/b.bats": ""},
        {"shell-syntax": ..., "shellcheck": ..., "t-bats": "t: bats --tap ."},
    ),
    "a folder that would be read as a variable": ({"{{x}}/package.json": json.dumps(SCRIPTS)}, {}),
    "a folder that leads out": ({"../package.json": json.dumps(SCRIPTS)}, {}),
    "what is somebody else's": (
        {"vendor/x/go.mod": "", "vendor/x/a.go": "", "node_modules/x/package.json": "{}"},
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_files_propose(name):
    """By id; `...` stands for a command that is tried elsewhere."""
    files, expected = CASES[name]
    found = runs(files)
    assert found == {key: found.get(key) if run is ... else run for key, run in expected.items()}


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_a_valid_config(name):
    """Every key of it is one that exists."""
    checks = composed(CASES[name][0])
    if checks.checks:
        config = load_config(config_text(checks, {}).encode(), "vibeguard.yaml")
        assert [check.id for check in config.checks] == [check.id for check in checks.checks]


def test_several_languages_are_composed():
    """Each has its own; names that are wanted twice get the language before them."""
    files = {
        "pyproject.toml": "[tool.ruff]\n[tool.pytest.ini_options]\n",
        "tests/test_a.py": "",
        "package.json": json.dumps(SCRIPTS),
        "tools/go.mod": "",
        "tools/a.go": "",
    }
    assert list(runs(files)) == ["lint", "node-lint", "tools-fmt", "tools-vet", "tests", "test"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("package.json", json.dumps({"scripts": {"test": "node --test"}})),
        ("Makefile", "test:\n\tgo test ./...\n"),
        ("tox.ini", "[testenv]\ncommands = pytest\n"),
        (".github/workflows/ci.yml", "jobs: {a: {steps: [{run: cargo test}]}}"),
        (".pre-commit-config.yaml", "repos: [{repo: a, hooks: [{id: x}]}]"),
    ],
)
def test_where_the_runner_is_known_running_nothing_is_no_pass(path, text):
    """A pattern that a runner without tests does not print, and an assertion that needs it."""
    (check,) = composed({path: text}).checks
    assert check.guard is not None


@pytest.mark.parametrize("said", ["# pass 3", "  3 passing (5ms)", "Tests  3 passed (3)"])
def test_of_the_runners_of_node_each_matches_all_that_is_proposed(said):
    """A report of a failure named the patterns of the other runners, as if they were missing."""
    package = json.dumps({"scripts": {"test": "node --test"}})
    text = config_text(composed({"package.json": package}), {})
    (check,) = load_config(text.encode(), "vibeguard.yaml").checks
    found = [compile_grok(pattern).search(said) for pattern in check.grok]
    assert found == [{"ran": "3"}]


def loaded(files):
    """The checks of the config that these files propose."""
    return load_config(config_text(composed(files), {}).encode(), "vibeguard.yaml").checks


@pytest.mark.parametrize("folder", ["", "a/", "a/it's [b]/"])
def test_pytest_reports_where_its_check_reads(folder):
    """The command runs in its folder, and what is read is named from the project's."""
    table = "[tool.pytest.ini_options]\n"
    (check,) = loaded({f"{folder}test_a.py": "", f"{folder}pyproject.toml": table})
    written = re.search(r"--junitxml=(\S+)", check.run)[1]
    (source,) = check.results
    assert os.path.normpath(f"{folder}{written}") == source.file
    assert source.file == f".vibeguard/reports/{check.id}.xml"


def test_of_two_builds_each_reads_its_own_reports(tmp_path):
    folders, report = ("a", "it's [b]"), "m/target/surefire-reports/TEST-a.xml"
    for folder in folders:
        (tmp_path / folder / report).parent.mkdir(parents=True)
        (tmp_path / folder / report).touch()
    checks = loaded(
        {f"{folder}/{name}": "" for folder in folders for name in ("pom.xml", "A.java")}
    )
    found = {c.cwd: [*named(str(tmp_path), c.results[0].file, hidden=False)] for c in checks}
    assert found == {folder: [f"{folder}/{report}"] for folder in folders}


def test_more_checks_than_anybody_reads_are_left_out_and_counted():
    """A repository of a hundred packages."""
    files = {f"p{n}/package.json": json.dumps(SCRIPTS) for n in range(MOST_CHECKS)}
    found = composed(files)
    assert (len(found.checks), found.left_out) == (MOST_CHECKS, MOST_CHECKS)
    assert f"{MOST_CHECKS} more were found" in config_text(found, {})


NAMES = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12)


@given(folder=NAMES, script=NAMES, command=NAMES)
def test_no_name_in_a_project_breaks_the_config_or_gets_out_of_its_place(folder, script, command):
    """Folders, scripts and commands may be called anything; a comment stays one line."""
    files = {
        f"{folder}/package.json": json.dumps({"scripts": {f"lint:{script}": command, "test": "x"}}),
        "Makefile": f"lint: {script}\n\t{command}\ntest {script}:\n\t{command}\n",
        ".github/workflows/a.yml": json.dumps(
            {"jobs": {"a": {"steps": [{"run": f"mypy {command}"}]}}}
        ),
    }
    found = compose(proposals(Project(frozenset(files), files)))
    if not found.checks:
        return
    config = load_config(config_text(found, {}).encode(), "vibeguard.yaml")
    assert [(c.id, c.run.strip(), c.cwd) for c in config.checks] == [
        (c.id, c.run.strip(), c.folder) for c in found.checks
    ]
