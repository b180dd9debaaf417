"""What a coding agent reads is enough to act on: file, line and cause, out of the text alone."""

import shutil
from pathlib import Path

import pytest
import yaml
from msgspec import Struct

from tests.helpers.command import project, vibeguard


class Broken(Struct):
    """A small project with one planted fault, and what a text about it has to say."""

    needs: str
    command: str
    files: dict[str, str]
    place: str
    cause: str


BROKEN = {
    "pytest": Broken(
        "python",
        "python -m pytest -q -p no:cacheprovider",
        {
            "pyproject.toml": "[tool.pytest.ini_options]\n",
            "shop.py": "def total(prices):\n    return sum(prices) - 1\n",
            "test_shop.py": "import shop\n\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n",
        },
        "test_shop.py:5",
        "assert 2 == 3",
    ),
    "python": Broken(
        "python",
        "python main.py",
        {
            "main.py": "import settings\n\nprint(settings.load()['port'])\n",
            "settings.py": "def load():\n    return {'host': 'x'}\n",
        },
        "main.py:3",
        "KeyError: 'port'",
    ),
    "ruff": Broken(
        "ruff",
        "ruff check --isolated --no-cache .",
        {"app.py": "import os\n\nprint(undefined_name)\n"},
        "app.py:3:7",
        "Undefined name `undefined_name`",
    ),
    "node": Broken(
        "node",
        "node --test",
        {
            "cart.js": "exports.count = (items) => items.length + 1;\n",
            "cart.test.js": "const test = require('node:test');\nconst assert = require('node:assert');\n"
            "const {count} = require('./cart.js');\n\ntest('counts', () => {\n"
            "  assert.strictEqual(count(['a']), 1);\n});\n",
        },
        "cart.test.js:6",
        "2 !== 1",
    ),
    "shell": Broken(
        "bash",
        "bash deploy.sh",
        {"deploy.sh": "set -eu\nfor host in a b; do\n  echo $host\n  copy_to $host\ndone\n"},
        "deploy.sh: line 4",
        "copy_to: command not found",
    ),
    "c": Broken(
        "gcc",
        "gcc -c -o /dev/null main.c",
        {"main.c": "int main(void)\n{\n    return answer;\n}\n"},
        "main.c:3:12",
        "undeclared",
    ),
    "go": Broken(
        "go",
        "go build -o /dev/null ./...",  # as vet, but in the same words in every version
        {
            "go.mod": "module example.org/x\n\ngo 1.21\n",
            "main.go": "package main\n\nfunc main() {\n\tmissing()\n}\n",
        },
        "main.go:4:2",
        "undefined: missing",
    ),
    "perl": Broken(
        "perl",
        "perl -c main.pl",
        {"main.pl": "use strict;\nmy $total = 3;\nprint $totl;\n"},
        "main.pl line 3",
        'Global symbol "$totl"',
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_failure_names_file_line_and_cause(name, tmp_path):
    broken = BROKEN[name]
    if shutil.which(broken.needs) is None:
        pytest.skip(f"there is no {broken.needs} here")
    config = yaml.safe_dump({"checks": [{"id": "check", "run": broken.command}]})
    folder = project(tmp_path, config)
    for path, text in broken.files.items():
        Path(folder, path).write_text(text, encoding="utf-8")
    done = vibeguard("run", "--format", "agent", cwd=folder)
    assert done.returncode == 1
    assert broken.place in done.stdout, done.stdout
    assert broken.cause in done.stdout, done.stdout


TWO = """
checks:
  - {id: a, run: "cat a.txt; test ! -s a.txt"}
  - {id: b, run: "cat b.txt; test ! -s b.txt"}
"""


@pytest.fixture
def folder(tmp_path):
    """A project in which `a` has failed once, and fails again beside `b`."""
    folder = project(tmp_path, TWO)
    (folder / "a.txt").write_text("error: boom in src/a.py\n")
    (folder / "b.txt").write_text("")
    assert vibeguard("run", cwd=folder).returncode == 1
    (folder / "b.txt").write_text("error: bang in src/b.py\n")
    assert vibeguard("run", cwd=folder).returncode == 1
    return folder


@pytest.mark.parametrize("since", ["last", "latest~1"])
@pytest.mark.parametrize("command", ["report", "tail"])
def test_since_a_run_only_what_is_new_is_told_in_full(folder, command, since):
    done = vibeguard(command, "--format", "agent", "--since", since, cwd=folder)
    assert done.returncode == 1
    assert done.stdout.startswith("FAILED b [exit_code]: exit code 1 (")
    assert "; new)\n" in done.stdout
    assert "| a: error: boom in src/a.py (as before)\n" in done.stdout
    assert "1 new, 1 still failing, 0 fixed\n" in done.stdout


def test_without_since_everything_is_told_and_what_is_mended_is_named(folder):
    (folder / "a.txt").write_text("")
    done = vibeguard("run", "--format", "agent", cwd=folder)
    assert "; still failing)\n" in done.stdout
    assert "| error: bang in src/b.py\n" in done.stdout
    assert "\nfixed: a" in done.stdout


def test_a_run_of_other_checks_is_not_what_one_is_held_against(folder):
    (folder / "b.txt").write_text("")
    assert vibeguard("run", "b", cwd=folder).returncode == 0
    done = vibeguard("run", "a", "--format", "agent", cwd=folder)
    assert "; still failing)\n" in done.stdout


@pytest.mark.parametrize("command", ["report", "tail"])
def test_a_run_to_count_from_is_for_agents_and_has_to_be_there(folder, command):
    done = vibeguard(command, "--since", "last", cwd=folder)
    assert done.returncode == 2
    assert "use report --compare=RUN" in done.stderr
    done = vibeguard(command, "--since", "20200101T", "--format", "agent", cwd=folder)
    assert done.returncode == 2
    assert "20200101T" in done.stderr
