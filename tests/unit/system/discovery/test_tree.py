"""The name of what is in the working folder: equal for the same files, and nothing is changed."""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.helpers.command import git
from tests.helpers.processes import is_running
from tests.helpers.waiting import PATIENCE_S, wait_until
from vibeguard.system.discovery.tree import tree_of

HANGS_S = 90  # longer than a test's patience


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory, monkeypatch) -> Path:
    """Where temporary folders are made, so that a test sees whether one is left."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A repository with one commit: two files, one of them below, and a rule for what to ignore."""
    folder = tmp_path / "checkout"
    (folder / "below").mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / "file").write_text("1\n")
    (folder / "below" / "other").write_text("2\n")
    (folder / ".gitignore").write_text("ignored\n.vibeguard/\n")
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "Start", cwd=folder)
    return folder


def tree(folder: Path, timeout_s: float = PATIENCE_S, **more: str) -> str:
    """The tree of a folder in this test's own environment."""
    changed = {os.fsencode(name): os.fsencode(value) for name, value in more.items()}
    return tree_of(str(folder), dict(os.environb) | changed, timeout_s=timeout_s)


def tree_of_commit(folder: Path, commit: str = "HEAD") -> str:
    """What git says."""
    return git("rev-parse", f"{commit}^{{tree}}", cwd=folder).stdout.strip()


def committed(folder: Path) -> str:
    """The tree of a commit of everything that is there now."""
    git("add", "-A", cwd=folder)
    git("commit", "-q", "--allow-empty", "-m", "More", cwd=folder)
    return tree_of_commit(folder)


def snapshot(folder: Path) -> dict[str, object]:
    """Every file of the repository's own folder, with its content; of the index the time too.

    Git renews the time of objects that it meets again, so that no clean-up takes them away.
    """
    files = [path for path in sorted((folder / ".git").rglob("*")) if path.is_file()]
    contents: dict[str, object] = {str(path): path.read_bytes() for path in files}
    return contents | {"time of the index": (folder / ".git" / "index").stat().st_mtime_ns}


# In git.


def test_a_clean_work_tree_is_the_tree_of_its_commit(checkout):
    assert tree(checkout) == tree_of_commit(checkout)


def test_it_is_the_tree_of_the_whole_repository_from_any_folder_below(checkout):
    (checkout / "file").write_text("changed\n")
    assert tree(checkout / "below") == tree(checkout) == committed(checkout)


def _change(folder: Path) -> None:
    (folder / "file").write_text("another length\n")


def _change_to_the_same_length(folder: Path) -> None:
    (folder / "file").write_text("9\n")


def _add(folder: Path) -> None:
    (folder / "new file").write_text("new\n")


def _remove(folder: Path) -> None:
    (folder / "below" / "other").unlink()


def _make_executable(folder: Path) -> None:
    (folder / "file").chmod(0o755)


def _replace_by_a_link(folder: Path) -> None:
    (folder / "file").unlink()
    (folder / "file").symlink_to("below/other")


def _rename(folder: Path) -> None:
    (folder / "file").rename(folder / "renamed")


def _stage(folder: Path) -> None:
    (folder / "file").write_text("staged\n")
    git("add", "file", cwd=folder)


def _stage_and_change_again(folder: Path) -> None:
    _stage(folder)
    (folder / "file").write_text("not staged\n")


DEEDS = [
    _change,
    _change_to_the_same_length,
    _add,
    _remove,
    _make_executable,
    _replace_by_a_link,
    _rename,
    _stage,
    _stage_and_change_again,
]


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_not_committed_counts_as_it_is_in_the_folder(checkout, deed):
    """The answer is the tree that a commit of everything then has."""
    before = tree(checkout)
    deed(checkout)
    found = tree(checkout)
    assert found != before
    assert found == committed(checkout)


def test_what_is_changed_back_is_the_same_tree(checkout):
    before = tree(checkout)
    _change(checkout)
    assert tree(checkout) != before
    (checkout / "file").write_text("1\n")
    assert tree(checkout) == before


@pytest.mark.parametrize("name", ["ignored", "below/ignored", ".vibeguard/runs"])
def test_what_git_ignores_does_not_count(checkout, name):
    before = tree(checkout)
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("anything\n")
    assert tree(checkout) == before


@pytest.mark.parametrize("name", ["main", "ma\nin"])  # git tells paths in lines
def test_a_linked_work_tree_has_a_tree_of_its_own(checkout, tmp_path, name):
    """Of its files and its index, not of those of the main work tree."""
    linked = tmp_path / "linked"
    checkout = checkout.rename(tmp_path / name)
    git("worktree", "add", "-q", str(linked), cwd=checkout)
    _change(checkout)
    assert tree(linked) == tree_of_commit(linked)
    (linked / "ignored").write_text("its index alone knows that this is tracked all the same\n")
    git("add", "--force", "ignored", cwd=linked)
    found = tree(linked)
    assert found not in ("", tree(checkout), tree_of_commit(linked))
    assert found == committed(linked)


def test_a_folder_for_temporary_files_that_is_none_keeps_nothing_from_being_known(
    checkout, tmp_path, monkeypatch
):
    """There are others."""
    known = tree(checkout)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert tree(checkout) == known != ""


def test_a_repository_without_a_commit_has_a_tree(tmp_path):
    git("init", "-q", "-b", "main", cwd=tmp_path)
    (tmp_path / "file").write_text("1\n")
    assert tree(tmp_path) == committed(tmp_path)


def test_the_index_that_git_lends_to_a_hook_is_not_what_is_meant(checkout, tmp_path):
    """`git commit file` gives its hooks an index of its own; what is checked is the folder.

    The two differ in a file that is tracked although a rule ignores it: only its index knows it.
    """
    lent = tmp_path / "lent index"
    shutil.copy2(checkout / ".git" / "index", lent)
    (checkout / "ignored").write_text("tracked all the same\n")
    git("add", "--force", "ignored", cwd=checkout)
    _add(checkout)
    before = lent.read_bytes()
    assert tree(checkout, GIT_INDEX_FILE=str(lent)) == tree(checkout) == committed(checkout)
    assert lent.read_bytes() == before


def test_a_path_with_colons_quotes_and_backslashes_is_no_obstacle(checkout):
    """Git reads the place of the objects of what has not changed from a list that colons divide."""
    folder = checkout.rename(checkout.with_name('a:b"c\\d'))
    for name in ("file", "below/other", ".gitignore"):
        os.utime(folder / name, (1, 1))  # as new as its index, a file is read again
    git("add", "-A", cwd=folder)
    _add(folder)
    found = tree(folder)
    assert found == committed(folder)


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_of_the_repository_changes_and_nothing_is_left(checkout, scratch, deed):
    """Neither index nor objects, and no file anywhere else."""
    deed(checkout)
    before = snapshot(checkout)
    assert tree(checkout) != ""
    assert snapshot(checkout) == before
    assert list(scratch.iterdir()) == []


def test_somebody_elses_lock_on_the_index_does_not_matter(checkout):
    """A commit that is under way holds it, and this runs in its hook."""
    _change(checkout)
    lock = checkout / ".git" / "index.lock"
    lock.touch()
    found = tree(checkout)
    assert lock.exists()
    lock.unlink()
    assert found == committed(checkout)


# Where it is not known.


def fake_git(folder: Path, text: str) -> dict[str, str]:
    """An environment in which `git` is this script."""
    folder.mkdir()
    script = folder / "git"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_a_git_that_hangs_is_given_up_with_all_that_it_started(checkout, tmp_path, scratch):
    """What hangs below it holds the pipe open: only its end is the end of the reading."""
    pid = tmp_path / "pid"
    hanging = f"sh -c 'echo $$ > {pid}; exec sleep {HANGS_S}' & wait"
    path = fake_git(tmp_path / "bin", hanging)
    began = time.monotonic()
    assert tree(checkout, timeout_s=0.5, **path) == ""
    assert time.monotonic() - began < HANGS_S
    assert list(scratch.iterdir()) == []
    known = pid.read_text() if pid.exists() else ""
    if known:  # on a busy machine it was ended before it could say who it is
        wait_until(lambda: not is_running(int(known)), "it is still there", patience_s=HANGS_S / 3)


def test_a_filter_that_hangs_is_given_up_on(checkout):
    """The real git waits for what the repository's attributes name."""
    git("config", "filter.stuck.clean", f"sleep {HANGS_S}", cwd=checkout)
    (checkout / ".gitattributes").write_text("file filter=stuck\n")
    _change(checkout)
    began = time.monotonic()
    assert tree(checkout, timeout_s=1.0) == ""
    assert time.monotonic() - began < HANGS_S


@pytest.mark.parametrize("answer", ["exit 1", "exit 128", "kill -9 $$"])
def test_a_git_that_fails_leaves_the_tree_unknown(checkout, tmp_path, scratch, answer):
    assert tree(checkout, **fake_git(tmp_path / "bin", answer)) == ""
    assert list(scratch.iterdir()) == []


def test_without_git_the_tree_of_a_repository_is_unknown(checkout):
    assert tree(checkout, PATH="/nowhere") == ""


def test_a_damaged_index_leaves_the_tree_unknown(checkout):
    (checkout / ".git" / "index").write_bytes(b"no index")
    assert tree(checkout) == ""


@pytest.mark.parametrize("mark", [None, ".hg"])
def test_outside_of_git_there_is_no_tree(tmp_path, mark):
    if mark:
        (tmp_path / mark).mkdir()
    assert tree(tmp_path) == ""
