"""Where things are: the config, the working folder, the state folder (DESIGN sections 2 and 6).

Paths are texts, absolute, with links left as the caller has them.
"""

import errno
import os
import select
import stat
from collections.abc import Iterator, Mapping

from msgspec import Struct

from vibeguard.core.problems import UsageError

CONFIG_NAMES = ("vibeguard.yaml", "vibeguard.yml", ".vibeguard.yaml", ".vibeguard.yml")
STATE_NAME = ".vibeguard"
_REPOSITORY_MARKS = (".git", ".hg", ".jj", ".svn")
PATIENCE_S = 30
WRITER_S = 0.5  # who is given a pipe is given one that somebody writes to
_MOST_BYTES = (16 << 20) + 1  # one more than the config reader takes, so that it can say so


class Located(Struct, frozen=True):
    """A config that was found.

    `folder` is where its checks run: that of the config, or the caller's when the config was named
    by flag or variable. `state_parent` is the folder that holds `.vibeguard` unless
    something else says where the state is. `config_folder` is where `cwd` of a check begins.
    """

    path: str
    folder: str
    state_parent: str

    @property
    def config_folder(self) -> str:
        """The folder that the config file stands in."""
        return os.path.dirname(self.path)


def find_config(flag: str | None, environ: Mapping[str, str], cwd: str) -> Located:
    """The config to use: the flag's, that of `VIBEGUARD_CONFIG`, or the nearest one.

    Nearest means: in `cwd`, then in its parents up to the root of the repository, never above it;
    outside a repository there are no parents. Raises `UsageError` if there is none.
    """
    name = flag or environ.get("VIBEGUARD_CONFIG", "")
    if name:
        path = os.path.join(cwd, name)
        where = "" if flag else " (from VIBEGUARD_CONFIG)"
        if os.path.isdir(path):
            do = f"name a file: {os.path.join(name, CONFIG_NAMES[0])}"
            raise UsageError(f"{name} is a folder, not a config file{where}", do)
        if not os.path.lexists(path):
            raise UsageError(f"there is no config file {name}{where}", "name an existing file")
        return Located(path, cwd, cwd)
    for folder in _up_to(repository_root(cwd) or cwd, cwd):
        path = _config_in(folder)
        if path:
            return Located(path, folder, folder)
    raise UsageError(
        f"there is no {CONFIG_NAMES[0]} here or above, up to the root of the repository",
        'make one with "vibeguard init", or name one with --config',
    )


def read_config(path: str) -> bytes:
    """The bytes of the config, or of a file that is part of it: a little more than it may have.

    It may be a pipe: `-c <(generate)` works, as long as somebody has it open to write, and
    something comes within `PATIENCE_S`. Raises `UsageError` if it cannot be read.
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            do = "name a file, or a pipe that somebody writes to"
            raise UsageError(f"cannot read {path}: it is no file", do)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return b"".join(_chunks(descriptor, _MOST_BYTES, is_pipe=stat.S_ISFIFO(mode)))
        finally:
            os.close(descriptor)
    except OSError as error:
        leads_nowhere = isinstance(error, FileNotFoundError) and os.path.islink(path)
        why = "a symbolic link that leads nowhere" if leads_nowhere else error.strerror
        raise UsageError(f"cannot read {path}: {why}", "make it readable") from None


def _chunks(descriptor: int, most_bytes: int, *, is_pipe: bool) -> Iterator[bytes]:
    """What can be read, at most so much of it. Raises OSError; TimeoutError for a mute pipe."""
    left, patience_s = most_bytes, WRITER_S
    while left:
        ready = not is_pipe or select.select([descriptor], [], [], patience_s)[0]
        if not ready and patience_s == PATIENCE_S:
            raise TimeoutError(errno.ETIMEDOUT, f"nothing came for {PATIENCE_S} s")
        patience_s = PATIENCE_S
        try:
            chunk = os.read(descriptor, min(left, 1 << 20))
        except BlockingIOError:
            continue  # somebody has the pipe open to write
        if not chunk and not ready:
            raise TimeoutError(errno.ETIMEDOUT, "nobody writes to this pipe")
        if not chunk:
            return
        yield chunk
        left -= len(chunk)


def find_state_dir(flag: str | None, environ: Mapping[str, str], cwd: str) -> str:
    """The state folder that commands such as `tail` and `report` mean; it may not exist.

    The flag's, that of `VIBEGUARD_STATE_DIR`, else the nearest `.vibeguard` of `cwd` and its
    parents up to the root of the repository (outside one: of all parents). A folder with a config
    ends the search, for its runs would be there: runs of another project above are not its own.
    """
    named = _named_state_dir(flag, environ, cwd)
    for folder in () if named else _up_to(repository_root(cwd), cwd):
        state = os.path.join(folder, STATE_NAME)
        if _is_folder_of_ours(state) or _config_in(folder):
            return state
    return named or os.path.join(cwd, STATE_NAME)


def _named_state_dir(flag: str | None, environ: Mapping[str, str], cwd: str) -> str:
    """The one that the flag names, or the variable; empty where neither does."""
    name = flag or environ.get("VIBEGUARD_STATE_DIR", "")
    return os.path.join(cwd, name) if name else ""


def state_dirs_above(cwd: str) -> Iterator[str]:
    """Where the state folder of `cwd` or of a folder above may be, up to one that has a config.

    Not up to the root of a repository, which anybody can make with a folder named `.git`.
    """
    for folder in upwards(cwd):
        yield os.path.join(folder, STATE_NAME)
        if _config_in(folder):
            return


def state_dir_of_config(cwd: str) -> str | None:
    """The state folder of the config that is found from `cwd`, where there is one."""
    try:
        state = os.path.join(find_config(None, {}, cwd).state_parent, STATE_NAME)
    except UsageError:
        return None
    return state if _is_folder_of_ours(state) else None


def state_dir_of(located: Located, flag: str | None, environ: Mapping[str, str], cwd: str) -> str:
    """The state folder of a run of this config."""
    named = _named_state_dir(flag, environ, cwd)
    return named or os.path.join(located.state_parent, STATE_NAME)


def repository_root(cwd: str) -> str | None:
    """The nearest folder, `cwd` or above, that is the root of a repository."""
    for folder in upwards(cwd):
        if any(os.path.lexists(os.path.join(folder, mark)) for mark in _REPOSITORY_MARKS):
            return folder
    return None


def git_root(cwd: str) -> str | None:
    """The same where that is a repository of git, else None."""
    root = repository_root(cwd)
    return root if root is not None and os.path.lexists(os.path.join(root, ".git")) else None


def _up_to(root: str | None, start: str) -> Iterator[str]:
    """The folder and its parents, up to `root`."""
    for folder in upwards(start):
        yield folder
        if folder == root:
            return


def upwards(folder: str) -> Iterator[str]:
    """The folder and its parents, up to the root of the file system."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _config_in(folder: str) -> str:
    for name in CONFIG_NAMES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path)):
            return path  # a link that leads nowhere is a mistake, and no reason to take another
    return ""


def _is_folder_of_ours(path: str) -> bool:
    """Whether there is such a folder (or a link in its place) that belongs to this user."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
