"""`.vibeguard` itself: found or made, and refused when it cannot be trusted (DESIGN section 6)."""

import contextlib
import os
import stat
from typing import Final

from vibeguard.core.problems import LogWriteError, UsageError
from vibeguard.system.discovery.whereabouts import STATE_NAME, upwards
from vibeguard.system.rundir.files import advice_for, make_folder, read_regular, replace_file

_IGNORE_ALL: Final = b"*\n"
_OUR_NAMES: Final = frozenset({"order", "latest"})  # one of them is in each that is used
# A file system of one's own, a refused start, an artifact of runs: what an unused one may hold.
_UNUSED: Final = frozenset({"lost+found", "refused", "runs"})


class StateFolderRefused(UsageError):
    """The state folder is a symlink, unreadable, somebody else's or the repository's (exit 2)."""


def state_folder(path: str, *, create: bool) -> str:
    """The state folder at this path, which is absolute afterwards.

    With `create` it exists afterwards, runs/ and .gitignore in it; without, it may not. A folder of
    other things is none: its .gitignore would hide from git what it holds. Either way neither it
    nor runs/ is anything but a folder of ours that can be read. Raises StateFolderRefused, or
    LogWriteError when it cannot be made, or used for a new run.
    """
    path = os.path.abspath(path)
    try:
        _refuse_untrusted(path)
        if _may_hide_work(path):
            _refuse_foreign(path)
        _refuse_tracked(path)
        if create:
            _make(path)
        _refuse_untrusted(os.path.join(path, "runs"))
        for folder in (path, os.path.join(path, "runs")):
            _look_into(folder)
    except PermissionError as error:
        if create:
            raise _unusable(error, path) from error
        raise StateFolderRefused(
            f"{error.filename or path} cannot be read: {error.strerror}",
            "make it readable (chmod u+rwx), or keep the state elsewhere: --state-dir",
        ) from error
    except OSError as error:
        raise _unusable(error, path) from error
    return path


def _unusable(error: OSError, path: str) -> LogWriteError:
    return LogWriteError(
        f"{error.filename or path}: {error.strerror}",
        advice_for(error),
    )


def _look_into(folder: str) -> None:
    """Raise PermissionError for one that is there and cannot be listed or entered."""
    with (
        contextlib.suppress(FileNotFoundError),
        os.scandir(os.path.join(folder, os.curdir)),  # the dot asks for the right to enter, too
    ):
        pass


def _make(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for folder in (path, os.path.join(path, "runs")):
        try:
            make_folder(folder)
        except FileExistsError:
            _refuse_untrusted(folder)
    ignore = os.path.join(path, ".gitignore")
    if not _is_regular(ignore):  # git would wait for whoever writes to a pipe
        replace_file(ignore, _IGNORE_ALL)


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _refuse_untrusted(path: str) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise StateFolderRefused(f"{path} is a symbolic link", "remove it")
    if not stat.S_ISDIR(status.st_mode):
        raise StateFolderRefused(f"{path} is not a folder", "remove it")
    if status.st_uid != os.geteuid():
        raise StateFolderRefused(
            f"{path} belongs to another user (uid {status.st_uid})",
            "remove it, or keep the state elsewhere: --state-dir",
        )


def _may_hide_work(path: str) -> bool:
    """Whether it is in a repository, is the folder that the command is in, or holds it.

    A disk of its own may hold other things; one of our name is ours.
    """
    real = os.path.realpath(path)
    above_us = os.path.commonpath((real, os.path.realpath(os.curdir))) == real
    named = os.path.basename(path) == STATE_NAME
    return above_us or (not named and in_repository(path))


def _refuse_foreign(path: str) -> None:
    try:
        names = {*os.listdir(path)} - _UNUSED
    except FileNotFoundError:
        return
    if names and not _OUR_NAMES.intersection(names) and not _ignores_all(path):
        raise StateFolderRefused(
            f"{path} holds other things: it is no state folder",
            "name a new folder, or an empty one: --state-dir",
        )


def _ignores_all(path: str) -> bool:
    """Whether it has the .gitignore that a state folder gets."""
    try:
        ignored = read_regular(os.path.join(path, ".gitignore"), len(_IGNORE_ALL) + 1)
    except OSError:
        return False
    return ignored == _IGNORE_ALL


def _refuse_tracked(path: str) -> None:
    """Whatever is tracked below it counts, so that nobody has to ask for runs/ again."""
    if is_tracked(path):
        raise StateFolderRefused(
            f"{path} is tracked by git: its content could come from anywhere",
            f"take it out: git rm -r --cached {os.path.basename(path)}",
        )


# Whether git tracks anything in a folder is told mostly without starting git: its index holds
# every tracked path as plain text (versions 2 and 3), so a folder that does not occur in it is not
# tracked. Anything else (version 4 shortens paths, an index can be split, a work tree can be
# linked) is git's to answer.
_PLAIN_VERSIONS: Final = (2, 3)
_HEADER_BYTES: Final = 12
_PATIENCE_S: Final = 10.0
_SPLIT_INDEX: Final = b"link"


def is_tracked(folder: str) -> bool:
    """Whether the repository around `folder`, if there is one, tracks a file in it."""
    around = _repository_around(folder)
    if around is None:
        return False
    try:
        # It may be a link; a FIFO in its place, as a check can put there, holds nobody up.
        path = os.path.join(around, ".git", "index")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as index:
            content = index.read()
    except FileNotFoundError:
        return False  # nothing was ever added
    except NotADirectoryError:
        return _git_says_tracked(folder)  # a linked work tree: .git is a file
    if not content:
        return False
    header = content[:_HEADER_BYTES]
    plain = int.from_bytes(header[4:8]) in _PLAIN_VERSIONS and _SPLIT_INDEX not in content
    if plain and os.fsencode(os.path.basename(folder)) + b"/" not in content:
        return False
    return _git_says_tracked(folder)


def in_repository(folder: str) -> bool:
    """Whether there is a repository around `folder`."""
    return _repository_around(folder) is not None


def _repository_around(folder: str) -> str | None:
    above = upwards(os.path.dirname(folder))
    return next((one for one in above if os.path.lexists(os.path.join(one, ".git"))), None)


def _git_says_tracked(folder: str) -> bool:
    """Ask git. Where it cannot answer (not installed, not its repository) nothing is tracked."""
    from vibeguard.system.discovery.vcs import Git  # noqa: PLC0415 - it imports subprocess

    parent, name = os.path.split(folder)
    git = Git(parent, os.environb, _PATIENCE_S)
    return bool(git.try_to("--literal-pathspecs", "ls-files", "-z", "--", name))
