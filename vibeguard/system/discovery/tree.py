"""One name for the content of the working folder: a git tree id, or a fingerprint outside of git.

Two equal names mean that the same files were there. Nothing of the user's repository changes: a
copy of the index is filled, and new objects go to a temporary folder (docs/adr/0071).
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.places import STATE_NAME, repository_root
from vibeguard.system.discovery.vcs import GIT

TIMEOUT_S: Final = 5.0
# Outside of git every file is looked at; beyond so many there is no fingerprint.
MOST_ENTRIES: Final = 20_000
_LEFT_OUT: Final = frozenset({STATE_NAME, ".git", ".hg", ".jj", ".svn"})
_ADD: Final = ("-c", "advice.addEmbeddedRepo=false", "add", "--all")


def tree_of(
    folder: str, environment: Mapping[bytes, bytes], *, timeout_s: float = TIMEOUT_S
) -> str:
    """The tree that a commit of everything that is there would have; "" where that is unknown.

    What git ignores is left out. Outside of git: `stat:` and a digest of names, modes, sizes and
    times of change. Unknown is what takes longer than `timeout_s`, or cannot be read.
    """
    root = repository_root(folder)
    if root is None or not os.path.lexists(os.path.join(root, ".git")):
        return _fingerprint(folder)
    scratch = tempfile.mkdtemp(prefix="vibeguard-tree-")
    try:
        return GitTree(root, environment, scratch, timeout_s).write()
    except (OSError, subprocess.SubprocessError):
        return ""
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class GitTree:
    """Writes the tree of a work tree; what that takes goes to `scratch`."""

    def __init__(
        self, root: str, environment: Mapping[bytes, bytes], scratch: str, timeout_s: float
    ) -> None:
        self._root = root
        # In a hook git lends an index of its own; what is there is what is meant here.
        self._environment = without_git_locals(environment)
        self._alternates = environment.get(b"GIT_ALTERNATE_OBJECT_DIRECTORIES")
        self._scratch = scratch
        self._timeout_s = timeout_s

    def write(self) -> str:
        """The id of the tree. Raises OSError or SubprocessError."""
        paths = self.git("rev-parse", "--git-path", "index", "--git-path", "objects")
        index, objects = (os.path.join(self._root, os.fsdecode(p)) for p in paths.split(b"\n")[:2])
        own_index = os.path.join(self._scratch, "index")
        if os.path.exists(index):
            # With its time: git tells by it which files may have changed unnoticed.
            shutil.copy2(index, own_index)
        own_objects = os.path.join(self._scratch, "objects")
        os.mkdir(own_objects)
        alternates = [_quoted(os.fsencode(objects))]
        alternates += filter(None, [self._alternates])
        self._environment |= {
            b"GIT_INDEX_FILE": os.fsencode(own_index),
            b"GIT_OBJECT_DIRECTORY": os.fsencode(own_objects),
            b"GIT_ALTERNATE_OBJECT_DIRECTORIES": b":".join(alternates),
        }
        self.git(*_ADD)
        return self.git("write-tree").decode("ascii").strip()

    def git(self, *arguments: str, given: bytes | None = None) -> bytes:
        """What git prints, with `given` as its input.

        It and what it starts (filters) end with the time that they have.
        """
        process = subprocess.Popen(
            [*GIT, *arguments],
            cwd=self._root,
            env={**self._environment, b"LC_ALL": b"C"},
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(given, timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, arguments)
        return output


def _quoted(path: bytes) -> bytes:
    """A path as git reads it from a list that colons divide (git(1))."""
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _fingerprint(folder: str) -> str:
    digest = sha256()
    try:
        for count, line in enumerate(_entries(folder)):
            if count >= MOST_ENTRIES:
                return ""
            digest.update(line)
    except OSError:
        return ""
    return f"stat:{digest.hexdigest()[:40]}"


def _entries(folder: str) -> Iterator[bytes]:
    """A line for each entry below the folder, in an order that depends on nothing but names."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if entry.name in _LEFT_OUT:
                continue
            status = entry.stat(follow_symlinks=False)
            name = os.fsencode(os.path.relpath(entry.path, folder))
            if stat.S_ISDIR(status.st_mode):
                waiting.append(entry.path)
                yield b"%b\0%o\n" % (name, status.st_mode)
            else:
                facts = (name, status.st_mode, status.st_size, status.st_mtime_ns)
                yield b"%b\0%o %d %d\n" % facts
