"""DESIGN section 11, "Tree changed": what checks, or somebody beside them, made of the files."""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import trio
from msgspec.structs import replace

from tests.helpers import histories
from tests.helpers.command import environment, git, vibeguard
from tests.helpers.scripted_executor import Script
from tests.helpers.staging import repository
from tests.helpers.virtual import check, run_virtually
from vibeguard.core.model.differing import Differing
from vibeguard.core.model.event_parts import TreeChange
from vibeguard.core.names import OnChange
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.differing import LARGEST_READ, changed_files, differing
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.reuse.left_alone import changed_since_look, look
from vibeguard.system.reuse.tree import MOST_FILES_UNASKED
from vibeguard.system.supervisor.aftermath import changed_meanwhile

UNNAMED = "git names none, yet not every file holds what it did"


def config(*checks: str) -> str:
    return "checks:\n" + "".join(f"  - {{{each}}}\n" for each in checks)


def run(folder: Path) -> dict:
    return json.loads(vibeguard("run", "--json", cwd=folder).stdout)


@pytest.mark.slow
def test_changed_files_are_named_in_the_summary_of_every_format(tmp_path):
    root = repository(
        tmp_path,
        **{
            ".gitignore": "ignored\n",
            "clean": "1",
            "dirty": "1",
            "same": "1",
            "gone": "1",
            "vibeguard.yaml": config(
                "id: a, run: 'echo 2 >clean; echo 3 >dirty; touch ignored same; rm gone; echo >new'"
            ),
        },
    )
    (root / "dirty").write_text("2")
    (root / "same").write_text("2")
    done = vibeguard("run", cwd=root)
    assert done.returncode == 0
    words = "changed by checks or by somebody else: clean, dirty, gone, new"
    assert f"; {words}\n" in done.stderr.replace("\n  ", " ")
    for form in ("agent", "markdown", "html", "github"):
        shown = vibeguard("report", "--format", form, cwd=root)
        assert "somebody else" in shown.stdout + shown.stderr, form
    document = json.loads(vibeguard("report", "--format", "json", cwd=root).stdout)
    names = ["clean", "dirty", "gone", "new"]
    assert document["changed"] == {"files": names, "left_out": 0, "untold": ""}


@pytest.mark.slow
def test_nothing_is_said_where_nothing_changed_or_every_check_may_change_files(tmp_path):
    text = config("id: a, run: 'touch made', on_change: allow")
    root = repository(tmp_path, **{"vibeguard.yaml": text})
    assert run(root)["changed"] is None
    root = repository(tmp_path / "b", **{"vibeguard.yaml": config("id: a, run: 'touch .git/x'")})
    assert run(root)["changed"] is None


@pytest.mark.slow
def test_a_check_that_must_change_nothing_fails_when_it_does_and_is_not_tried_again(tmp_path):
    root = repository(
        tmp_path,
        **{
            "a": "1\n",
            "vibeguard.yaml": config(
                "id: formats, run: 'echo 2 >a', on_change: fail, retries: 3",
                "id: reads, run: 'cat a; touch .git/x', on_change: fail",
                "id: fails, run: 'echo 3 >a; exit 3', on_change: fail",
                "id: tells, run: 'cat b || { echo 1 >b; exit 1; }', on_change: fail, retries: 1",
            ),
        },
    )
    checks = {check["id"]: check for check in run(root)["checks"]}
    assert (checks["formats"]["status"], checks["formats"]["reason"]) == ("failed", "changed files")
    assert checks["formats"]["message"] == "changed files: a"
    assert checks["formats"]["attempts"] == 1
    assert checks["reads"]["status"] == "passed"
    assert checks["fails"]["reason"] == "exit_code"
    assert checks["fails"]["message"] == "exit code 3; changed files: a"
    assert (checks["tells"]["status"], checks["tells"]["attempts"]) == ("failed", 1)


@pytest.mark.slow
def test_outside_of_git_nobody_can_say_that_it_changed_nothing(tmp_path):
    (tmp_path / "vibeguard.yaml").write_text(
        config("id: a, run: 'true', on_change: fail", "id: b, run: 'touch x'")
    )
    document = run(tmp_path)
    checks = {check["id"]: check for check in document["checks"]}
    assert (checks["a"]["status"], checks["a"]["reason"]) == ("failed", "changed files")
    assert "cannot be told" in checks["a"]["message"]
    assert (checks["b"]["status"], document["changed"]) == ("passed", None)


def changed_after(root: Path, before: Differing) -> tuple[list[bytes], str]:
    return changed_files(str(root), before, differing(str(root), caller_environment(), 10))


def test_where_git_takes_too_long_that_is_said_in_a_word(tmp_path):
    root = repository(tmp_path, a="1")
    before = differing(str(root), caller_environment(), 0.000_001)
    assert before is not None
    assert before.untold.startswith("git takes over ")
    assert changed_after(root, before) == ([], before.untold)


def test_a_commit_meanwhile_changes_no_file(tmp_path):
    root = repository(tmp_path, a="1", b="1")
    (root / "a").write_text("2")
    git("add", "a", cwd=root)
    before = differing(str(root), caller_environment(), 10)
    assert before is not None
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=root)
    assert changed_after(root, before) == ([], "")
    (root / "a").write_text("3")
    git("checkout", "-q", "HEAD", "--", "a", cwd=root)
    assert changed_after(root, before) == ([], "")
    (root / "a").write_text("4")
    assert changed_after(root, before) == ([b"a"], "")


def alone(name: str, *requires: str, **fields):
    return check(name, *requires, on_change=OnChange.FAIL, **fields)


def lasting(**seconds: float) -> dict[str, Script]:
    return {name: Script(duration_s=length) for name, length in seconds.items()}


def test_nothing_runs_beside_a_check_that_must_change_nothing():
    checks = [check("a"), alone("b"), check("c"), alone("d"), check("bg", mode="async")]
    run = run_virtually(checks, lasting(a=3, b=5, c=2, d=1, bg=4))
    spans = {name: (run.started_s(name), run.settled_s(name)) for name in run.outcomes()}
    assert set(run.outcomes().values()) == {"passed"}
    for name in ("b", "d"):
        begin, end = spans.pop(name)
        for other, (start, stop) in spans.items():
            assert stop <= begin or start >= end, (name, other, spans)


def test_the_background_lets_such_checks_of_the_foreground_go_first_and_waits_for_its_own_turn():
    checks = [alone("bg", mode="async"), alone("a"), alone("b"), check("bg2", mode="async")]
    run = run_virtually(checks, lasting(a=1, b=1, bg=100, bg2=100))
    assert run.settled_s("b") == pytest.approx(2)
    assert run.elapsed_s == pytest.approx(202)


def test_one_that_is_cancelled_in_the_queue_keeps_nobody_waiting():
    async def cancel(run):
        await trio.sleep(1)
        run.cancel_check("b")

    checks = [alone("a"), alone("b"), check("bg", mode="async")]
    run = run_virtually(checks, lasting(a=5, b=5, bg=1), during=cancel)
    assert run.outcomes() == {"a": "passed", "b": "cancelled", "bg": "passed"}


def edits_unseen(flag: str) -> str:
    return f"echo 2 >a; git update-index --{flag} a"


COMMIT = "git -c user.name=A -c user.email=a@b.c commit -q"
# What a check may do so that git says nothing of what it did, and the name that comes of it.
HIDDEN = {
    "assume-unchanged": (edits_unseen("assume-unchanged"), "a"),
    "skip-worktree": (edits_unseen("skip-worktree"), "a"),
    "flagged before it is edited": ("git update-index --assume-unchanged a && echo 2 >a", "a"),
    "a mode that git does not trust": ("git config core.fileMode false; chmod +x a", "a"),
    "a name in another case": ("git config core.ignoreCase true; mv a A", "a"),
    "a clean filter": (
        "git config filter.same.clean 'echo 1'; echo 'a filter=same' >>.git/info/attributes; echo 2 >a",
        "a",
    ),
    "committed": (f"echo 2 >a; {COMMIT} -am x", "a"),
    "committed as none of git's": (
        f"git config core.excludesFile .git/rules; echo a >.git/rules; git rm -q --cached a; {COMMIT} -m x; echo 2 >a",
        "a",
    ),
    "the same size and time": ("touch -r a t; echo 2 >a; touch -r t a; rm t", "a"),
    "a new file that is excluded": ("echo new >>.git/info/exclude; touch new", ".git/info/exclude"),
    "a new file that rules of its own ignore": (
        "printf '*' >sub/.gitignore; touch sub/new",
        "sub/",
    ),
    "rules that were ignored": ("echo new >odd/.gitignore; touch odd/new", "odd/.gitignore"),
    "rules named by a setting": (
        "echo new >.git/rules; git config core.excludesFile .git/rules; touch new",
        ".git/config",
    ),
    "another repository": ("mv .git .old; git init -q; echo 2 >a; git add a .old; rm -r .old", "a"),
    "a link": ("ln -sf b link; git update-index --assume-unchanged link", "link"),
    "a file gone": ("git update-index --skip-worktree a; rm a", "a"),
    "a submodule of its own": ("mkdir n; git init -q n; touch n/x", "n/"),
}
SAME = {
    "written again": "cp a t; cat t >a; rm t; touch b sub/c; git update-index --assume-unchanged a",
    "a cache that ignores itself": "mkdir .cache; printf '*' >.cache/.gitignore; touch .cache/x",
    "what is ignored": "touch ignored",
    "a setting that hides nothing": "git config core.hooksPath .husky",
    "a stamp of git's own": "git status; touch .git/x",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    rules = "ignored\nodd/.gitignore\nvibeguard.yaml\n.vibeguard\n"
    root = repository(tmp_path_factory.mktemp("hidden") / "p", a="1\n", b="1\n")
    (root / ".gitignore").write_text(rules)
    for name in ("sub", "odd"):
        (root / name).mkdir()
        (root / name / "c").write_text("1\n")
    (root / "odd" / ".gitignore").write_text("")
    (root / "link").symlink_to("a")
    git("add", "-A", cwd=root)
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=root)
    return root


def looked_at_twice(root: Path, script: str) -> tuple[list[bytes], str]:
    """What a check with `on_change: fail` that does this is told to have changed."""
    before = look(str(root), caller_environment(), 30)
    assert not before.git.untold
    subprocess.run(["sh", "-c", script], cwd=root, env=environment(), check=True)
    return changed_since_look(str(root), caller_environment(), before, 30)


@pytest.fixture
def place(template, tmp_path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "p", symlinks=True))


@pytest.mark.parametrize("shape", HIDDEN)
def test_what_a_check_hides_from_git_is_changed_all_the_same(place, shape):
    script, name = HIDDEN[shape]
    paths, untold = looked_at_twice(place, script)
    assert (untold, [path for path in paths if path.startswith(name.encode())] != []) == ("", True)


def noted(root: Path, script: str) -> TreeChange | None:
    """What is said of a run, with too many files to remember them, whose check does this."""
    environ = caller_environment()
    before = differing(str(root), environ, 30)
    launch = SimpleNamespace(
        folder=bytes(root),
        environment=environ,
        version_control=None,
        differing=before,
        log_dir=b"",
    )
    history = histories.History(histories.check("a", on_change=OnChange.NOTE))
    history.ready("a")
    history.start("a")
    subprocess.run(["sh", "-c", script], cwd=root, env=environment(), check=True)
    return changed_meanwhile(cast("Launch", launch), history.state, None)


def test_git_is_asked_what_differs_while_the_last_pass_is_proven_and_not_again(tmp_path):
    text = config("id: a, run: 'echo 1 >f1', reuse: true, inputs: [vibeguard.yaml], tools: []")
    files = {f"f{n}": "" for n in range(MOST_FILES_UNASKED)}
    root = repository(tmp_path, **files, **{"vibeguard.yaml": text, ".gitignore": ".vibeguard\n"})
    trace = root / ".git" / "trace"
    done = vibeguard("run", "--json", cwd=root, env={"GIT_TRACE": str(trace)})
    assert json.loads(done.stdout)["changed"]["files"] == ["f1"]
    assert trace.read_text().count("status --porcelain") == 2


@pytest.mark.parametrize("shape", SAME)
def test_who_leaves_the_same_bytes_in_the_files_of_the_tree_has_changed_none(place, shape):
    assert looked_at_twice(place, SAME[shape]) == ([], "")


def test_a_large_file_is_changed_when_it_was_written(place):
    (place / "big").write_bytes(bytes(LARGEST_READ + 1))
    assert looked_at_twice(place, "touch a") == ([], "")
    script = "echo 2 >>big; git add big; git update-index --assume-unchanged big"
    assert looked_at_twice(place, script) == ([b"big"], "")


def test_however_many_files_differ_what_a_check_changed_is_told(place):
    for number in range(2_001):  # the note at the end of a run gives up above 2,000
        (place / f"n{number}").touch()
    assert looked_at_twice(place, "true") == ([], "")
    assert looked_at_twice(place, "echo 2 >n7") == ([b"n7"], "")


def test_what_an_earlier_look_has_read_is_read_again_only_where_it_changed(place):
    before = look(str(place), caller_environment(), 30)
    known = {entry.path: replace(entry, sha256=entry.sha256[::-1]) for entry in before.entries}
    (place / "a").write_text("2\n")
    now = {e.path: e for e in look(str(place), caller_environment(), 30, known).entries}
    assert now[b"b"] == known[b"b"]
    assert now[b"a"].sha256 == sha256(b"2\n").hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_hidden_edits_fail_the_check_that_must_make_none_and_are_noted_else(tmp_path, flag):
    text = config(
        f"id: fails, run: '{edits_unseen(flag)}', on_change: fail",
        f"id: notes, run: 'echo 3 >b; git update-index --{flag} b'",
    )
    root = repository(tmp_path, **{"a": "1", "b": "1", "c": "1", "vibeguard.yaml": text})
    git("update-index", f"--{flag}", "c", cwd=root)
    document = run(root)
    checks = {check["id"]: check for check in document["checks"]}
    assert checks["fails"]["message"] == "changed files: a"
    assert checks["notes"]["status"] == "passed"
    assert document["changed"] == {"files": [], "left_out": 0, "untold": UNNAMED}


@pytest.mark.slow
def test_that_git_names_no_file_of_a_tree_that_is_another_is_said(tmp_path):
    text = config("id: a, run: 'git config core.fileMode false && chmod +x b'")
    root = repository(tmp_path, **{"b": "1", "vibeguard.yaml": text})
    assert run(root)["changed"] == {"files": [], "left_out": 0, "untold": UNNAMED}


def test_a_repository_without_a_commit_names_what_was_changed_as_any_other(tmp_path):
    root = tmp_path / "p"
    root.mkdir()
    git("init", "-q", cwd=root)
    for name in ("staged", "untracked"):
        (root / name).write_text("1\n")
    git("add", "staged", cwd=root)
    assert looked_at_twice(root, "echo 1 >staged; touch untracked") == ([], "")
    script = "echo 2 >staged; echo 2 >untracked; touch new"
    named = ["new", "staged", "untracked"]
    assert looked_at_twice(root, script) == ([name.encode() for name in named], "")
    change = noted(root, "echo 3 >staged; rm untracked; echo 2 >new")
    assert change is not None
    assert change.files == ("new", "staged", "untracked")


def test_a_submodule_counts_by_the_commit_that_it_is_at(place):
    """What is built or edited in one that stays there is nothing to speak of (ADR 0136)."""
    inner = repository(place.parent / "inner", a="1\n")
    allowed = ("-c", "protocol.file.allow=always")
    git(*allowed, "submodule", "--quiet", "add", str(inner), "inner", cwd=place)
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=place)
    assert looked_at_twice(place, "touch inner/built; echo 2 >inner/a") == ([], "")
    move = "git -C inner -c user.name=A -c user.email=a@b.c commit -qam y"
    assert looked_at_twice(place, move) == ([b"inner"], "")
