"""What is packed of a run's files for its workers."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.full_disk import no_file_above
from tests.helpers.pools import git, repository
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.tree import GitTree
from vibeguard.system.own_group import Program
from vibeguard.system.pool.shipment import begin_capture


def test_the_pack_holds_what_the_commit_lacks_and_no_more(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    for number in range(20):
        (folder / f"large{number}").write_bytes(os.urandom(10_000))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "large")
    (folder / "tracked").write_text("two\n")
    (folder / "new").write_text("new\n")
    shipment = begin_capture(str(folder), os.environb).result()
    assert 0 < len(shipment.pack) < 2_000
    assert shipment.source.commit == git(folder, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize("refused", [False, True])
def test_of_what_is_begun_ahead_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    folder = repository(tmp_path / "repository")
    if refused:
        (folder / ".gitattributes").write_text("tracked filter=lfs\n")
    begun: list[Program] = []
    begin = GitTree.begin

    def noting(tree: GitTree, *arguments: str, given: bytes | None = None) -> Program:
        begun.append(begin(tree, *arguments, given=given))
        return begun[-1]

    monkeypatch.setattr(GitTree, "begin", noting)
    capture = begin_capture(str(folder), os.environb)
    if refused:
        with pytest.raises(UsageError, match="LFS"):
            capture.result()
    else:
        assert capture.result().pack == b""
    assert begun
    assert all(program.returncode is not None for program in begun)


@pytest.mark.parametrize("conflict", [False, True])
def test_of_files_as_young_as_the_index_only_changed_ones_are_taken_in(
    tmp_path: Path, conflict: bool
) -> None:
    """A new clone: git cannot know by their times, and would compress all of it to compare."""
    folder = repository(tmp_path / "repository")
    (folder / "large").write_bytes(os.urandom(1 << 20))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "large")
    base = git(folder, "rev-parse", "HEAD").strip()
    if conflict:
        for branch, text in (("other", "2\n"), ("main", "3\n")):
            git(folder, "checkout", "-q", "-B", branch, base)
            (folder / "tracked").write_text(text)
            git(folder, "commit", "-q", "-a", "-m", branch)
        with suppress(subprocess.CalledProcessError):
            git(folder, "merge", "-q", "other")
    (folder / "tracked").write_text("two\n")
    os.utime(folder / "large", (10**9, 10**9))
    git(folder, "update-index", "-q", "--unmerged", "--refresh")
    os.utime(folder / ".git" / "index", (10**9, 10**9))
    with no_file_above(1 << 19):
        sent = begin_capture(str(folder), os.environb).result().source
    git(folder, "add", "-A")
    assert git(folder, "write-tree").strip() == sent.tree


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_an_edit_that_git_was_told_not_to_look_at_goes_along(tmp_path: Path, flag: str) -> None:
    """The check reads it here: on a worker it would have passed on what is committed.

    An edit within the second of the commit, by an index of a later one: git would not see it.
    """
    folder = repository(tmp_path / "repository")
    os.utime(folder / "tracked", (10**9, 10**9))
    git(folder, "update-index", "--refresh")
    git(folder, "update-index", f"--{flag}", "tracked")
    before = git(folder, "ls-files", "-v")
    (folder / "tracked").write_text("two\n")
    os.utime(folder / "tracked", (10**9, 10**9))
    sent = begin_capture(str(folder), os.environb).result().source.tree
    assert git(folder, "ls-files", "-v") == before
    git(folder, "update-index", "--force-remove", "tracked")
    git(folder, "add", "tracked")
    assert git(folder, "write-tree").strip() == sent


def test_what_a_sparse_checkout_left_out_stays_in_the_tree(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    (folder / "other").write_text("other\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "two")
    git(folder, "sparse-checkout", "set", "--no-cone", "/tracked")
    assert not (folder / "other").exists()
    sent = begin_capture(str(folder), os.environb).result().source
    assert sent.tree == git(folder, "rev-parse", "HEAD^{tree}").strip()


def test_a_repository_of_sha_256_is_refused_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(folder))
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    with pytest.raises(UsageError, match="SHA-256"):
        begin_capture(str(folder), os.environb).result()


def test_what_git_cannot_take_is_told_in_its_own_words(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    git(folder, "init", "-q", "inner")
    (folder / "inner" / "file").write_text("")
    with pytest.raises(UsageError, match=r"for workers: error: 'inner/' does not have a commit"):
        begin_capture(str(folder), os.environb).result()


def test_a_git_that_was_ended_is_told_by_the_signal(tmp_path: Path) -> None:
    """As where the system has no memory left for it."""
    folder = repository(tmp_path / "repository")
    (folder / "large").write_bytes(os.urandom(1 << 20))
    with no_file_above(1 << 19), pytest.raises(UsageError, match="git was ended by signal 25"):
        begin_capture(str(folder), os.environb).result()
