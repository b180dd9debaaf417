"""DESIGN section 12, `hook doctor`: ours are tried, those of others are read, silence is found."""

import json

import pytest

from tests.helpers.command import git, project, vibeguard


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit, in whose config every check leaves a trace if it runs."""
    folder = project(tmp_path / "my repository", "checks: [{id: a, run: 'touch ran'}]\n")
    git("init", "-q", "-b", "main", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


def doctor(folder):
    """The exit code, and the lines by their first word."""
    done = vibeguard("hook", "doctor", cwd=folder)
    assert done.stderr == ""
    assert not (folder / "ran").exists()
    assert not (folder / ".vibeguard").exists()
    return done.returncode, done.stdout.splitlines()


def silent(lines):
    return [line for line in lines if line.startswith("SILENT")]


def test_without_hooks_it_says_so(repository):
    code, lines = doctor(repository)
    assert (code, lines) == (0, ["no hook is installed: vibeguard hook git --write"])


def test_git_hooks_of_ours_are_tried_and_no_check_runs(repository):
    git("config", "core.hooksPath", ".githooks", cwd=repository)
    assert vibeguard("hook", "git", "--write", cwd=repository).returncode == 0
    code, (commit, push) = doctor(repository)
    assert code == 0
    told = "pass: lets go; fail: refuses; pending: {}; missing command: refuses; config: "
    assert told.format("lets go") in commit
    assert told.format("refuses") in push
    assert str(repository / "vibeguard.yaml") in commit


@pytest.mark.parametrize("name", ["claude", "codex", "cursor"])
def test_hooks_of_agents_are_tried_with_their_payload(repository, name):
    vibeguard("hook", "agent", "--target", name, "--write", cwd=repository)
    code, lines = doctor(repository)
    assert (code, silent(lines)) == (0, [])
    assert "pass: lets go; fail: refuses; pending: lets go; missing command: refuses" in lines[0]
    assert [("fail: wakes" in line) for line in lines[1:]] == [True] * (name == "claude")
    assert ("trust this one" in lines[0]) == (name == "codex")


def _no_bit(folder):
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=folder)
    (folder / ".git" / "hooks" / "pre-commit").chmod(0o644)


def _moved(folder):
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=folder)
    git("config", "core.hooksPath", "elsewhere", cwd=folder)


def _lets_go(folder):
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=folder)
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace("exit $code", "exit 0"))


def _no_manager(folder):
    (folder / "lefthook.yml").write_text("pre-commit: {commands: {v: {run: vibeguard run}}}\n")


def _no_script(folder):
    vibeguard("hook", "agent", "--target", "cursor", "--write", cwd=folder)
    (folder / "scripts" / "vibeguard-agent-cursor.sh").unlink()


def _no_json(folder):
    (folder / ".codex").mkdir()
    (folder / ".codex" / "hooks.json").write_text('{"hooks": ')


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_no_bit, "is not executable"),
        (_moved, "git does not look here"),
        (_lets_go, "fail: lets go"),
        (_no_manager, "run lefthook install"),
        (_no_script, "is not as we write it"),
        (_no_json, "is not JSON"),
    ],
)
def test_a_hook_that_would_silently_do_nothing_is_exit_code_1(repository, break_it, says):
    break_it(repository)
    code, lines = doctor(repository)
    assert code == 1
    (line,) = silent(lines)
    assert says in line


@pytest.mark.parametrize(
    ("file", "value", "count"),
    [("settings.json", True, 2), ("settings.local.json", True, 2), ("settings.json", False, 0)],
)
def test_hooks_that_claude_code_was_told_not_to_start_are_silent(repository, file, value, count):
    vibeguard("hook", "agent", "--target", "claude", "--write", cwd=repository)
    path = repository / ".claude" / file
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**settings, "disableAllHooks": value}))
    code, lines = doctor(repository)
    assert (code, len(silent(lines))) == (int(count > 0), count)
    assert all("disableAllHooks is set" in line for line in silent(lines))


def test_hooks_of_others_are_read_and_never_run(repository):
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\nvibeguard run\n")
    hook.chmod(0o755)
    package = repository / "packages" / "api" / ".claude"
    package.mkdir(parents=True)
    foreign = {"type": "command", "command": "touch ran"}
    text = json.dumps({"hooks": {"Stop": [{"hooks": [foreign]}]}})
    (package / "settings.json").write_text(text)
    code, lines = doctor(repository)
    assert code == 0
    assert [line.rpartition(": ")[2] for line in lines] == [
        "it calls vibeguard",
        "it does not call vibeguard",
    ]


def test_a_config_that_is_elsewhere_by_now_is_said(repository):
    git("config", "core.hooksPath", ".githooks", cwd=repository)
    api = project(repository / "my api", "checks: [{id: a, run: 'true'}]\n")
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=api)
    (api / "vibeguard.yaml").rename(api / "moved.yaml")
    (repository / "vibeguard.yaml").rename(repository / "moved.yaml")
    code, lines = doctor(repository)
    assert code == 0
    assert "config: elsewhere, there is none in" in lines[0]


def _worktree(folder):
    """Hooks are common to all work trees: it is asked in another one."""
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=folder)
    git("worktree", "add", "-q", "-b", "other", "../other tree", cwd=folder)
    return folder.parent / "other tree"


def _husky(folder):
    """Git starts husky's own, and that the user's, whatever its mode."""
    hook = folder / ".husky" / "pre-commit"
    (folder / ".husky" / "_").mkdir(parents=True)
    hook.write_text("vibeguard run --staged\n")
    git("config", "core.hooksPath", ".husky/_", cwd=folder)
    return folder


def _lefthook(folder):
    (folder / "lefthook.yml").write_text("pre-commit: {commands: {v: {run: vibeguard run}}}\n")
    _hook_of(folder, "call_lefthook run pre-commit")
    return folder


def _pre_commit(folder):
    (folder / ".pre-commit-config.yaml").write_text("repos: [] # vibeguard\n")
    _hook_of(folder, "# File generated by pre-commit: https://pre-commit.com")
    return folder


def _hook_of(folder, text):
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n")
    hook.chmod(0o755)


def _package(folder):
    """The config is a package's: the hook of the whole repository goes there."""
    package = project(folder / "packages" / "my api", "checks: [{id: a, run: 'touch ran'}]\n")
    (folder / "vibeguard.yaml").unlink()
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=package)
    return package


@pytest.mark.parametrize(
    ("install", "says"),
    [
        (_worktree, "fail: refuses"),
        (_husky, "it calls vibeguard"),
        (_lefthook, "of lefthook, read and not run: it calls vibeguard"),
        (_pre_commit, "of pre-commit, read and not run: it calls vibeguard"),
        (_package, "packages/my api/vibeguard.yaml"),
    ],
)
def test_hooks_are_found_wherever_git_starts_them_from(repository, install, says):
    code, lines = doctor(install(repository))
    assert (code, silent(lines)) == (0, [])
    assert [line for line in lines if says in line]


def test_a_manager_whose_hook_another_one_has_taken_is_silent(repository):
    vibeguard("hook", "git", "--stage", "pre-commit", "--write", cwd=repository)
    (repository / ".pre-commit-config.yaml").write_text("repos: [] # vibeguard\n")
    code, lines = doctor(repository)
    assert code == 1
    assert "run pre-commit install" in silent(lines)[0]
