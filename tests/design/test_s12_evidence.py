"""DESIGN section 12: `evidence`, and `run --outstanding`, which runs what it lacks."""

import json
import os
from pathlib import Path

import pytest

from tests.helpers.command import git, project, vibeguard

CHECKS = """
version: "1"
checks:
  - {id: base, run: "true"}
  - {id: unit, run: "! test -e broken", requires: [base]}
  - {id: docs, run: "true"}
"""


@pytest.fixture(params=["git", "no git"])
def folder(request, tmp_path: Path) -> Path:
    root = project(tmp_path / "p", CHECKS)
    (root / "a.txt").write_text("1111")
    if request.param == "git":
        git("init", "-q", cwd=root)
    return root


def evidence(folder: Path) -> tuple[int, str]:
    done = vibeguard("evidence", cwd=folder)
    assert done.stdout.count("\n") == 1
    return done.returncode, done.stdout


def test_verified_only_when_every_check_passed_on_this_tree(folder):
    assert evidence(folder) == (3, "not verified: nothing has been run here: vibeguard run\n")
    assert vibeguard("run", cwd=folder).returncode == 0
    code, line = evidence(folder)
    assert (code, "verified: all 3 checks passed on this tree (run " in line) == (0, True)


def test_runs_of_parts_add_up_and_outstanding_runs_the_rest(folder):
    vibeguard("run", "docs", cwd=folder)
    assert evidence(folder)[0] == 1
    assert (
        "partly: 1 of 3 checks passed on this tree; not run on it: base, unit"
        in evidence(folder)[1]
    )
    done = vibeguard("run", "--outstanding", "--json", cwd=folder)
    assert [c["id"] for c in json.loads(done.stdout)["checks"]] == ["base", "unit"]
    assert evidence(folder)[0] == 0
    done = vibeguard("run", "--outstanding", cwd=folder)
    assert (done.returncode, "nothing ran" in done.stderr) == (0, True)


def test_problem_matchers_of_another_file_are_another_config(tmp_path):
    """The file lies where git was told to ignore it: neither the tree nor the config is another."""
    check = "{id: a, run: 'echo a.c:1 bad', results: {matcher: ./m.json}, expect: {max_errors: 0}}"
    root = project(tmp_path / "p", f"checks: [{check}]\n")
    git("init", "-q", cwd=root)
    (root / ".gitignore").write_text("m.json\n.vibeguard\n")
    git("add", ".", cwd=root)
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=root)
    codes = []
    for expression in ("^never (.*) (.*)$", "^(.*):1 (.*)$"):
        pattern = {"regexp": expression, "file": 1, "message": 2}
        form = {"problemMatcher": [{"owner": "o", "pattern": [pattern]}]}
        (root / "m.json").write_text(json.dumps(form))
        verdict = vibeguard("hook", "failures", cwd=root).returncode
        codes.append((evidence(root)[0], verdict, vibeguard("run", cwd=root).returncode))
    assert codes == [(3, 3, 0), (3, 3, 1)]
    (root / "m.json").write_text(json.dumps(form).replace("^(.*):1", "^never (.*)"))
    assert vibeguard("run", "--outstanding", cwd=root).returncode == 0
    assert evidence(root)[0] == 0


def same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_text("2222")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        same_size_and_time,
        lambda path: path.unlink(),
        lambda path: path.chmod(0o755),
        lambda path: (path.parent / "new").touch(),
        lambda path: path.rename(path.with_name("b.txt")),
        lambda path: project(path.parent, CHECKS + "# a comment\n"),
    ],
)
def test_another_tree_or_config_is_not_verified(folder, change):
    vibeguard("run", cwd=folder)
    change(folder / "a.txt")
    code, line = evidence(folder)
    assert (code, line.startswith("not verified: run ")) == (3, True)


def test_what_was_written_since_is_named(folder):
    vibeguard("run", cwd=folder)
    (folder / "a.txt").write_text("new")
    assert "written since: a.txt" in evidence(folder)[1]


def test_a_tree_that_is_put_back_is_verified_again(folder):
    vibeguard("run", cwd=folder)
    (folder / "a.txt").write_text("new")
    (folder / "a.txt").write_text("1111")
    assert evidence(folder)[0] == 0


def test_a_failure_on_this_tree_is_no_evidence_until_a_newer_run_passes(folder):
    config = CHECKS.replace("! test -e broken", "test -e .vibeguard/mended")
    project(folder, config)
    vibeguard("run", cwd=folder)
    assert "did not pass: unit" in evidence(folder)[1]
    (folder / ".vibeguard" / "mended").touch()
    vibeguard("run", "unit", cwd=folder)
    assert evidence(folder)[0] == 0


def test_a_run_in_which_the_tree_was_written_is_no_evidence_even_if_it_was_put_back(folder):
    project(folder, CHECKS.replace('"! test -e broken"', '"echo 2222 >a.txt; printf 1111 >a.txt"'))
    assert vibeguard("run", cwd=folder).returncode == 0
    assert evidence(folder)[0] == 3


def test_what_git_was_told_not_to_look_at_counts(tmp_path):
    root = project(tmp_path, CHECKS)
    (root / "a.txt").write_text("1")
    git("init", "-q", cwd=root)
    git("add", "-A", cwd=root)
    git("update-index", "--assume-unchanged", "a.txt", cwd=root)
    vibeguard("run", cwd=root)
    (root / "a.txt").write_text("2")
    assert evidence(root)[0] == 3


def test_a_forged_or_a_nested_run_is_no_evidence(folder):
    nested = CHECKS.replace('"! test -e broken"', '"vibeguard run docs base"')
    project(folder, nested)
    vibeguard("run", "unit", cwd=folder)
    answer = json.loads(vibeguard("evidence", "--json", cwd=folder).stdout)
    assert answer["verified"] is False
    assert "docs" in answer["unknown"]
    (log,) = [
        path
        for path in folder.glob(".vibeguard/runs/*/events.jsonl")
        if b'"unit"' in path.read_bytes()
    ]
    assert vibeguard("evidence", cwd=folder).returncode == 1  # the run around it says what it has
    log.write_bytes(log.read_bytes().replace(b'"unit"', b'"docs"'))
    assert vibeguard("evidence", cwd=folder).returncode == 3


@pytest.mark.parametrize(
    ("meddle", "why"),
    [
        (lambda log: log.write_bytes(log.read_bytes() + b"x\n"), "an event follows the seal"),
        (lambda log: log.write_bytes(log.read_bytes()[:-9]), "its log has no seal"),
        (lambda log: log.unlink(), "the log cannot be opened"),
    ],
    ids=["appended", "cut", "gone"],
)
def test_of_a_run_that_proves_nothing_it_is_said_why(folder, meddle, why):
    """To record its tree would not have made it a proof."""
    assert vibeguard("run", cwd=folder).returncode == 0
    meddle(folder / ".vibeguard/latest/events.jsonl")
    done = vibeguard("evidence", cwd=folder)
    assert done.returncode == 3
    assert why in done.stdout
    assert "--record-tree" not in done.stdout


def test_the_status_is_that_of_the_run_that_was_asked_for_whatever_lies_in_its_folder(folder):
    for _ in range(2):
        assert vibeguard("run", cwd=folder).returncode == 0
    older, newer = sorted((folder / ".vibeguard/runs").iterdir())
    (newer / "events.jsonl").write_bytes((older / "events.jsonl").read_bytes())
    assert vibeguard("status", cwd=folder).stdout.startswith(f"run {newer.name}: corrupt")


HANDED = r"""
version: "1"
checks:
  - {id: lint, run: '! grep bad "$@"', files: ["*.py"], pass_files: true}
  - {id: list, run: '! xargs -0 grep bad <"$VIBEGUARD_FILES"', files: ["*.py"]}
"""


@pytest.fixture
def half_bad(tmp_path: Path) -> Path:
    """A repository with a file that does not pass, and another one that has changed."""
    root = project(tmp_path / "p", HANDED)
    for name, content in (("a.py", "good"), ("b.py", "bad")):
        (root / name).write_text(content)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "c")):
        git("-c", "user.name=x", "-c", "user.email=x@example.org", *words, cwd=root)
    (root / "a.py").write_text("better")
    git("add", "-A", cwd=root)
    return root


@pytest.mark.parametrize("narrowed", ["--changed=HEAD", "--staged"])
def test_a_pass_on_some_of_its_files_is_none_on_the_tree(half_bad, narrowed):
    done = vibeguard("run", narrowed, "--record-tree", cwd=half_bad)
    assert done.returncode == 0, done.stderr
    assert evidence(half_bad)[0] == 3
    tree = git("write-tree", cwd=half_bad).stdout.strip()
    assert vibeguard("hook", "verdict", tree, cwd=half_bad).returncode == 3
    assert vibeguard("run", "--outstanding", "--record-tree", cwd=half_bad).returncode == 1
    assert vibeguard("run", narrowed, "--record-tree", cwd=half_bad).returncode == 0
    assert "did not pass: lint, list" in evidence(half_bad)[1]
    assert vibeguard("hook", "verdict", tree, cwd=half_bad).returncode == 1


def test_a_pass_on_all_of_its_files_counts_however_they_were_found(half_bad):
    for name in ("a.py", "b.py"):
        (half_bad / name).write_text("good, all of it")
    assert vibeguard("run", "--changed=HEAD", cwd=half_bad).returncode == 0
    assert evidence(half_bad)[0] == 0


def test_a_run_on_some_of_the_files_is_not_joined_by_one_on_all(half_bad):
    project(half_bad, HANDED.replace("! grep", "read _ <../fifo; ! grep"))
    os.mkfifo(half_bad.parent / "fifo")
    git("add", "-A", cwd=half_bad)
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "c", cwd=half_bad)
    (half_bad / "a.py").write_text("best")
    words = ("run", "--detach", "--changed=HEAD"), ("run", "--detach")
    runs = [vibeguard(*each, cwd=half_bad).stdout.strip() for each in words]
    assert runs[0] != runs[1]
    joined = vibeguard(*words[0], cwd=half_bad)
    for run in runs:
        vibeguard("cancel", run, cwd=half_bad)
        vibeguard("wait", run, cwd=half_bad)
    assert joined.stdout.strip() == runs[0]


def test_a_state_folder_of_another_name_is_no_part_of_the_tree(tmp_path):
    """Where git does not say what counts: what was run would change with every run."""
    folder = project(tmp_path, CHECKS)
    assert vibeguard("run", "--state-dir=kept", cwd=folder).returncode == 0
    assert vibeguard("evidence", "--state-dir=kept", cwd=folder).returncode == 0
