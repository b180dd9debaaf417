"""DESIGN section 5: what the caller's folder, PYTHONPATH and git put in is not ours; reasons arrive."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.running import running
from vibeguard import cli
from vibeguard.system.discovery.environment import without_git_locals

SHADOWED = ("json", "outcome", "trio", "msgspec", "subprocess", "hashlib", "yaml")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["the working folder", "PYTHONPATH"])
def test_a_projects_own_modules_are_not_imported_and_checks_keep_pythonpath(
    where: str, tmp_path: Path
) -> None:
    folder = project(tmp_path / "p", "checks: [{id: unit, run: 'echo path=$PYTHONPATH; exit 1'}]")
    mine = folder if where == "the working folder" else tmp_path / "mine"
    mine.mkdir(exist_ok=True)
    for name in SHADOWED:
        (mine / f"{name}.py").write_text("raise ImportError('this is not for VibeGuard')")
    kept = f"{environment()['PYTHONPATH']}:{mine}"
    done = vibeguard("run", cwd=folder, env={"PYTHONPATH": kept})
    assert done.returncode == 1, done.stderr
    assert f"path={kept}" in done.stderr


@pytest.mark.parametrize("command", ["run", "init"])
def test_a_working_folder_that_is_gone_is_told(command: str, tmp_path: Path) -> None:
    started = tmp_path / "gone"
    started.mkdir()
    program = (
        "import os, sys; from vibeguard.cli import command; os.rmdir(os.getcwd()); "
        "sys.path[0] = ''; command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, command],
        cwd=started,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    said = "vibeguard: the working folder does not exist any more: go to one that does\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize(
    ("raised", "said"), [(MemoryError, [MemoryError, 3]), (KeyboardInterrupt, [130])]
)
def test_what_no_border_catches_is_no_failed_run(
    raised: type[BaseException], said: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own exit code of a traceback is 1: out of memory, a run seemed to have failed.

    Ctrl-C in the first milliseconds is no failure at all.
    """

    def exhausted(_: list[str]) -> None:
        raise raised

    told: list[object] = []
    monkeypatch.setattr(cli, "leave_foreign_modules_out", exhausted)
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: told.append(kind))
    monkeypatch.setattr(os, "_exit", told.append)
    cli.command()
    assert told == said


def test_why_a_supervisor_does_not_start_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, "checks: [{id: a, run: 'true'}]")
    program = "import sys; sys.modules['trio'] = None; from vibeguard.cli import command; command()"
    with running(folder, "run", program=program, fresh=True) as started:
        code, _, err = started.end()
    assert code == 3
    assert "the supervisor cannot start: ModuleNotFoundError: import of trio halted" in err
    assert "\\n" not in err


BEYOND = """\
import time
def beyond():
    raise OverflowError("timestamp too large to convert to C _PyTime_t")
time.time = time.time_ns = beyond
time.gmtime = lambda: time.struct_time([9999] * 9)
from vibeguard.cli import command
command()
"""


def test_a_clock_that_cannot_be_read_is_told_and_is_no_defect(tmp_path: Path) -> None:
    """Python itself, and so Trio, does not go on there: what only reads does."""
    folder = project(tmp_path, "checks: [{id: a, run: 'true'}]")
    with running(folder, "run", program=BEYOND, fresh=True) as started:
        code, _, err = started.end()
    assert (code, err.count("\n")) == (3, 1)
    assert "the clock is not in the years 1678 to 2262: set it right" in err
    with running(folder, "report", program=BEYOND, fresh=True) as started:
        code, _, err = started.end()
    assert (code, err.count("\n")) == (2, 2)  # and whose refusal this is
    assert "the clock is not in the years 1678 to 2262: set it right" in err


GIT_CONFIG = """\
checks:
  - {{id: drops, run: 'echo "[$GIT_INDEX_FILE$GIT_DIR]" > dropped'}}
  - {{id: keeps, git_env: keep, run: 'echo "[$GIT_INDEX_FILE]" > kept'}}
  - {{id: behind, async: true, run: 'echo "[$GIT_INDEX_FILE]" > behind'}}
settings: {{git_env: {settings}}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "behind"), [("drop", "[]"), ("keep", "[]")])
def test_gits_variables_of_a_hook_reach_only_a_foreground_check_that_keeps_them(
    settings: str, behind: str, tmp_path: Path
) -> None:
    folder = project(tmp_path, GIT_CONFIG.format(settings=settings))
    hook = {"GIT_INDEX_FILE": "lent", "GIT_PREFIX": "", "GIT_DIR": ".git"}
    done = vibeguard("run", cwd=folder, env=hook)
    assert done.returncode == 0, done.stderr
    assert (folder / "kept").read_text() == "[lent]\n"
    assert (folder / "behind").read_text() == f"{behind}\n"
    assert (folder / "dropped").read_text() == ("[lent.git]\n" if settings == "keep" else "[]\n")


def test_all_that_git_calls_local_is_dropped() -> None:
    told = git("rev-parse", "--local-env-vars", cwd=Path.cwd()).stdout.split()
    assert told
    assert without_git_locals({os.fsencode(name): b"x" for name in told}) == {}


def test_a_background_check_that_wants_the_index_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path, "checks: [{id: late, run: 'true', async: true, git_env: keep}]")
    done = vibeguard("validate", cwd=folder)
    assert done.returncode == 2
    assert "git_env: keep is for checks in the foreground; late is async" in done.stderr


@pytest.mark.slow
def test_a_check_from_any_hook_stages_into_its_own_repository_only(tmp_path: Path) -> None:
    """`git commit -a` lends an index: what a nested `git add` writes must not get there."""
    folder = project(
        tmp_path,
        "checks: [{id: nested, run: 'mkdir n && cd n && git init -q && touch x && git add x'}]\n",
    )
    git("init", "-q", cwd=folder)
    (folder / ".gitignore").write_text("n\n")
    (folder / "a").write_text("1")
    git("add", ".", cwd=folder)
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {sys.executable} -m vibeguard run\n")
    hook.chmod(0o755)
    done = git("commit", "-q", "-a", "-m", "one", cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    assert git("ls-tree", "--name-only", "HEAD", cwd=folder).stdout.split() == [
        ".gitignore",
        "a",
        "vibeguard.yaml",
    ]


@pytest.mark.slow
def test_a_shell_is_the_one_that_the_config_names(tmp_path: Path) -> None:
    config = {
        "checks": [
            {"id": "pipe", "shell": "bash", "run": "false | true"},
            {"id": "both", "shell": "bash", "run": "[[ a == a ]]; false; true"},
            {"id": "python", "shell": "python3 -c", "run": "import sys; sys.exit(7)"},
            {"id": "absent", "shell": "no-such-shell -c", "run": "true"},
            {"id": "plain", "run": "[[ a == a ]]"},
        ]
    }
    folder = project(tmp_path, json.dumps(config))
    document = json.loads(vibeguard("run", "--json", cwd=folder).stdout)
    told = {check["id"]: (check["status"], check["exit_code"]) for check in document["checks"]}
    assert told == {
        "pipe": ("failed", 1),
        "both": ("failed", 1),
        "python": ("failed", 7),
        "absent": ("error", None),
        "plain": ("failed", 127),
    }
    messages = {check["id"]: check["message"] for check in document["checks"]}
    assert "the shell no-such-shell is not found on PATH" in messages["absent"]
    if not subprocess.run(
        ["sh", "-c", "[[ a == a ]]"], capture_output=True, check=False
    ).returncode:
        pytest.skip("NOT TRIED HERE: sh is bash")
    assert "shell: bash" in messages["plain"]
