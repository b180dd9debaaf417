"""`.vibeguard` is made once, and refused when it cannot be trusted."""

import os
import stat
import subprocess
import tempfile

import pytest

from vibeguard.core.problems import LogWriteError, UsageError
from vibeguard.system.discovery.changes import tracked_at_least
from vibeguard.system.rundir.state_folder import StateFolderRefused, state_folder


def git(folder, *words):
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def track(parent):
    """Commit a state folder, as somebody who prepares a repository would."""
    (parent / ".vibeguard").mkdir(exist_ok=True)
    (parent / ".vibeguard" / "planted").write_text("{}")
    git(parent, "add", "-f", ".vibeguard/planted")


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    return tmp_path


def test_it_is_made_private_and_ignored_by_git(repository):
    path = state_folder(str(repository / ".vibeguard"), create=True)
    assert path == str(repository / ".vibeguard")
    assert (repository / ".vibeguard" / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    git(repository, "add", ".")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == ["a"]
    assert state_folder(str(repository / ".vibeguard"), create=True) == path


def test_whatever_a_check_has_put_in_the_place_of_its_gitignore_holds_no_git_up(repository):
    folder = repository / ".vibeguard"
    for put in (os.mkfifo, lambda path: os.symlink("nowhere", path)):
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").unlink(missing_ok=True)
        put(folder / ".gitignore")
        state_folder(str(folder), create=True)
        assert (folder / ".gitignore").read_bytes() == b"*\n"


def test_without_create_nothing_is_made(tmp_path):
    assert state_folder(str(tmp_path / ".vibeguard"), create=False) == str(tmp_path / ".vibeguard")
    assert os.listdir(tmp_path) == []


def test_state_dir_moves_it(tmp_path):
    path = state_folder(str(tmp_path / "elsewhere"), create=True)
    assert path == str(tmp_path / "elsewhere")
    assert sorted(os.listdir(tmp_path)) == ["elsewhere"]


def test_an_existing_folder_keeps_its_mode(tmp_path):
    """It may be the user's own, named by --state-dir; what is made in it is private."""
    os.mkdir(tmp_path / "own", 0o755)
    path = state_folder(str(tmp_path / "own"), create=True)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    assert stat.S_IMODE(os.stat(path + "/runs").st_mode) == 0o700


@pytest.mark.parametrize("create", [True, False])
def test_a_symlink_is_refused(tmp_path, create):
    (tmp_path / "real").mkdir()
    (tmp_path / ".vibeguard").symlink_to("real")
    with pytest.raises(StateFolderRefused, match="symbolic link"):
        state_folder(str(tmp_path / ".vibeguard"), create=create)
    assert os.listdir(tmp_path / "real") == []


@pytest.mark.parametrize("create", [True, False])
def test_a_symlink_in_the_place_of_runs_is_refused(tmp_path, create):
    """Who only reads would read somebody else's runs, and prune would delete them."""
    (tmp_path / "real").mkdir()
    (tmp_path / ".vibeguard").mkdir()
    (tmp_path / ".vibeguard" / "runs").symlink_to(tmp_path / "real")
    with pytest.raises(StateFolderRefused, match="symbolic link"):
        state_folder(str(tmp_path / ".vibeguard"), create=create)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("name", [".vibeguard", ".vibeguard/runs"])
def test_a_file_is_refused(tmp_path, name, create):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    with pytest.raises(StateFolderRefused, match="not a folder"):
        state_folder(str(tmp_path / ".vibeguard"), create=create)


@pytest.fixture
def own_folder():
    """A folder of the effective user, who is not root: root may read everything."""
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        if before == 0:
            os.chown(folder, 12345, 12345)
            os.seteuid(12345)
        try:
            yield folder
        finally:
            os.seteuid(before)


@pytest.mark.parametrize(
    ("create", "refusal"), [(True, LogWriteError), (False, StateFolderRefused)]
)
@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
@pytest.mark.parametrize("name", ["", "runs"])
def test_a_folder_that_cannot_be_read_is_refused(own_folder, name, mode, create, refusal):
    """Whoever would record a run there has trouble with the disk; whoever asks, a wrong place."""
    path = os.path.join(state_folder(f"{own_folder}/.vibeguard", create=True), name)
    os.chmod(path, mode)
    with pytest.raises(refusal, match="Permission denied") as caught:
        state_folder(f"{own_folder}/.vibeguard", create=create)
    assert "--state-dir" in caught.value.do
    os.chmod(path, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / ".vibeguard").mkdir()
    os.chown(tmp_path / ".vibeguard", 12345, 12345)
    with pytest.raises(StateFolderRefused, match="another user") as caught:
        state_folder(str(tmp_path / ".vibeguard"), create=True)
    assert "--state-dir" in caught.value.do
    assert isinstance(caught.value, UsageError)


def plain(_repository):
    """Nothing special about the index."""


def index_version_4(repository):
    git(repository, "update-index", "--index-version", "4")


def split_index(repository):
    git(repository, "update-index", "--split-index")


@pytest.mark.parametrize("shape", [plain, index_version_4, split_index])
@pytest.mark.parametrize("create", [True, False])
def test_a_folder_that_git_tracks_is_refused(repository, shape, create):
    shape(repository)
    (repository / ".vibe").write_text("a name that shortens the next one in version 4")
    git(repository, "add", ".vibe")
    state_folder(str(repository / ".vibeguard"), create=True)
    track(repository)
    with pytest.raises(StateFolderRefused, match="tracked by git") as caught:
        state_folder(str(repository / ".vibeguard"), create=create)
    assert "git rm" in caught.value.do


def test_it_is_refused_in_a_linked_work_tree_and_below_the_root_too(repository):
    (repository / "sub").mkdir()
    track(repository / "sub")
    git(repository, "commit", "-qm", "planted")
    git(repository, "worktree", "add", "-q", str(repository / "linked"))
    for parent in (repository / "sub", repository / "linked" / "sub"):
        with pytest.raises(StateFolderRefused, match="tracked"):
            state_folder(str(parent / ".vibeguard"), create=True)


def test_another_tracked_folder_of_that_name_does_not_matter(repository):
    (repository / "sub").mkdir()
    track(repository / "sub")
    state_folder(str(repository / ".vibeguard"), create=True)
    assert state_folder(str(repository / ".vibeguard"), create=True)


def test_an_index_that_is_a_pipe_is_not_waited_for(repository):
    """A check can put one there; git itself would read it for ever."""
    (repository / ".git" / "index").unlink(missing_ok=True)
    os.mkfifo(repository / ".git" / "index")
    assert state_folder(str(repository / ".vibeguard"), create=True)
    assert tracked_at_least(str(repository)) == 0


def test_outside_a_repository_nothing_is_tracked(tmp_path):
    assert state_folder(str(tmp_path / ".vibeguard"), create=True)
    assert state_folder(str(tmp_path / ".vibeguard"), create=True)


def test_a_place_that_cannot_be_written_is_a_write_error(tmp_path):
    with pytest.raises(LogWriteError, match="No such file") as caught:
        state_folder("/proc/missing/.vibeguard", create=True)
    assert "--state-dir" in caught.value.do


@pytest.mark.parametrize("where", [".", ".."])
def test_the_folder_that_is_checked_is_made_no_state_folder(tmp_path, monkeypatch, where):
    """Its .gitignore would hide from git what it holds: the whole project, before a first commit."""
    project = tmp_path / "above" / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "a.py").write_text("")
    (project / "src" / ".gitignore").write_text("*.pyc\n")
    monkeypatch.chdir(project)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StateFolderRefused, match="holds other things"):
        state_folder(str(project / where), create=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("where", ["src", ".git"])
def test_no_folder_of_other_things_in_a_repository_is_one(repository, where, create):
    """Not yet tracked, what is in it would never be: git would not offer it to anybody."""
    (repository / "src").mkdir()
    (repository / "src" / "a.py").write_text("")
    before = sorted(repository.rglob("*"))
    with pytest.raises(StateFolderRefused, match="holds other things"):
        state_folder(str(repository / where), create=create)
    assert sorted(repository.rglob("*")) == before


def test_folders_above_it_are_made(repository):
    path = str(repository / "out" / "ci" / "state")
    assert state_folder(path, create=True) == path


def test_a_state_folder_elsewhere_is_found_again_whatever_is_left_of_it(tmp_path):
    elsewhere = tmp_path / "state"
    elsewhere.mkdir()
    (elsewhere / "lost+found").mkdir()
    for left in (".gitignore", "order", "runs"):
        state_folder(str(elsewhere), create=True)
        (elsewhere / "order").touch()
        (elsewhere / left).rmdir() if left == "runs" else (elsewhere / left).unlink()
    assert state_folder(str(elsewhere), create=True) == str(elsewhere)
