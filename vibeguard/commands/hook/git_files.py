"""The files of a hook: asked of git, and written so that nothing of somebody else is lost."""

import contextlib
import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.files import ModeRefused, open_of_users, replace_file

# The second line of every script that is ours, and may therefore be replaced.
MARK = "# vibeguard hook "
# What git lends a hook: it means the folder that the hook began in.
LENT_BY_GIT = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE"})


def git(*arguments: str) -> str:
    """What git answers. Raises UsageError where it is missing or this is no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            check=False,
            env={k: v for k, v in os.environ.items() if k not in LENT_BY_GIT} | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        from vibeguard.system.discovery.vcs import no_git  # noqa: PLC0415 - only on failure

        raise no_git(error) from error
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip()
        outside = not said or "not a git repository" in said or "work tree" in said
        raise UsageError(
            f"git {arguments[0]} failed: {next(iter(said.splitlines()), 'no message')}",
            "go to the work tree of a git repository" if outside else "see what git status says",
        )
    # Names of folders are bytes, and may end in a newline of their own.
    return os.fsdecode(done.stdout).removesuffix("\n")


def top_of_work_tree() -> Path:
    """Raises UsageError outside of a work tree."""
    return Path(git("rev-parse", "--show-toplevel"))


def beginning_of(path: Path) -> str:
    """The first of what a file says; empty where there is none that can be read."""
    try:
        with open(open_of_users(str(path)), "rb") as file:
            return file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""


def is_ours(text: str) -> bool:
    """Whether a script that begins like this was written by us."""
    return text.partition("\n")[2].startswith(MARK)


def refuse_foreign(path: Path, line: str) -> None:
    """Raises UsageError where something is in the way that we have not written.

    `line` is what calls ours from there.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode) and is_ours(beginning_of(path)):
        return
    raise UsageError(
        f"{path} exists and is not ours",
        f"move it away, or add this line to it: {line}",
    )


def install(path: Path, script: str) -> None:
    """Put the script there in one step, executable."""
    replace_file(str(path), script.encode(errors="surrogateescape"), mode=0o755)


@contextlib.contextmanager
def trouble_told(folder: Path) -> Iterator[None]:
    """Trouble with files in this folder is the user's to mend. Raises UsageError for OSError."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise  # no file of ours: the stream that we tell our success on
        do = "make it a folder that you can write to"
        if isinstance(error, ModeRefused):
            do = "use a folder of another file system (for git: core.hooksPath)"
        elif error.errno == errno.EINVAL:
            do = f"remove what lies in its place, {error.filename}"
        raise UsageError(
            f"cannot write to {folder}: {error.strerror}",
            f"{do}, or take what `vibeguard hook` prints",
        ) from error
