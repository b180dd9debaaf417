"""What other services read of this project: the action, the hooks, snippets, the release, the catalogue."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.examples import ROOT, blocks, environment
from tests.helpers.command import git, project
from vibeguard.commands.plain import parse
from vibeguard.system.discovery.whereabouts import CONFIG_NAMES

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
RELEASE = yaml.load((ROOT / ".github/workflows/release.yml").read_text(), Loader=yaml.BaseLoader)


class Runner:
    """What GitHub's runner gives a step of a composite action."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temp = folder.parent / "runner"
        self.temp.mkdir()
        for name in ("OUTPUT", "STEP_SUMMARY", "PATH"):
            (self.temp / name).touch()

    def step(self, name: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the shell of a step as GitHub does: `bash -e -o pipefail` on a file of it."""
        assert STEPS[name]["shell"] == "bash"
        env = dict.fromkeys({"CONFIG", "STATE"} & set(STEPS[name].get("env", {})), "") | env
        assert set(env) == set(STEPS[name].get("env", {}))
        script = self.temp / "step.sh"
        script.write_text(STEPS[name]["run"])
        variables = {f"GITHUB_{n}": str(self.temp / n) for n in ("OUTPUT", "STEP_SUMMARY", "PATH")}
        variables |= {"RUNNER_TEMP": str(self.temp), "CI": "true", "GITHUB_ACTIONS": "true"}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.folder,
            env=environment(self.temp) | variables | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        """What the steps have put out."""
        lines = (self.temp / "OUTPUT").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def runner(tmp_path):
    """A project with a check that passes and one that does not, each with its tag."""
    config = """\
version: "1"
checks:
  - {id: good, run: "true", tags: [good]}
  - {id: bad, run: "echo 'a.c:3:1: error: no'; exit 1", tags: [bad], results: {matcher: gcc}}
"""
    folder = project(tmp_path / "my project", config)
    (folder / "a.c").touch()
    return Runner(folder)


def test_the_action_fails_where_a_check_fails_and_says_where(runner):
    """Annotation at its place, a summary, the code and the seal for other steps."""
    assert runner.step("Run", ARGS="").returncode == 1
    seal = runner.outputs()["seal"]
    runs = str(runner.folder / ".vibeguard" / "runs")
    assert runner.outputs() == {"exit-code": "1", "seal": seal, "runs": runs}
    assert re.fullmatch("[0-9a-f]{64}", seal)
    reported = runner.step("Report")
    assert reported.returncode == 0
    assert re.search(r"^::error .*file=a\.c,line=3", reported.stdout, re.MULTILINE)
    assert "bad" in (runner.temp / "STEP_SUMMARY").read_text()


@pytest.mark.parametrize(
    ("config", "state", "kept"),
    [
        ("", "", "../.vibeguard"),
        ("../ci.yaml", "", ".vibeguard"),
        ("../ci.yaml", "kept here", "kept here"),
    ],
)
def test_the_action_reports_and_keeps_what_it_ran_wherever_that_is(runner, config, state, kept):
    """A config that is found above, or named; a state folder of one's own."""
    git("init", "-q", cwd=runner.folder)
    if config:
        (runner.folder / "vibeguard.yaml").rename(runner.folder / "ci.yaml")
    runner.folder /= "below"
    runner.folder.mkdir()
    assert runner.step("Run", ARGS="", CONFIG=config, STATE=state).returncode == 1
    runs = Path(runner.outputs()["runs"])
    assert runs.samefile(runner.folder / kept / "runs")
    assert "::error" in runner.step("Report", CONFIG=config, STATE=state).stdout


def test_the_action_hands_its_words_on_and_no_shell_reads_them(runner):
    """What a pull request could put there is never run, and is no pattern."""
    assert runner.step("Run", ARGS="--tags good").returncode == 0
    assert runner.outputs()["exit-code"] == "0"
    hostile = runner.step("Run", ARGS="$(touch pwned) `touch pwned` ; touch pwned *")
    assert hostile.returncode == 2
    assert not (runner.folder / "pwned").exists()
    assert "a.c" not in hostile.stderr


def test_no_step_puts_an_expression_into_its_shell():
    """It would be run as it comes: expressions go through the environment."""
    scripts = [step["run"] for step in STEPS.values() if "run" in step]
    scripts += [s["run"] for j in RELEASE["jobs"].values() for s in j["steps"] if "run" in s]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


def test_the_action_installs_from_the_hashed_lock_and_puts_the_command_on_the_path(runner):
    """With an interpreter that notes what it is asked, in the place of the network."""
    fake = runner.temp / "python"
    fake.write_text(
        f'#!/bin/bash\necho "$@" >>"{runner.temp}/asked"\n'
        'case "$2" in venv) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/bin/vibeguard";; esac\n'
    )
    fake.chmod(0o755)
    done = runner.step("Install", PYTHON=str(fake), SOURCE=str(ROOT))
    assert done.returncode == 0, done.stderr
    asked = (runner.temp / "asked").read_text().splitlines()
    (lock,) = re.findall(r"-r (\S+)", "\n".join(asked))
    assert Path(lock).is_file()
    assert any("--require-hashes" in line for line in asked)
    assert asked[-1].endswith(f"--no-deps {ROOT}")
    (folder,) = (runner.temp / "PATH").read_text().splitlines()
    assert (Path(folder) / "vibeguard").is_symlink()


def test_the_action_refuses_an_old_python(runner):
    """Before anything is installed, in words."""
    old = runner.temp / "python"
    old.write_text('#!/bin/sh\necho "VibeGuard needs Python 3.11 or newer" >&2; exit 1\n')
    old.chmod(0o755)
    done = runner.step("Install", PYTHON=str(old), SOURCE=str(ROOT))
    assert done.returncode == 1
    assert not (runner.temp / "vibeguard-venv").exists()


def test_the_action_keeps_the_runs_however_it_ended():
    """Hidden folders are left out unless that is said."""
    upload = STEPS["Keep the run's folder"]
    assert upload["if"].startswith("always()")
    assert upload["with"]["path"] == "${{ steps.run.outputs.runs }}"
    assert upload["with"]["include-hidden-files"] is True


HOOKS = ROOT / ".pre-commit-hooks.yaml"
TOOLS = [
    pytest.param(
        tool,
        marks=pytest.mark.skipif(
            not shutil.which(tool, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"),
            reason=f"{tool} IS NOT INSTALLED: the hooks are not tried (scripts/venv installs it)",
        ),
    )
    for tool in ("pre-commit", "prek")
]


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_the_hooks_work_in_the_program_that_runs_them(tool, tmp_path):
    """The same entries as those of the manifest, without the installation, which needs a network."""
    env = environment(tmp_path) | {
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "PREK_HOME": str(tmp_path / "home"),
    }
    manifest = [tool, "validate-manifest", HOOKS]
    subprocess.run(manifest, cwd=tmp_path, env=env, check=True, capture_output=True)
    local = [hook | {"language": "system"} for hook in yaml.safe_load(HOOKS.read_text())]
    folder = project(tmp_path / "a", "checks: [{id: there, run: test -f there}]\n")
    config = {"repos": [{"repo": "local", "hooks": local}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)

    def ran() -> tuple[int, str]:
        argv = [tool, "run", "--all-files"]
        done = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    code, said = ran()
    assert code == 1
    assert "FAILED there: exit code 1" in said
    (folder / "there").touch()
    assert ran()[0] == 0
    (folder / "vibeguard.yaml").write_text("checks: [{id: there, rum: x}]\n")
    code, said = ran()
    assert code == 1
    assert "rum" in said.split("VibeGuard's config")[1]


SNIPPETS = {
    block.words.partition("service=")[2]: yaml.load(block.text, Loader=yaml.BaseLoader)
    for block in blocks(ROOT / "docs" / "ci.md")
    if "service=" in block.words
}


def texts(value: object) -> list[str]:
    """Every text of a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [str(value)]


@pytest.mark.parametrize("service", ["github", "gitlab", "buildkite"])
def test_the_commands_of_a_snippet_are_commands(service):
    """Each `vibeguard …` of it is one that the parser takes."""
    lines = [line for text in texts(SNIPPETS[service]) for line in text.splitlines()]
    commands = [re.split(r" ?(?:\|\||\||>>)", line.strip())[0] for line in lines]
    ours = [command.split()[1:] for command in commands if command.startswith("vibeguard ")]
    assert ours or service == "github"
    for words in ours:
        assert callable(parse(words, {}))


def test_the_snippets_are_of_the_shape_that_their_services_ask_for():
    """Reports where they are looked for, inputs that the action has, hooks that exist."""
    (job,) = SNIPPETS["github"]["jobs"].values()
    used = job["steps"][-1]
    assert set(used["with"]) <= set(ACTION["inputs"])
    (job,) = SNIPPETS["gitlab"].values()
    written = {word for text in texts(job["after_script"]) for word in text.split()}
    assert set(job["artifacts"]["reports"].values()) <= written
    assert job["artifacts"]["when"] == "always"
    (step,) = SNIPPETS["buildkite"]["steps"]
    assert "exit $$code" in step["command"]
    assert not re.search(r"(?<!\$)\$(?!\$)\w", step["command"])
    (repository,) = SNIPPETS["pre-commit"]["repos"]
    known = {hook["id"] for hook in yaml.safe_load(HOOKS.read_text())}
    assert {hook["id"] for hook in repository["hooks"]} <= known


def test_only_what_was_built_is_published_by_a_job_that_builds_nothing():
    """No token anywhere; the identity is in the hands of one job, and it runs no code of ours."""
    assert RELEASE["permissions"] == {}
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert build["permissions"] == {"contents": "read"}
    assert publish["permissions"]["id-token"] == "write"
    assert not any("run" in step for step in publish["steps"])
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()


@pytest.mark.parametrize(
    ("tag", "heading", "code"),
    [
        ("v1.2.3", "## 1.2.3 (2026-12-01)", 0),
        ("v1.2.4", "## 1.2.3 (2026-12-01)", 1),
        ("v1.2.3", "## 1.2.3 (unreleased)", 1),
    ],
)
def test_a_release_whose_tag_version_and_changelog_differ_is_stopped(tmp_path, tag, heading, code):
    """The shell of that step, as it is."""
    (step,) = [s for s in RELEASE["jobs"]["build"]["steps"] if "TAG" in s.get("env", {})]
    (tmp_path / "vibeguard").mkdir()
    text = (ROOT / "vibeguard" / "version.py").read_text()
    version = re.sub(r'"\d[^"]*"', '"1.2.3"', text)
    (tmp_path / "vibeguard" / "version.py").write_text(version)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    env = os.environ | {"TAG": tag}
    shell = ["bash", "-e", "-c", step["run"]]
    assert subprocess.run(shell, cwd=tmp_path, env=env, check=False).returncode == code


def test_the_entry_of_the_catalogue_names_the_files_that_are_looked_for():
    """And the schema is one that its readers understand."""
    entry = json.loads((ROOT / "docs/schemastore/catalog-entry.json").read_text())
    assert set(entry) == {"name", "description", "fileMatch", "url"}
    assert tuple(entry["fileMatch"]) == CONFIG_NAMES
    assert "schema" not in entry["description"].lower()  # its own rule
    published = json.loads((ROOT / "schemas" / "config.schema.json").read_text())
    assert published["$schema"] == "http://json-schema.org/draft-07/schema#"


PEERS = {
    block.words.partition("program=")[2]: block
    for block in blocks(ROOT / "docs" / "coming-from.md")
    if "program=" in block.words
}
FILES = {
    block.words.partition("file=")[2]: block.text
    for block in blocks(ROOT / "docs" / "coming-from.md")
    if "file=" in block.words
}


@pytest.mark.parametrize("program", ["pre-commit", "lefthook", "make", "just", "task"])
def test_the_configs_side_by_side_are_of_the_same_checks(program):
    """Same names, same commands, as far as the form of each says them."""
    ours = yaml.safe_load(FILES["vibeguard.yaml"])["checks"]
    assert ours
    text = PEERS[program].text
    if PEERS[program].language == "yaml":
        yaml.safe_load(text)
    for check in ours:
        assert re.search(rf"\b{check['id']}\b", text)
        assert check["run"] in text


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_the_makefile_side_by_side_does_the_same(tmp_path):
    """In the same order, with the same failure."""
    project(tmp_path, PEERS["make"].text, name="Makefile")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "app.txt").touch()
    assert subprocess.run(["make", "-s", "unit"], cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "app.txt").write_text("TODO\n")
    failed = subprocess.run(["make", "-s", "unit"], cwd=tmp_path, check=False, capture_output=True)
    assert failed.returncode == 2
    assert b"12 passed" not in failed.stdout
