"""DESIGN section 7, `hook`: what is printed, where it is installed, and what is never touched."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.helpers.client import write_client
from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.histories import History, check
from tests.helpers.logs import encode_log
from vibeguard.commands.hook.managers import call
from vibeguard.commands.templates import hook_script
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.system.discovery.tree import tree_of
from vibeguard.system.reuse.tree import Extent, tree_identity

CONFIG = "checks: [{id: a, run: 'true'}]\n"


@pytest.fixture
def repository(tmp_path):
    """A repository with a config."""
    folder = project(tmp_path / "repository", CONFIG)
    git("init", "-q", "-b", "main", cwd=folder)
    return folder


def test_the_git_hooks_are_printed(repository):
    """Both, or the one that is asked for; nothing is written."""
    both = vibeguard("hook", "git", cwd=repository).stdout
    assert "--max-wait foreground --supersede --record-tree" in both
    assert "vibeguard hook verdict" in both
    one = vibeguard("hook", "git", "--stage", "pre-push", cwd=repository).stdout
    assert one.startswith("#!/bin/sh\n# vibeguard hook git")
    assert "--max-wait" not in one
    assert not (repository / ".git" / "hooks" / "pre-commit").exists()


@pytest.mark.parametrize("kind", ["git", "agent"])
def test_a_folder_may_have_any_name(tmp_path, kind):
    """Bytes that are no text, line breaks, escapes: installed all the same, and shown harmless."""
    folder = tmp_path / os.fsdecode(b"x\xff\n::error::y\x1b[31m\n")
    git("init", "-q", "-b", "main", cwd=project(folder, CONFIG))
    done = vibeguard("hook", kind, "--write", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert "\x1b" not in done.stderr
    written = {"git": ".git/hooks/pre-commit", "agent": "scripts/vibeguard-agent-stop.sh"}
    assert (folder / written[kind]).exists()


@pytest.mark.parametrize("name", ["pre-commit", "pre-push", "agent-stop"])
def test_every_hook_is_shell_that_parses(name):
    """With the strictest of the shells, and shellcheck where it is installed."""
    script = hook_script(name, find="\nfalse ||\n    true\n")
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-s", "sh", "-"], input=script, text=True, check=True)


def test_write_installs_both_executable(repository):
    """Again and again: what is ours may be replaced."""
    for _ in range(2):
        assert vibeguard("hook", "git", "--write", cwd=repository).returncode == 0
    for name in ("pre-commit", "pre-push"):
        path = repository / ".git" / "hooks" / name
        assert path.stat().st_mode & stat.S_IXUSR
        assert "-m vibeguard" in path.read_text()  # desktop programs have another PATH
    assert not list((repository / ".git" / "hooks").glob(".pre-*"))


@pytest.mark.parametrize("kind", ["file", "symlink", "folder"])
def test_a_foreign_hook_is_never_touched(repository, kind):
    """Nor is the other one written then: both or none."""
    hooks = repository / ".git" / "hooks"
    foreign = hooks / "pre-push"
    hooks.mkdir(exist_ok=True)
    if kind == "file":
        foreign.write_text("#!/bin/sh\nexec mine\n")
    elif kind == "symlink":
        foreign.symlink_to("/nonexistent/hook")
    else:
        foreign.mkdir()
    done = vibeguard("hook", "git", "--write", cwd=repository)
    assert done.returncode == 2
    assert "pre-push exists and is not ours" in done.stderr
    assert not (hooks / "pre-commit").exists()
    assert kind != "file" or foreign.read_text() == "#!/bin/sh\nexec mine\n"


def test_a_hooks_path_inside_the_repository_is_respected(repository):
    """It is tracked, so no path of this machine may stand in the file."""
    git("config", "core.hooksPath", ".githooks", cwd=repository)
    below = repository / "below"
    below.mkdir()
    assert vibeguard("hook", "git", "--write", cwd=below).returncode == 0
    script = (repository / ".githooks" / "pre-commit").read_text()
    assert "-m vibeguard" not in script
    assert not (repository / ".git" / "hooks" / "pre-commit").exists()


def test_a_hooks_path_outside_is_left_alone(repository, tmp_path):
    """A hook there would run in every repository of the user."""
    shared = tmp_path / "shared"
    git("config", "core.hooksPath", str(shared), cwd=repository)
    done = vibeguard("hook", "git", "--write", cwd=repository)
    assert done.returncode == 2
    assert "outside this repository" in done.stderr
    assert not shared.exists()


def test_a_linked_work_tree_gets_the_hooks_where_git_looks(repository, tmp_path):
    """Hooks belong to the repository, not to one of its work trees."""
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "Start", cwd=repository)
    linked = tmp_path / "linked"
    git("worktree", "add", "-q", str(linked), cwd=repository)
    assert vibeguard("hook", "git", "--write", cwd=linked).returncode == 0
    assert (repository / ".git" / "hooks" / "pre-commit").exists()


def test_outside_of_a_repository_there_is_nowhere_to_write(tmp_path):
    """Exit 2, and git's own words."""
    done = vibeguard("hook", "git", "--write", cwd=project(tmp_path, CONFIG))
    assert done.returncode == 2
    assert "git" in done.stderr


def test_what_else_git_refuses_is_no_wrong_folder(repository):
    done = vibeguard(
        "hook", "git", "--write", cwd=repository, env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    )
    assert done.returncode == 2
    assert "dubious ownership in repository" in done.stderr
    assert done.stderr.endswith(": see what git status says\n")


def test_the_agent_hook_is_written_into_the_repository_and_named(repository):
    """Where the agent's settings can name it."""
    done = vibeguard("hook", "agent", "--write", cwd=repository)
    assert done.returncode == 0
    script = repository / "scripts" / "vibeguard-agent-stop.sh"
    assert os.access(script, os.X_OK)
    assert "scripts/vibeguard-agent-stop.sh" in done.stderr
    assert script.read_text() == vibeguard("hook", "agent", cwd=repository).stdout


@pytest.mark.parametrize(("kind", "in_the_way"), [("git", ".git/hooks"), ("agent", "scripts")])
def test_what_cannot_be_written_is_said_with_exit_code_2(repository, kind, in_the_way):
    """A file lies where a folder is to be."""
    path = repository / in_the_way
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text("in the way\n")
    done = vibeguard("hook", kind, "--write", cwd=repository)
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert str(path) in done.stderr
    assert path.read_text() == "in the way\n"


def fake_vibeguard(folder: Path, code: int) -> Path:
    """A folder for PATH with a `vibeguard` that ends with this code and says so."""
    folder.mkdir()
    program = folder / "vibeguard"
    program.write_text(f"#!/bin/sh\necho 'the text for the agent'\nexit {code}\n")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("code", "stdin", "exit_code"),
    [
        (0, "", 0),
        (5, "", 0),
        (1, "", 2),
        (2, "", 2),
        (3, "", 2),
        (130, "", 0),
        (143, "", 0),
        (1, '{"stop_hook_active": false}', 2),
        (1, '{"stop_hook_active": true}', 0),
        (1, '{"stop_hook_active":true}', 0),
    ],
)
def test_the_agent_hook_blocks_with_2_and_says_why_on_stderr(tmp_path, code, stdin, exit_code):
    """And lets an agent go that has been sent back already."""
    path = f"{fake_vibeguard(tmp_path / 'bin', code)}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", hook_script("agent-stop", find="")],
        env=os.environ | {"PATH": path},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr == ("the text for the agent\n" if exit_code == 2 else "")


FAST_AND_SLOW = """\
checks:
  - {id: fast, run: "true"}
  - {id: slow, run: "sleep 0.5; test -e mended", timeout: 100s}
"""


def stop(folder):
    """What the stop hook of an agent does in this folder; it calls the very program that is tested."""
    client = folder.parent / "vibeguard"
    write_client(client)
    find = f'vibeguard() {{ {client} "$@"; }}\n'
    return subprocess.run(
        ["sh", "-c", hook_script("agent-stop", find=find)],
        cwd=folder,
        env=environment(),
        input='{"stop_hook_active": false}',
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("with_git", [True, False])
def test_the_stop_after_a_background_failure_tells_it_and_starts_nothing(tmp_path, with_git):
    """It ended between two stops; the tree is the same, so the answer is known already."""
    folder = project(tmp_path / "repository", FAST_AND_SLOW)
    if with_git:
        git("init", "-q", "-b", "main", cwd=folder)
    assert stop(folder).returncode == 0
    vibeguard("wait", cwd=folder)
    for _ in range(2):
        again = stop(folder)
        assert (again.returncode, again.stdout) == (2, "")
        assert "slow" in again.stderr
        assert "vibeguard run --record-tree" in again.stderr
        assert len(runs_of(folder)) == 1
    (folder / "mended").touch()
    assert stop(folder).returncode == 0
    assert vibeguard("wait", cwd=folder).returncode == 0
    assert [each["verdict"] for each in runs_of(folder)] == ["passed", "failed"]


def test_a_stop_asks_only_about_the_newest_whole_run_of_what_is_there(repository):
    """Other trees, other configs and other selections say nothing."""
    (repository / ".gitignore").write_text(".vibeguard\n")
    tree = present(repository)

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return vibeguard("hook", "failures", *words, cwd=repository)

    assert ask().returncode == 3
    write_run(repository, FIRST, began="aaa", ended="aaa", passes=False)
    assert ask().returncode == 3
    write_run(repository, SECOND, began=tree, ended=tree, passes=False, config="checks: []")
    assert ask().returncode == 3
    write_run(repository, THIRD, began=tree, ended=tree, passes=False, checks=("a", "b"))
    assert ask().returncode == 3
    write_run(repository, FOURTH, began=tree, ended=tree, passes=False)
    told = ask()
    assert told.returncode == 1
    assert FOURTH in told.stdout
    write_run(repository, FIFTH, began=tree, ended=tree)
    assert ask().returncode == 0


def test_a_stop_before_the_first_run_goes_on(tmp_path):
    """No state folder is made by asking."""
    folder = project(tmp_path, CONFIG)
    assert vibeguard("hook", "failures", cwd=folder).returncode == 3
    assert not (folder / ".vibeguard").exists()


def test_a_run_that_goes_on_is_not_waited_for(tmp_path):
    """It is newer than what failed: what it says counts, later."""
    folder = project(tmp_path, 'checks: [{id: a, run: "sleep 60"}]\n')
    tree = present(folder)
    write_run(folder, FIRST, began=tree, ended=tree, passes=False)
    assert vibeguard("hook", "failures", cwd=folder).returncode == 1
    assert vibeguard("run", "--detach", cwd=folder).returncode == 0
    try:
        assert vibeguard("hook", "failures", cwd=folder).returncode == 3
    finally:
        vibeguard("cancel", cwd=folder)
        vibeguard("wait", cwd=folder)
    assert vibeguard("hook", "failures", cwd=folder).returncode == 1


# The long check goes on until the file `go` is there, beside the repository, and a little longer.
SHORT_AND_LONG = """\
checks:
  - {{id: short, run: "test ! -e broken"}}
  - id: long
    run: "until test -e {folder}/go; do sleep 0.02; done; sleep 0.3; test ! -e later"
    async: true
    timeout: 10m
"""


def test_a_commit_waits_for_the_foreground_only(tmp_path):
    """The commit is through while the long check still runs; a broken foreground stops it."""
    folder = project(tmp_path / "repository", SHORT_AND_LONG.format(folder=tmp_path))
    git("init", "-q", "-b", "main", cwd=folder)
    assert vibeguard("hook", "git", "--write", cwd=folder).returncode == 0
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    assert [each["state"] for each in runs_of(folder)] == ["live"]
    (tmp_path / "go").touch()
    vibeguard("wait", cwd=folder)
    assert [each["verdict"] for each in runs_of(folder)] == ["passed"]
    (folder / "broken").touch()
    git("add", "-A", cwd=folder)
    refused = git("commit", "-q", "-m", "Break", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "short" in refused.stderr
    assert git("log", "--oneline", cwd=folder).stdout.count("\n") == 1
    vibeguard("wait", cwd=folder)


def runs_of(folder):
    """The runs as `runs --json` tells them."""
    return json.loads(vibeguard("runs", "--json", cwd=folder).stdout)["runs"]


def write_run(folder, run_id, *, began, ended, passes=True, checks=("a",), config=None):
    """A finished run of these checks in the state folder, which recorded these trees.

    It was a run of `config`, by default of the one that is there.
    """
    text = (folder / "vibeguard.yaml").read_bytes() if config is None else config.encode()
    history = History(
        *(check(id_) for id_ in checks),
        started={"run_id": run_id, "vcs": recorded(began)},
        config_sha256=sha256(text).hexdigest(),
    )
    history.ready(*checks)
    for id_ in checks:
        if passes:
            history.passes(id_)
        else:
            history.fails(id_)
    history.finish(vcs=recorded(ended))
    target = folder / ".vibeguard" / "runs" / run_id
    target.mkdir(parents=True)
    (target / "events.jsonl").write_bytes(encode_log(history.events))


def recorded(tree: str | VersionControl) -> VersionControl:
    """What a run records of a tree that git calls so, unless it is given whole."""
    if isinstance(tree, VersionControl):
        return tree
    return VersionControl(tree=tree, content=f"of {tree}", stillness=f"still {tree}")


def present(folder) -> VersionControl:
    """What lies in this folder."""
    return tree_identity(Extent(str(folder), os.environb, str(folder / ".vibeguard")))


FIRST, SECOND, THIRD, FOURTH, FIFTH = (f"20261124T06000{n}.000000Z-000{n}" for n in range(1, 6))


def test_a_verdict_counts_for_the_tree_that_it_began_and_ended_on(repository):
    """A tree that changed while the checks ran has no verdict."""
    write_run(repository, FIRST, began="aaa", ended="aaa")
    write_run(repository, SECOND, began="bbb", ended="ccc")
    assert vibeguard("hook", "verdict", "aaa", cwd=repository).returncode == 0
    for tree in ("bbb", "ccc", "ddd"):
        done = vibeguard("hook", "verdict", tree, cwd=repository)
        assert done.returncode == 3
        assert f"has checked the tree {tree}" in done.stderr


def test_of_two_runs_of_a_tree_the_newer_one_counts(repository):
    """Whatever the older one said."""
    write_run(repository, FIRST, began="aaa", ended="aaa")
    write_run(repository, SECOND, began="aaa", ended="aaa", passes=False)
    assert vibeguard("hook", "verdict", "aaa", cwd=repository).returncode == 1


def test_ctrl_c_ends_the_wait_for_a_verdict_as_such(repository):
    """As 3 it would read as "nobody has checked this", and a push would start all anew."""
    folder = project(repository, 'checks: [{id: a, run: "sleep 60"}]\n')
    tree = tree_of(str(folder), {})
    assert vibeguard("run", "--detach", cwd=folder).returncode == 0
    waiting = subprocess.Popen(
        [sys.executable, "-m", "vibeguard", "hook", "verdict", tree],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert "waiting for run" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=60)[1]
    finally:
        waiting.kill()
        vibeguard("cancel", cwd=folder)
        vibeguard("wait", cwd=folder)
    assert (waiting.returncode, said) == (130, "")


def test_a_run_of_a_part_is_no_verdict(tmp_path):
    """`vibeguard run a` says nothing about b."""
    folder = project(tmp_path, "checks: [{id: a, run: 'true'}, {id: b, run: 'true'}]\n")
    write_run(folder, FIRST, began="aaa", ended="aaa", checks=("a",))
    assert vibeguard("hook", "verdict", "aaa", cwd=folder).returncode == 3
    write_run(folder, SECOND, began="aaa", ended="aaa", checks=("a", "b"))
    assert vibeguard("hook", "verdict", "aaa", cwd=folder).returncode == 0


def test_a_run_of_another_config_is_no_verdict(repository):
    """`run -c easy.yaml` with checks of the same names says nothing about this config."""
    write_run(repository, FIRST, began="aaa", ended="aaa", config=CONFIG.replace("true", ":"))
    assert vibeguard("hook", "verdict", "aaa", cwd=repository).returncode == 3


def test_a_verdict_needs_a_tree(repository):
    """Exit 2, and how to name it."""
    done = vibeguard("hook", "verdict", cwd=repository)
    assert done.returncode == 2
    assert "rev-parse" in done.stderr


def test_a_push_asks_for_the_background_verdict_of_the_same_tree(tmp_path):
    """It waits for the run that the commit began; a failure there keeps the commit at home."""
    folder = committed(tmp_path)
    pushed = git("push", "-q", "origin", "main", cwd=folder, check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert "of this tree: passed" in pushed.stderr
    assert len(runs_of(folder)) == 1
    (folder / "later").touch()
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Break the long check", cwd=folder)
    refused = git("push", "-q", "origin", "main", cwd=folder, check=False)
    assert refused.returncode == 1
    assert "of this tree: failed" in refused.stderr
    assert len(runs_of(folder)) == 2
    tip = git("rev-parse", "origin/main", cwd=folder).stdout
    assert tip == git("rev-parse", "main~1", cwd=folder).stdout


def test_a_push_of_what_nobody_has_checked_checks_it_now(tmp_path):
    """And deleting a branch needs no check."""
    folder = committed(tmp_path)
    vibeguard("wait", cwd=folder)
    (folder / "more").touch()
    git("add", "-A", cwd=folder)
    git("commit", "-q", "--no-verify", "-m", "Unchecked", cwd=folder)
    pushed = git("push", "-q", "origin", "main", "main:other", cwd=folder, check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert [each["verdict"] for each in runs_of(folder)] == ["passed", "passed"]
    assert git("push", "-q", "origin", ":other", cwd=folder, check=False).returncode == 0
    assert len(runs_of(folder)) == 2


def test_a_cancelled_run_is_no_verdict_so_that_a_push_checks_now(tmp_path):
    """Somebody ended it: nothing has been found out about the tree."""
    folder = committed(tmp_path, held=True)
    assert vibeguard("cancel", cwd=folder).returncode == 0
    vibeguard("wait", cwd=folder)
    (tmp_path / "go").touch()
    assert [each["verdict"] for each in runs_of(folder)] == ["cancelled"]
    pushed = git("push", "-q", "origin", "main", cwd=folder, check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert [each["verdict"] for each in runs_of(folder)] == ["passed", "cancelled"]


def committed(tmp_path, *, held=False):
    """A repository with our hooks and a remote, whose first commit is being checked.

    If `held`, the long check goes on until `go` is there.
    """
    if not held:
        (tmp_path / "go").touch()
    folder = project(tmp_path / "repository", SHORT_AND_LONG.format(folder=tmp_path))
    git("init", "-q", "-b", "main", cwd=folder)
    git("init", "-q", "--bare", str(tmp_path / "remote"), cwd=folder)
    git("remote", "add", "origin", str(tmp_path / "remote"), cwd=folder)
    assert vibeguard("hook", "git", "--write", cwd=folder).returncode == 0
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


def test_hooks_installed_from_a_folder_below_find_the_config_there(tmp_path):
    """Also where git lends its own index, as `commit -a` does."""
    top = tmp_path / "repository"
    api = project(top / "packages" / "my api", "checks: [{id: a, run: 'test -f here'}]")
    git("init", "-q", "-b", "main", cwd=top)
    assert vibeguard("hook", "git", "--write", cwd=api).returncode == 0
    git("add", "-A", cwd=top)
    refused = git("commit", "-q", "-m", "Start", cwd=top, check=False)
    assert refused.returncode == 1
    assert "FAILED" in refused.stderr
    (api / "here").touch()
    git("add", "-A", cwd=top)
    assert git("commit", "-q", "-am", "Start", cwd=top, check=False).returncode == 0


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        (("git",), ".git/hooks/pre-commit"),
        (("agent",), "scripts/vibeguard-agent-stop.sh"),
        (("agent", "--target", "claude"), "scripts/vibeguard-agent-claude.sh"),
    ],
)
@pytest.mark.parametrize("first", [".", "packages/my api"])
def test_a_hook_of_ours_for_another_config_is_not_replaced_while_that_is_there(
    tmp_path, kind, script, first
):
    """The config of the first was checked no more, and every commit to it passed."""
    git("init", "-q", "-b", "main", cwd=tmp_path)
    first, second = project(tmp_path / first, CONFIG), project(tmp_path / "web", CONFIG)
    assert vibeguard("hook", *kind, "--write", cwd=first).returncode == 0
    written = (tmp_path / script).read_bytes()
    refused = vibeguard("hook", *kind, "--write", cwd=second)
    assert refused.returncode == 2
    assert "one hook is for one config" in refused.stderr
    assert (tmp_path / script).read_bytes() == written
    assert vibeguard("hook", *kind, "--write", cwd=first).returncode == 0
    (first / "vibeguard.yaml").unlink()
    assert vibeguard("hook", *kind, "--write", cwd=second).returncode == 0
    assert (tmp_path / script).read_bytes() != written


def test_a_push_that_is_refused_says_which_files_differ_and_what_to_do(repository, tmp_path):
    git("init", "-q", "--bare", str(tmp_path / "remote"), cwd=repository)
    git("remote", "add", "origin", str(tmp_path / "remote"), cwd=repository)
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "Start", cwd=repository)
    assert vibeguard("hook", "git", "--write", cwd=repository).returncode == 0
    (repository / "left-over").touch()
    refused = git("push", "-q", "origin", "main", cwd=repository, check=False)
    assert refused.returncode == 1
    assert "left-over" in refused.stderr
    assert "git stash -u" in refused.stderr


@pytest.mark.parametrize(
    ("manager", "says"),
    [
        ("husky", 'add this line to .husky/pre-commit: sh -c "$(vibeguard hook git'),
        ("lefthook", "add to lefthook.yml"),
        ("pre-commit", "add to .pre-commit-config.yaml"),
    ],
)
def test_a_manager_of_hooks_keeps_its_files_and_gets_lines_for_its_own(repository, manager, says):
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    if manager == "husky":
        git("config", "core.hooksPath", ".husky/_", cwd=repository)
    elif manager == "lefthook":
        (repository / "lefthook.yml").write_text("{}\n")
    else:
        (repository / ".pre-commit-config.yaml").write_text("repos: []\n")
        (hooks / "pre-commit").write_text("#!/bin/sh\n# generated by https://pre-commit.com\n")
    done = vibeguard("hook", "git", "--write", cwd=repository)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (hooks / "pre-push").exists()


@pytest.mark.parametrize("carrier", ["sh", "sh -e"])
@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (5, 0), (1, 1), (None, 127)])
def test_the_line_in_the_hook_of_another_refuses_where_ours_would(
    repository, tmp_path, carrier, code, exit_code
):
    """What the other hook does next hides no refusal, nor does a program that is not there."""
    stub = tmp_path / "stub"
    stub.mkdir()
    for tool in ("sh", "git", "head"):
        (stub / tool).symlink_to(shutil.which(tool))
    if code is not None:
        printed = vibeguard("hook", "git", "--stage", "pre-commit", cwd=repository).stdout
        (stub / "script").write_text(printed)
        answer = f'#!/bin/sh\ncase $1 in run) exit {code} ;; esac\n/bin/cat "{stub / "script"}"\n'
        (stub / "vibeguard").write_text(answer)
        (stub / "vibeguard").chmod(0o755)
    hook = tmp_path / "their-hook"
    hook.write_text(f"{call('pre-commit', '.')}\ntrue\n")
    words = [*carrier.split(), str(hook)]
    done = subprocess.run(words, cwd=repository, env={"PATH": str(stub)}, check=False)
    assert done.returncode == exit_code


@pytest.mark.parametrize(
    ("stage", "answers"), [("pre-commit", "run) exit 5"), ("pre-push", "hook) exit 3")]
)
def test_a_hook_that_husky_starts_with_sh_e_does_as_git_would_have_it(
    repository, tmp_path, stage, answers
):
    """Pending lets a commit go; without a verdict the push checks now."""
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "Start", cwd=repository)
    hook = tmp_path / stage
    hook.write_text(vibeguard("hook", "git", "--stage", stage, cwd=repository).stdout)
    stub = fake_vibeguard(tmp_path / "stub", 0)
    (stub / "vibeguard").write_text(f"#!/bin/sh\ncase $1 in {answers} ;; esac\n")
    head = git("rev-parse", "HEAD", cwd=repository).stdout.strip()
    done = subprocess.run(
        ["sh", "-e", hook],
        cwd=repository,
        env={"PATH": f"{stub}:{os.environ['PATH']}"},
        input=f"refs/heads/x {head} refs/heads/x {'0' * 40}\n",
        text=True,
        check=False,
    )
    assert done.returncode == 0


def test_the_agent_hook_works_from_any_folder(repository):
    done = vibeguard("hook", "agent", "--write", cwd=repository)
    script = repository / "scripts" / "vibeguard-agent-stop.sh"
    assert str(script) in done.stderr
    below = repository / "below"
    below.mkdir()
    stopped = subprocess.run(
        [script],
        cwd=below,
        env=environment(),
        input="{}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert stopped.returncode == 0, stopped.stderr
