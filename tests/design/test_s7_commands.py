"""DESIGN section 7: the commands that read a config, as processes."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from vibeguard.commands.templates import TEMPLATES

CONFIG = """\
version: "1"
prompts:
  - {id: fix, description: How to fix it, content: "Line 1\\nLine 2\\n", tags: [help]}
  - {id: bare}
checks:
  - {id: fmt, run: 'true', tags: [fast]}
  - {id: unit, run: pytest -q, requires: [fmt], tags: [slow, fast], timeout: 12m}
  - {id: docs, run: 'true', severity: warning, requires: [unit]}
"""
BROKEN = """\
checks:
  - {id: a, run: 'true', timeot: 3s}
  - {id: a, run: 'true', severity: fatal}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a config of three checks."""
    return project(tmp_path / "project", CONFIG)


def document(*argv, cwd, **kwargs):
    """What the command prints, which is one JSON document and nothing else."""
    return json.loads(vibeguard(*argv, "--json", cwd=cwd, **kwargs).stdout)


def test_version_and_nothing_else_is_printed(tmp_path):
    """On stdout, whatever stands around it."""
    for argv in (["--version"], ["-v", "--version"]):
        done = vibeguard(*argv, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("vibeguard 0.")


def test_version_imports_nothing_but_our_own_first_lines(tmp_path):
    """That is what keeps it within twice the time of a bare interpreter."""
    script = (
        "import sys; before = set(sys.modules); from vibeguard.cli import main; main(['--version']);"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1] == "['vibeguard', 'vibeguard.cli', 'vibeguard.version']"


def test_help_names_every_command_and_the_exit_codes(tmp_path):
    """Without a verb, and with --help, exit 0."""
    for argv in ([], ["--help"], ["-h"]):
        done = vibeguard(*argv, cwd=tmp_path)
        assert done.returncode == 0
        assert all(f" {name} " in done.stdout for name in ("tail", "validate", "run (check)"))
        assert "129, 130, 143" in done.stdout


def test_validate_says_that_a_config_is_right(folder):
    """A sentence on stderr, exit 0; a document with --json."""
    done = vibeguard("validate", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert (
        done.stderr
        == "vibeguard.yaml is valid: 3 checks, 1 of them in the background, 2 prompts.\n"
        "advice: unit runs pytest: --junitxml=out/unit.xml and results: {junit: out/unit.xml} tells "
        "each result\n"
    )
    said = document("validate", cwd=folder)
    assert (said["valid"], said["checks"], said["errors"], said["exit_code"]) == (True, 3, [], 0)


def test_validate_tells_every_mistake_with_its_place(tmp_path):
    """file:line:col, the offending line, exit 2, no state folder."""
    folder = project(tmp_path, BROKEN)
    done = vibeguard("validate", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "vibeguard.yaml:2:26: " in done.stderr
    assert 'did you mean "timeout"?' in done.stderr
    assert "vibeguard.yaml:3:" in done.stderr
    assert "- {id: a, run: 'true', timeot: 3s}" in done.stderr
    assert not (folder / ".vibeguard").exists()
    said = document("validate", cwd=folder)
    assert said["exit_code"] == 2
    assert {(each["file"], each["line"]) for each in said["errors"]} >= {("vibeguard.yaml", 2)}


def test_list_shows_the_checks_in_the_order_of_the_config(folder):
    """Data on stdout, nothing on stderr."""
    done = vibeguard("list", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["fmt", "unit", "docs"]
    assert "pytest -q" not in done.stdout
    assert "pytest -q" in vibeguard("list", "-v", cwd=folder).stdout
    unit = document("list", cwd=folder)["checks"][1]
    assert unit == {
        "id": "unit",
        "command": "pytest -q",
        "requires": ["fmt"],
        "tags": ["slow", "fast"],
        "severity": "error",
        "timeout_ms": 720_000,
        "pool": "background",
    }


@pytest.mark.parametrize(
    ("flags", "ids"),
    [
        (["--tags", "slow"], ["unit"]),
        (["--tags", "slow,fast"], ["fmt", "unit"]),
        (["--tags", "fast", "--exclude-tags", "slow"], ["fmt"]),
        (["--exclude-tags=slow"], ["fmt", "docs"]),
        (["--tags", ""], ["fmt", "unit", "docs"]),
    ],
)
def test_list_and_tags_take_filters(folder, flags, ids):
    """What is shown are the matching checks, not what they require."""
    assert [check["id"] for check in document("list", *flags, cwd=folder)["checks"]] == ids
    tagged = {
        check for tag in document("tags", *flags, cwd=folder)["tags"] for check in tag["checks"]
    }
    assert tagged == set(ids) - {"docs"}


def test_a_tag_that_no_check_has_is_an_error_with_a_suggestion(folder):
    """Everywhere, also where nothing is run."""
    done = vibeguard("list", "--tags", "fsat", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "fast"?' in done.stderr


def test_tags_are_one_a_line_in_alphabetical_order(folder):
    """Ready for a pipe; with -v the checks of each."""
    assert vibeguard("tags", cwd=folder).stdout == "fast\nslow\n"
    assert "slow  unit" in vibeguard("tags", "-v", cwd=folder).stdout


def test_prompt_prints_the_content_byte_for_byte(folder):
    """Nothing before it, nothing after it."""
    assert vibeguard("prompt", "fix", cwd=folder).stdout == "Line 1\nLine 2\n"
    assert vibeguard("prompt", "bare", cwd=folder).stdout == ""
    assert document("prompt", "fix", cwd=folder)["content"] == "Line 1\nLine 2\n"


def test_prompt_lists_what_there_is(folder):
    """Ids and descriptions; -v adds the contents; filters by tag."""
    listed = vibeguard("prompt", cwd=folder).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["fix", "bare", "init"]
    assert "How to fix it" in listed
    assert "    Line 2\n" in vibeguard("prompt", "-v", cwd=folder).stdout
    assert [each["id"] for each in document("prompt", cwd=folder)] == [
        "fix",
        "bare",
        "init",
    ]
    tagged = document("prompt", "--tags", "help", cwd=folder)
    assert [each["id"] for each in tagged] == ["fix"]


def test_a_prompt_that_is_not_there_is_an_error_with_a_suggestion(folder):
    """Exit 2, nothing on stdout."""
    done = vibeguard("prompt", "fxi", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "fix"?' in done.stderr


def test_the_built_in_prompt_needs_no_config(tmp_path):
    """And other prompts do."""
    done = vibeguard("prompt", "init", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("# Write a vibeguard.yaml")
    assert vibeguard("prompt", "fix", cwd=tmp_path).returncode == 2
    assert vibeguard("prompt", "init", "-c", "missing.yaml", cwd=tmp_path).returncode == 2


def test_a_prompt_named_init_in_the_config_wins(tmp_path):
    """The project knows better."""
    config = "prompts: [{id: init, content: ours}]\nchecks: [{id: a, run: 'true'}]\n"
    folder = project(tmp_path, config)
    assert vibeguard("prompt", "init", cwd=folder).stdout == "ours"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_a_config_that_validates(tmp_path, name):
    """With comments, and with a suite in the background."""
    assert vibeguard("init", "-t", name, cwd=tmp_path).returncode == 0
    said = document("validate", cwd=tmp_path)
    assert said["valid"]
    assert said["background"] >= 1
    text = (tmp_path / "vibeguard.yaml").read_text()
    assert text.startswith("# ")
    assert text.count("\n  # ") >= 1


def test_the_templates_are_those_that_people_know(tmp_path):
    """Eleven names, listed with a line each."""
    names = [
        "bash",
        "bun-typescript",
        "generic",
        "go-minimal",
        "go-standard",
        "node-javascript",
        "node-typescript",
        "python-pip",
        "python-poetry",
        "python-uv",
        "rust-cargo",
    ]
    done = vibeguard("init", "--list-templates", cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == names
    assert vibeguard("init", "-t", "list", cwd=tmp_path).stdout == done.stdout
    listed = document("init", "--list-templates", cwd=tmp_path)["templates"]
    assert [each["name"] for each in listed] == names
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("files", "template"),
    [
        ((), "generic"),
        (("package.json",), "node-javascript"),
        (("package.json", "tsconfig.json"), "node-typescript"),
        (("package.json", "tsconfig.json", "bun.lock"), "bun-typescript"),
        (("go.mod",), "go-standard"),
        (("Cargo.toml",), "rust-cargo"),
        (("pyproject.toml",), "python-pip"),
        (("pyproject.toml", "uv.lock"), "python-uv"),
        (("pyproject.toml", "poetry.lock"), "python-poetry"),
    ],
)
def test_init_takes_the_template_that_fits_the_folder(tmp_path, files, template):
    """And says which."""
    for name in files:
        (tmp_path / name).touch()
    done = vibeguard("init", cwd=tmp_path)
    assert done.returncode == 0
    assert template in done.stderr


def test_init_overwrites_only_when_it_is_told_to(tmp_path):
    """A config is work."""
    (tmp_path / "vibeguard.yaml").write_text("mine")
    done = vibeguard("init", cwd=tmp_path)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (tmp_path / "vibeguard.yaml").read_text() == "mine"
    assert vibeguard("init", "-f", "-t", "bash", "-o", "other.yaml", cwd=tmp_path).returncode == 0
    assert "shellcheck" in (tmp_path / "other.yaml").read_text()
    assert vibeguard("init", "-f", cwd=tmp_path).returncode == 0
    assert (tmp_path / "vibeguard.yaml").read_text() != "mine"


def test_init_says_what_it_cannot_do(tmp_path):
    """An unknown template, a folder that is not there."""
    done = vibeguard("init", "-t", "go-standart", cwd=tmp_path)
    assert done.returncode == 2
    assert 'did you mean "go-standard"?' in done.stderr
    done = vibeguard("init", "-o", "missing/vibeguard.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_the_guide_for_agents_says_what_to_look_at(tmp_path):
    """And what this proposes for the project at hand; -o writes it to a file."""
    guide = vibeguard("init", "--assist", cwd=tmp_path).stdout
    assert "`Makefile`" in guide
    assert "`vibeguard init -o -`" in guide
    assert not (tmp_path / "vibeguard.yaml").exists()
    assert vibeguard("init", "--assist", "-o", "guide.md", cwd=tmp_path).returncode == 0
    assert (tmp_path / "guide.md").read_text() == guide


def test_the_example_in_the_guide_is_a_valid_config(tmp_path):
    """An agent copies it."""
    guide = vibeguard("prompt", "init", cwd=tmp_path).stdout
    example = guide.split("```yaml\n")[1].split("```")[0]
    assert vibeguard("validate", cwd=project(tmp_path, example)).returncode == 0


def test_the_config_is_found_from_below_up_to_the_root_of_the_repository(folder):
    """And never above it."""
    git("init", "-q", cwd=folder)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    assert len(document("list", cwd=below)["checks"]) == 3
    inner = folder / "inner"
    inner.mkdir()
    git("init", "-q", cwd=inner)
    done = vibeguard("list", cwd=inner)
    assert done.returncode == 2
    assert "vibeguard init" in done.stderr


def test_the_variable_names_the_config_and_the_flag_wins(folder):
    """VIBEGUARD_CONFIG."""
    project(folder, "checks: [{id: other, run: 'true'}]", name="other.yaml")
    env = {"VIBEGUARD_CONFIG": "other.yaml"}
    assert document("list", cwd=folder, env=env)["checks"][0]["id"] == "other"
    flagged = document("list", "-c", "vibeguard.yaml", cwd=folder, env=env)
    assert flagged["checks"][0]["id"] == "fmt"
    done = vibeguard("list", cwd=folder, env={"VIBEGUARD_CONFIG": "gone.yaml"})
    assert done.returncode == 2
    assert "VIBEGUARD_CONFIG" in done.stderr


def test_foreign_text_is_harmless_on_a_terminal(tmp_path):
    """An id cannot hold escapes, a command and a description can."""
    evil = '"\\e]0;owned\\a\\e[2J\\u202e"'
    config = f"prompts: [{{id: p, description: {evil}, content: {evil}}}]\nchecks: [{{id: a, run: {evil}}}]\n"
    folder = project(tmp_path, config)
    for argv in (["list", "-v"], ["prompt"], ["prompt", "-v"], ["list", "--json"]):
        said = vibeguard(*argv, cwd=folder).stdout
        assert "\x1b" not in said
        assert "\u202e" not in said
    assert "\x1b" not in on_a_terminal("prompt", "p", cwd=folder)


def on_a_terminal(*argv, cwd):
    """What the command shows where stdout and stderr are a terminal."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "vibeguard", *argv],
        cwd=cwd,
        env=environment(),
        stdout=child,
        stderr=child,
    ) as process:
        os.close(child)
        shown = b""
        try:
            while chunk := os.read(parent, 4096):
                shown += chunk
        except OSError:
            pass  # Linux's end of file for a terminal
        process.wait()
    os.close(parent)
    return shown.decode()


def test_a_report_in_a_file_has_no_colours_of_the_terminal_and_what_is_wrong_is_told_beside(
    tmp_path,
):
    project(tmp_path, "checks: [{id: a, run: 'exit 1'}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 1
    assert on_a_terminal("report", "-o", "told", cwd=tmp_path) == ""
    assert "FAILED a" in (tmp_path / "told").read_text()
    assert "\x1b" not in (tmp_path / "told").read_text()
    wrong = vibeguard("report", "-o", "told", "--expect-seal", "0" * 64, cwd=tmp_path)
    assert wrong.returncode == 4
    assert "not the expected one" in wrong.stderr


def test_there_are_no_runs_in_a_new_folder(folder):
    """An empty list is an answer."""
    done = vibeguard("runs", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert document("runs", cwd=folder) == {"runs": []}
    assert not (folder / ".vibeguard").exists()


OLD = """\
author: me  # ours
checks:
  - {id: a, run: 'true', severity: warning}
"""


def test_migrate_says_what_is_different_and_changes_nothing(tmp_path):
    """Line by line; exit 2 while the config does not load."""
    folder = project(tmp_path, OLD)
    done = vibeguard("migrate", cwd=folder)
    assert done.returncode == 2
    assert "vibeguard.yaml:1:1: " in done.stdout
    assert "vibeguard.yaml:3:36: " in done.stdout
    assert (folder / "vibeguard.yaml").read_text() == OLD
    said = document("migrate", cwd=folder)
    assert [each["kind"] for each in said["findings"]] == ["mended", "different"]
    assert (said["written"], said["exit_code"], len(said["errors"])) == (False, 2, 1)


def test_migrate_mends_what_can_be_mended(tmp_path):
    """Comments, layout and the file's mode stay; exit 0 then, and again."""
    folder = project(tmp_path, OLD)
    path = folder / "vibeguard.yaml"
    path.chmod(0o640)
    assert vibeguard("migrate", "--write", cwd=folder).returncode == 0
    assert path.read_text() == f"x-{OLD}"
    assert path.stat().st_mode & 0o777 == 0o640
    assert vibeguard("migrate", cwd=folder).returncode == 0
    assert vibeguard("validate", cwd=folder).returncode == 0
    assert [each.name for each in folder.iterdir()] == ["vibeguard.yaml"]


def test_migrate_points_into_the_file_as_it_leaves_it(tmp_path):
    """Before mending and after it, in a line that mending makes longer."""
    line = "- {note: 1, id: a, run: 'true', severity: warning, timeout: -1s}"
    folder = project(tmp_path, f"checks:\n{line}\n")
    for argv in (("migrate",), ("migrate", "--write"), ("migrate",)):
        said = document(*argv, cwd=folder)
        line = (folder / "vibeguard.yaml").read_text().splitlines()[1]
        told = [line[each["column"] - 1 :] for each in said["findings"] if each["kind"] != "mended"]
        assert [rest.partition(",")[0] for rest in told] == ["-1s}", "warning"]
        assert said["exit_code"] == 2
    assert "x-note" in line


def test_prune_without_runs_does_nothing(folder):
    """And makes no state folder."""
    assert document("prune", cwd=folder) == {"removed": [], "dry_run": False}
    assert not (folder / ".vibeguard").exists()
