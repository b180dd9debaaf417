"""What git says has changed: real repositories in every state that is easily forgotten."""

import os
import subprocess
from pathlib import Path

import pytest

from vibeguard.core.planning.concerned import concerned
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.changes import changed_since, staged, tracked_at_least
from vibeguard.system.staged.frozen import freeze

ENVIRONMENT = {
    **os.environb,
    b"GIT_CONFIG_GLOBAL": b"/dev/null",
    b"GIT_CONFIG_SYSTEM": b"/dev/null",
    b"GIT_AUTHOR_NAME": b"a",
    b"GIT_AUTHOR_EMAIL": b"a@example.org",
    b"GIT_COMMITTER_NAME": b"a",
    b"GIT_COMMITTER_EMAIL": b"a@example.org",
}


def git(folder, *arguments, **variables):
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder,
        env={**ENVIRONMENT, **{os.fsencode(k): os.fsencode(v) for k, v in variables.items()}},
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


def commit(folder, message="m"):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A commit on main, a branch `work` that has gone on from it."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for name in ("kept", "edited", "gone", "renamed", "staged"):
        (root / name).write_text(f"{name}\n" * 20)
    commit(root)
    git(root, "switch", "-q", "-c", "work")
    return root


def since(root, ref="main"):
    return changed_since(str(root), ENVIRONMENT, ref)


def test_committed_staged_unstaged_and_untracked_files_count_and_both_names_of_a_rename(repo):
    (repo / "edited").write_text("new")
    commit(repo)
    git(repo, "mv", "renamed", "other")
    (repo / "gone").unlink()
    (repo / "staged").write_text("new")
    git(repo, "add", "staged")
    (repo / "sub").mkdir()
    (repo / "sub" / "fresh\nline \udcff").write_text("new")
    changes = since(repo)
    assert changes.paths == {
        b"edited", b"renamed", b"other", b"gone", b"staged", b"sub/fresh\nline \xff",
    }  # fmt: skip
    assert not changes.unknown


def test_what_the_base_went_on_to_do_is_not_ours(repo):
    git(repo, "switch", "-q", "main")
    (repo / "kept").write_text("on main")
    commit(repo)
    git(repo, "switch", "-q", "work")
    assert since(repo).paths == set()


def test_a_change_that_is_staged_and_undone_in_the_work_tree_counts(repo):
    (repo / "staged").write_text("new")
    git(repo, "add", "staged")
    (repo / "staged").write_text("staged\n" * 20)
    assert since(repo).paths == {b"staged"}


def test_git_looks_also_where_it_was_told_to_believe_the_times(repo):
    git(repo, "config", "core.checkStat", "minimal")
    git(repo, "config", "core.trustctime", "false")
    long_ago = (10**18, 10**18)
    os.utime(repo / "edited", ns=long_ago)
    git(repo, "update-index", "--refresh")
    (repo / "new").write_text("EDITED\n" * 20)
    os.utime(repo / "new", ns=long_ago)
    (repo / "new").rename(repo / "edited")
    assert since(repo).paths == {b"edited"}


def test_intent_to_add_and_ignored_files(repo):
    (repo / ".gitignore").write_text("*.o\n")
    (repo / "a.o").write_text("")
    (repo / "meant").write_text("")
    git(repo, "add", "-N", "meant")
    assert since(repo).paths == {b".gitignore", b"meant"}


def test_without_a_name_the_upstream_is_the_base_then_origin_head(repo, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repo), str(clone))
    (clone / "kept").write_text("new")
    found = changed_since(str(clone), ENVIRONMENT, "")
    assert (found.paths, found.base) == ({b"kept"}, "@{upstream}")
    git(clone, "switch", "-q", "-c", "topic", "--no-track")
    found = changed_since(str(clone), ENVIRONMENT, "")
    assert (found.paths, found.base) == ({b"kept"}, "origin/HEAD")


@pytest.mark.parametrize("ref", ["nope", "--upload-pack=x", "", "HEAD^{tree}"])
def test_a_base_that_there_is_not_makes_everything_concerned(repo, ref):
    assert since(repo, ref).unknown


def test_a_shallow_clone_that_lacks_the_base_says_so(repo, tmp_path):
    (repo / "kept").write_text("more")
    commit(repo)
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{repo}", str(clone))
    found = changed_since(str(clone), ENVIRONMENT, "origin/main")
    assert "shallow clone" in found.unknown


def test_before_the_first_commit_every_file_has_changed(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("")
    (tmp_path / "b").write_text("")
    git(tmp_path, "add", "a")
    assert changed_since(str(tmp_path), ENVIRONMENT, "").paths == {b"a", b"b"}
    assert staged(str(tmp_path), ENVIRONMENT).paths == {b"a"}


def test_a_file_that_git_was_told_not_to_look_at_counts_as_changed(repo):
    git(repo, "update-index", "--assume-unchanged", "kept")
    git(repo, "update-index", "--skip-worktree", "edited")
    assert since(repo).paths == {b"kept", b"edited"}


def test_outside_of_git_nobody_knows(tmp_path):
    assert "no git repository" in changed_since(str(tmp_path), ENVIRONMENT, "").unknown
    with pytest.raises(UsageError):
        freeze(str(tmp_path), str(tmp_path), ENVIRONMENT)


def test_a_git_that_is_not_there_makes_everything_concerned(repo):
    found = changed_since(str(repo), {b"PATH": b"/nowhere"}, "main")
    assert found.unknown


def test_a_worktree_has_changes_of_its_own(repo, tmp_path):
    other = tmp_path / "other"
    git(repo, "worktree", "add", "-q", "-b", "topic", str(other), "main")
    (other / "kept").write_text("new")
    assert since(other).paths == {b"kept"}
    assert since(repo).paths == set()


@pytest.fixture
def submodule(repo, tmp_path):
    """`repo/lib`, a submodule in the commit of main."""
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    (library / "one").write_text("1")
    (library / "two").write_text("2")
    commit(library)
    git(repo, "switch", "-q", "main")
    git(repo, "submodule", "--quiet", "add", str(library), "lib")
    commit(repo)
    git(repo, "switch", "-q", "-C", "work")
    return repo / "lib"


def test_what_changed_inside_of_a_submodule(repo, submodule):
    (submodule / "one").write_text("dirty")
    (submodule / "fresh").write_text("")
    assert since(repo).paths == {b"lib", b"lib/one", b"lib/fresh"}


def test_a_submodule_that_was_moved_to_another_commit(repo, submodule):
    (submodule / "two").write_text("new")
    commit(submodule)
    assert since(repo).paths == {b"lib", b"lib/two"}
    git(repo, "add", "lib")
    assert staged(str(repo), ENVIRONMENT).paths == {b"lib", b"lib/two"}
    commit(repo)
    assert since(repo).paths == {b"lib", b"lib/two"}


def test_a_submodule_that_was_removed_or_is_new(repo, submodule):
    git(repo, "rm", "-qf", "lib")
    assert "was removed" in since(repo).unknown
    assert "was removed" in staged(str(repo), ENVIRONMENT).unknown
    git(repo, "reset", "-q", "--hard")
    git(repo, "submodule", "--quiet", "update", "--init")
    assert {b"lib/one", b"lib/two", b"lib"} <= since(repo, "main~1").paths


def test_a_file_of_a_submodule_that_git_was_told_not_to_look_at_counts_as_changed(repo, submodule):
    git(submodule, "update-index", "--assume-unchanged", "one")
    git(repo, "submodule", "--quiet", "absorbgitdirs")
    assert since(repo).paths == {b"lib/one"}
    git(repo, "submodule", "--quiet", "deinit", "-f", "lib")
    assert since(repo).paths == set()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_submodule_that_git_was_told_not_to_look_into_counts_as_changed(repo, submodule, flag):
    git(repo, "update-index", flag, "lib")
    (submodule / "one").write_text("new")
    assert {b"lib", b"lib/one"} <= since(repo).paths


def test_a_question_never_writes_into_an_index(repo, submodule):
    """What was only touched has not changed, and that it was is the user's git to write down."""
    for touched in (repo / "kept", submodule / "one"):
        os.utime(touched, (0, 0))
    indexes = [repo / ".git/index", repo / ".git/modules/lib/index"]
    before = [index.read_bytes() for index in indexes]
    (submodule / "new").write_text("")
    git(repo, "config", "status.showStash", "true")
    assert since(repo, "HEAD").paths == {b"lib", b"lib/new"}
    assert [index.read_bytes() for index in indexes] == before


def test_what_lies_in_a_repository_that_git_does_not_track_has_changed(repo):
    git(repo, "init", "-q", "nested")
    (repo / "nested" / "fresh").write_text("")
    assert since(repo).paths == {b"nested", b"nested/fresh"}


def test_staged_is_what_the_callers_index_holds(repo, tmp_path):
    (repo / "staged").write_text("new")
    (repo / "edited").write_text("new")
    git(repo, "add", "staged")
    git(repo, "mv", "renamed", "other")
    assert staged(str(repo), ENVIRONMENT).paths == {b"staged", b"renamed", b"other"}
    index = tmp_path / "index"
    git(repo, "read-tree", "HEAD", GIT_INDEX_FILE=str(index))
    git(repo, "add", "edited", GIT_INDEX_FILE=str(index))
    lent = {**ENVIRONMENT, b"GIT_INDEX_FILE": os.fsencode(index)}
    assert staged(str(repo), lent).paths == {b"edited"}


def test_unmerged_paths_are_refused(repo, tmp_path):
    (repo / "kept").write_text("ours")
    commit(repo)
    git(repo, "switch", "-q", "main")
    (repo / "kept").write_text("theirs")
    commit(repo)
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "work")
    with pytest.raises(UsageError, match="unmerged"):
        freeze(str(repo), str(tmp_path), ENVIRONMENT)


def test_how_many_files_are_tracked_is_read_off_the_index(repo, tmp_path):
    assert tracked_at_least(str(repo)) == len(git(repo, "ls-files").splitlines())
    assert tracked_at_least(str(tmp_path)) == 0
    (repo / ".git" / "index").write_bytes(b"DIRC")
    assert tracked_at_least(str(repo)) == 0


@pytest.mark.slow  # git writes a hundred thousand entries
def test_a_hundred_thousand_changed_files_concern_what_they_concern(repo):
    blob = git(repo, "rev-parse", ":kept")
    entries = "".join(f"100644 {blob}\td{n % 300}/f{n}.py\n" for n in range(100_000))
    subprocess.run(
        ["git", "update-index", "--index-info"], cwd=repo, input=entries.encode(), check=True
    )
    found = staged(str(repo), ENVIRONMENT)
    assert (len(found.paths), found.unknown) == (100_000, "")
    patterns = {f"check{n}": (f"d{n}/**",) for n in range(300)} | {"none": ("*.rs",)}
    told = concerned(patterns, dict.fromkeys(patterns, ()), sorted(found.paths))
    assert told == patterns.keys() - {"none"}
