"""Whatever state a repository is in and whenever `run --staged` is killed: nothing of the user moves."""

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, vibeguard
from tests.helpers.staging import commit, has_namespaces, picture, repository, words_for
from tests.helpers.waiting import wait_until

FAST = 3
NIGHTLY = 500
LONGEST_S = 1.2
# Does what a formatter, a careless script and a hook of somebody else might do.
CONFIG = """settings: {on_change: note, keep: [kept]}
checks:
  - {id: writes, run: 'for f in *; do echo x >>"$f"; done; rm -rf dir; mkdir made; touch made/f; true'}
  - {id: stages, run: 'git add -A; git stash -q; git -c user.name=A -c user.email=a@b commit -qm x --allow-empty; true'}
  - {id: lasts, run: 'sleep 0.3; git status --short; true'}
"""
FILES = {
    ".gitignore": "ignored\nkept\n",
    ".gitattributes": "*.bat eol=crlf\n",
    "vibeguard.yaml": CONFIG,
    "a": "a\n",
    "b": "b\n" * 50,
    "dir/c": "c\n",
    "dir/deep/d": "d\n",
    "e.bat": "e\r\n",
}


def random_state(root: Path, chance: random.Random) -> None:
    """Leave the repository as people do: some of this is staged, some is not."""
    names = ["a", "b", "dir/c", "dir/deep/d", "e.bat"]
    for name in ("ignored", "kept/x", "untracked/y", "odd \n name"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("1\n")
    for _ in range(chance.randrange(1, 8)):
        name = chance.choice(names)
        path = root / name
        what = chance.randrange(9)
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            if what == 0:
                git("add", "-A", "--", name, cwd=root)
            elif what == 1:
                path.unlink()
            elif what == 2:
                git("mv", name, name + ".moved", cwd=root)
            elif what == 3:
                (root / "announced").write_text("n")
                git("add", "-N", "announced", cwd=root)
            elif what == 4:
                git(
                    "update-index",
                    chance.choice(["--assume-unchanged", "--skip-worktree"]),
                    name,
                    cwd=root,
                )
            elif what == 5:
                path.chmod(chance.choice([0o755, 0o644]))
            elif what == 6:
                path.unlink()
                path.symlink_to("a")
            else:
                path.write_bytes(chance.choice([b"2\n", b"2\r\n", b"", b"\0\xff"]))
                if chance.random() < 0.5:
                    git("add", "--", name, cwd=root)


def with_submodule(root: Path, chance: random.Random) -> None:
    """A submodule as it was committed, moved to another commit, or with edits of its own."""
    repository(root.with_name("other"), s="s\n")
    words = ("submodule", "--quiet", "add", str(root.with_name("other")), "sub")
    git("-c", "protocol.file.allow=always", *words, cwd=root)
    commit(root)
    if (what := chance.randrange(3)) == 1:
        commit(root / "sub")
    elif what == 2:
        (root / "sub" / chance.choice(["s", "new"])).write_text("2\n")


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stat = Path("/proc", name, "stat").read_text(errors="replace")
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def kill(run: subprocess.Popen[bytes], chance: random.Random) -> None:
    """The front, the supervisor, or everything at once."""
    there = descendants(run.pid)
    whom = chance.choice([there[:1], there[1:2] or there[:1], there])
    for pid in whom:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def gone(path: Path) -> bool:
    """Whether no run uses the scratch folder any more; the next command sweeps it."""
    vibeguard("runs", cwd=path)
    return not list(path.glob(".vibeguard/staged/*"))


def cases() -> list[object]:
    ways = ["namespace", "copy"] if has_namespaces() else ["copy"]
    fast = [(way, seed) for seed in range(FAST) for way in ways]
    rest = [(ways[seed % len(ways)], seed) for seed in range(FAST, NIGHTLY)]
    return [*fast, *(pytest.param(*case, marks=pytest.mark.nightly) for case in rest)]


@pytest.mark.slow  # kills a run in the middle of its second
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="children are found in /proc")
@pytest.mark.parametrize(("way", "seed"), cases())
def test_a_killed_staged_run_leaves_everything_as_it_was(tmp_path, way, seed):
    chance = random.Random(seed)
    root = repository(tmp_path / "r", **FILES)
    if seed % 4 == 3:
        with_submodule(root, chance)
    random_state(root, chance)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    status = git("status", "--porcelain=v2", "-uall", cwd=root).stdout
    before = picture(root)
    run = subprocess.Popen(
        words_for(way, "run", "--staged"),
        cwd=root,
        env=environment(TMPDIR=str(temporary)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=chance.uniform(0, LONGEST_S))
        kill(run, chance)
    finally:
        run.wait()
    assert picture(root) == before
    wait_until(lambda: gone(root))
    assert not list(temporary.glob("vibeguard-staged-*"))
    assert picture(root) == before
    assert (
        git("--no-optional-locks", "status", "--porcelain=v2", "-uall", cwd=root).stdout == status
    )
    assert str(root) not in Path("/proc/self/mountinfo").read_text()
