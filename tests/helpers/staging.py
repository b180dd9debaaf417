"""Runs of what is staged, in both ways: at the path of the work tree, and in a copy."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.helpers.command import git, vibeguard

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@b.c")
# In a user namespace of its own, a limit of none: the kernel refuses what the run tries.
_NO_NAMESPACES = (
    "echo 0 >/proc/sys/user/max_user_namespaces && "
    'echo 0 >/proc/sys/user/max_mnt_namespaces && exec "$@"'
)
_REFUSED = ("unshare", "-Ur", "sh", "-c", _NO_NAMESPACES, "sh")


@cache
def has_namespaces() -> bool:
    """Whether an overlay can be had here."""
    words = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    try:
        return subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def words_for(way: str, *words: str) -> list[str]:
    """The command line of `vibeguard WORDS` such that a staged run has to go this way."""
    return [*_before(way), sys.executable, "-m", "vibeguard", *words]


def _before(way: str) -> tuple[str, ...]:
    return _REFUSED if way == "copy" and has_namespaces() else ()


def run_staged(
    way: str, *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`run --staged WORDS`, this way."""
    return vibeguard("run", "--staged", *words, cwd=cwd, env=env, within=_before(way))


def repository(folder: Path, **files: str) -> Path:
    """A repository with these files committed."""
    folder.mkdir(parents=True, exist_ok=True)
    git("init", "-q", "-b", "main", ".", cwd=folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git("add", "-A", cwd=folder)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit the index."""
    git(*IDENTITY, "commit", "-q", "--allow-empty", "-m", "x", cwd=folder)


def picture(root: Path) -> dict[str, object]:
    """Every byte of a repository that a user could miss, the state folder left out.

    Git gives an object that it would write and finds there the present time, so those have none.
    """
    seen: dict[str, object] = {}
    for at, folders, files in os.walk(root):
        if ".vibeguard" in folders:
            folders.remove(".vibeguard")
        for name in (*folders, *files):
            path = os.path.join(at, name)
            status = os.lstat(path)
            facts: object = ""
            if os.path.islink(path):
                facts = os.readlink(path)
            elif os.path.isfile(path):
                time = 0 if "/objects/" in path else status.st_mtime_ns
                facts = (Path(path).read_bytes(), time)
            seen[os.path.relpath(path, root)] = (status.st_mode, facts)
    return seen
