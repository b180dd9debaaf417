"""Finding the config, the state folder, CPUs, the caller's environment and the commit: real files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.cpus import usable_cpus
from vibeguard.system.discovery.differing import differing, version_control
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.discovery.whereabouts import (
    CONFIG_NAMES,
    Located,
    find_config,
    find_state_dir,
    read_config,
    repository_root,
    state_dir_of,
)


def put(path: Path, text: str = "") -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder that is the root of a repository, two levels below a config that must not count."""
    put(tmp_path / "vibeguard.yaml")
    root = tmp_path / "outer" / "repo"
    (root / ".git").mkdir(parents=True)
    (root / "a" / "b").mkdir(parents=True)
    return root


def test_the_four_names_in_order(repo: Path) -> None:
    """The first that is a file wins."""
    for name in reversed(CONFIG_NAMES):
        put(repo / name)
        assert find_config(None, {}, str(repo)).path == str(repo / name)
    (repo / "vibeguard.yaml").unlink()
    (repo / "vibeguard.yaml").mkdir()
    assert find_config(None, {}, str(repo)).path == str(repo / "vibeguard.yml")


def test_parents_are_searched_up_to_the_root_of_the_repository(repo: Path) -> None:
    """The checks run in the folder of the config, which also holds the state."""
    put(repo / ".vibeguard.yml")
    located = find_config(None, {}, str(repo / "a" / "b"))
    assert located == Located(str(repo / ".vibeguard.yml"), str(repo), str(repo))
    put(repo / "a" / "vibeguard.yml")
    assert find_config(None, {}, str(repo / "a" / "b")).folder == str(repo / "a")


def test_never_above_the_root_of_the_repository(repo: Path) -> None:
    """Also where the mark is a file, as in a worktree."""
    with pytest.raises(UsageError, match=r"there is no vibeguard.yaml here or above"):
        find_config(None, {}, str(repo / "a" / "b"))
    (repo / ".git").rmdir()
    put(repo / ".git", "gitdir: elsewhere")
    with pytest.raises(UsageError):
        find_config(None, {}, str(repo / "a"))


def test_outside_a_repository_there_are_no_parents(tmp_path: Path) -> None:
    """Only the current folder counts."""
    put(tmp_path / "vibeguard.yaml")
    (tmp_path / "sub").mkdir()
    assert repository_root(str(tmp_path)) is None
    assert find_config(None, {}, str(tmp_path)).folder == str(tmp_path)
    with pytest.raises(UsageError):
        find_config(None, {}, str(tmp_path / "sub"))


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_named_config_leaves_the_caller_where_it_is(repo: Path, by_flag: bool) -> None:
    """The working folder and the state are the caller's; `cwd` of checks is the config's."""
    put(repo / "conf" / "ci.yaml")
    put(repo / "vibeguard.yaml")
    flag, environ = (
        ("conf/ci.yaml", {}) if by_flag else (None, {"VIBEGUARD_CONFIG": "conf/ci.yaml"})
    )
    located = find_config(flag, environ, str(repo))
    path = str(repo / "conf" / "ci.yaml")
    assert located == Located(path, str(repo), str(repo))
    assert located.config_folder == str(repo / "conf")
    assert state_dir_of(located, None, {}, str(repo)) == str(repo / ".vibeguard")


def test_the_flag_wins_over_the_variable(repo: Path) -> None:
    """And an empty variable is none."""
    put(repo / "one.yaml")
    put(repo / "vibeguard.yaml")
    assert find_config("one.yaml", {"VIBEGUARD_CONFIG": "nope"}, str(repo)).path.endswith(
        "one.yaml"
    )
    found = find_config(None, {"VIBEGUARD_CONFIG": ""}, str(repo))
    assert found.path == str(repo / "vibeguard.yaml")


def test_a_named_config_must_exist(repo: Path) -> None:
    """Falling back to another would run something that nobody asked for."""
    put(repo / "vibeguard.yaml")
    with pytest.raises(UsageError, match=r"there is no config file nope.yaml$"):
        find_config("nope.yaml", {}, str(repo))
    with pytest.raises(UsageError, match="VIBEGUARD_CONFIG"):
        find_config(None, {"VIBEGUARD_CONFIG": "nope.yaml"}, str(repo))
    with pytest.raises(UsageError):
        find_config("a", {}, str(repo))


def test_reading_a_config(tmp_path: Path) -> None:
    """Any readable file, also a pipe; at most a little more than is allowed."""
    put(tmp_path / "c.yaml", "checks: []")
    assert read_config(find_config("c.yaml", {}, str(tmp_path)).path) == b"checks: []"
    read_end, write_end = os.pipe()
    os.write(write_end, b"from a pipe")
    os.close(write_end)
    assert read_config(find_config(f"/dev/fd/{read_end}", {}, str(tmp_path)).path) == b"from a pipe"
    os.close(read_end)
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1 << 30)
    assert len(read_config(str(tmp_path / "huge.yaml"))) == (16 << 20) + 1
    with pytest.raises(UsageError, match="cannot read"):
        read_config(str(tmp_path))


def test_the_state_is_found_from_any_folder_below(repo: Path) -> None:
    """The nearest one."""
    (repo / ".vibeguard").mkdir()
    assert find_state_dir(None, {}, str(repo / "a" / "b")) == str(repo / ".vibeguard")
    (repo / "a" / ".vibeguard").mkdir()
    assert find_state_dir(None, {}, str(repo / "a" / "b")) == str(repo / "a" / ".vibeguard")


def test_the_state_of_another_project_above_is_not_ours(repo: Path) -> None:
    """A folder with a config, and the root of the repository, end the search."""
    (repo.parent / ".vibeguard").mkdir()
    assert find_state_dir(None, {}, str(repo / "a")) == str(repo / "a" / ".vibeguard")
    (repo / ".vibeguard").mkdir()
    put(repo / "a" / "vibeguard.yaml")
    assert find_state_dir(None, {}, str(repo / "a" / "b")) == str(repo / "a" / ".vibeguard")


def test_outside_a_repository_the_state_is_found_above(tmp_path: Path) -> None:
    """For there `run` has made it, in a folder above."""
    (tmp_path / ".vibeguard").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_state_dir(None, {}, str(tmp_path / "a" / "b")) == str(tmp_path / ".vibeguard")


def test_the_state_folder_can_be_moved(repo: Path) -> None:
    """By flag, then by variable; relative to the caller."""
    environ = {"VIBEGUARD_STATE_DIR": "from-variable"}
    put(repo / "vibeguard.yaml")
    located = find_config(None, {}, str(repo))
    cwd = str(repo / "a")
    for find in (find_state_dir, lambda *rest: state_dir_of(located, *rest)):
        assert find("from-flag", environ, cwd) == str(repo / "a" / "from-flag")
        assert find(None, environ, cwd) == str(repo / "a" / "from-variable")
        assert find("/abs", {}, cwd) == "/abs"


def test_cpus_are_at_least_one_and_at_most_what_is_there() -> None:
    """On this machine."""
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("refusal", [PermissionError, OSError, AttributeError])
@pytest.mark.parametrize(("counted", "usable"), [(3, 3), (None, 1)])
def test_where_affinity_is_not_told_all_cpus_count(
    refusal: type[Exception], counted: int | None, usable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by a sandbox, unknown to the kernel, unknown to this Python; at least one there is."""

    def refuse(_: int) -> set[int]:
        raise refusal

    monkeypatch.setattr(os, "sched_getaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert usable_cpus("/nowhere") == usable


def test_quotas_of_control_groups_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our own group and of those above, in version 2 and 1; a part of a CPU counts as one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert usable_cpus(str(tmp_path)) == 16
    put(tmp_path / "proc/self/cgroup", "1:name=x:/y\n0::/ci/job\n")
    put(tmp_path / "sys/fs/cgroup/ci/job/cpu.max", "max 100000\n")
    put(tmp_path / "sys/fs/cgroup/ci/cpu.max", "250000 100000\n")
    assert usable_cpus(str(tmp_path)) == 3
    put(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    put(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert usable_cpus(str(tmp_path)) == 3
    put(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n")
    assert usable_cpus(str(tmp_path)) == 1
    put(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "nonsense\n")
    assert usable_cpus(str(tmp_path)) == 3


PRINT_ENVIRONMENT = (
    "import os; os.environ['LATER'] = '1';"
    "from vibeguard.system.discovery.environment import caller_environment;"
    "print(sorted(caller_environment().items()))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_environment_is_the_callers() -> None:
    """In bytes, as it was before Python touched it, without our own settings."""
    given = {
        b"LC_ALL": b"", b"LC_CTYPE": b"C", b"ODD": b"\xff\xfe=x", b"EMPTY": b"", b"VIBEGUARD_RUN": b"r",
        b"VIBEGUARD_CONFIG": b"c", b"VIBEGUARD_LOG_DIR": b"l", b"VIBEGUARD_PARALLEL": b"2",
        b"VIBEGUARD_STATE_DIR": b"s", b"PYTHONPATH": os.fsencode(os.getcwd()),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PRINT_ENVIRONMENT], env=given, capture_output=True, check=True
    )
    ours = {
        b"VIBEGUARD_CONFIG",
        b"VIBEGUARD_LOG_DIR",
        b"VIBEGUARD_PARALLEL",
        b"VIBEGUARD_STATE_DIR",
    }
    expected = sorted((name, value) for name, value in given.items() if name not in ours)
    assert done.stdout.decode().strip() == str(expected)


def test_odd_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of equal names counts, entries without a name do not; Python's copy is the last resort."""
    file = tmp_path / "environ"
    file.write_bytes(b"A=1\0B\0=x\0A=2\0C=a=b\0")
    assert caller_environment(str(file)) == {b"A": b"1", b"C": b"a=b"}
    monkeypatch.setenv("MINE", "1")
    monkeypatch.setenv("VIBEGUARD_PARALLEL", "1")
    fallback = caller_environment(str(tmp_path / "missing"))
    assert fallback[b"MINE"] == b"1"
    assert b"VIBEGUARD_PARALLEL" not in fallback


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git repository with one commit."""
    git(tmp_path, "init", "-q")
    put(tmp_path / "file", "1")
    put(tmp_path / ".gitignore", "ignored\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def environment() -> dict[bytes, bytes]:
    """The test's own."""
    return dict(os.environb)


def asked(folder: Path, environment: dict[bytes, bytes], timeout_s: float = 60):
    """What git says of a folder."""
    told = differing(str(folder), environment, timeout_s)
    return version_control(str(folder), environment, told)


def test_commit_and_dirty_flag(checkout: Path) -> None:
    """Changed and new files count, ignored ones do not; from any folder below."""
    head = git(checkout, "rev-parse", "HEAD")
    (checkout / "below").mkdir()
    for folder in (checkout, checkout / "below"):
        found = asked(folder, environment())
        assert found is not None
        assert (found.head, found.dirty) == (head, False)
    put(checkout / "ignored")
    assert not asked(checkout, environment()).dirty
    new = put(checkout / "new file")
    assert asked(checkout, environment()).dirty
    new.unlink()
    put(checkout / "file", "2")
    assert asked(checkout, environment()).dirty


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """Has no head, and is clean as long as it is empty."""
    git(tmp_path, "init", "-q")
    found = asked(tmp_path, environment())
    assert (found.head, found.dirty) == ("", False)


def test_outside_a_repository_there_is_nothing(tmp_path: Path) -> None:
    """And git is not even started."""
    assert asked(tmp_path, {b"PATH": b"/nowhere"}) is None


def test_without_git_or_with_a_slow_one_the_tree_is_not_known_to_be_clean(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is bounded, and errs on the safe side."""
    found = asked(checkout, {b"PATH": b"/nowhere"})
    assert (found.head, found.dirty) == ("", True)
    slow = put(tmp_path_factory.mktemp("bin") / "git", "#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    path = os.fsencode(slow.parent) + b":" + os.environb[b"PATH"]
    assert asked(checkout, {b"PATH": path}, 0.05).dirty
